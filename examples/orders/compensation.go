package main

import (
	"context"
	"errors"
	"slices"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// Compensations take back what the steps of a run have done. The function notes them again in
// each of its calls, in the same order.
type compensations []compensation

// A compensation is a step. It must do nothing if there is nothing to take back.
type compensation struct {
	step string
	do   func(ctx context.Context) error
}

func (c *compensations) add(step string, do func(ctx context.Context) error) {
	*c = append(*c, compensation{step, do})
}

// run runs the compensations, the last one first. If one fails for good, the others still
// run.
func (c *compensations) run(ctx context.Context) error {
	var failed []error
	for _, undo := range slices.Backward(*c) {
		failed = append(failed, do(ctx, undo.step, undo.do))
	}
	return errors.Join(failed...)
}

// refund pays an order back.
func (o *Orders) refund(orderID string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		cents, err := o.bank.Refund(ctx, orderID)
		if err != nil {
			return err
		}
		return o.store.Refunded(ctx, orderID, cents)
	}
}

// release puts the goods of an order back into stock.
func (o *Orders) release(orderID string) func(ctx context.Context) error {
	return func(ctx context.Context) error { return o.store.Release(ctx, orderID) }
}

// recall tells the warehouse not to send an order.
func (o *Orders) recall(orderID string) func(ctx context.Context) error {
	return func(ctx context.Context) error { return o.warehouse.Cancel(ctx, orderID) }
}

// Cancel returns the function that takes an order back when the customer cancels it, before
// or after it was processed.
func (o *Orders) Cancel() inngestkit.TypedFunction[Cancelled, Refund] {
	return inngestkit.OnEvent("cancel-order", orderCancelled, o.cancel)
}

// Refund is the output of cancel-order.
type Refund struct {
	OrderID string `json:"orderId"`
	Cents   int    `json:"cents"`
	Status  string `json:"status"`
}

// cancel does what process does after a failure. It waits first, because a step of process
// that is running when the event arrives still runs to its end.
func (o *Orders) cancel(ctx context.Context, in inngestkit.Input[Cancelled]) (Refund, error) {
	orderID := in.Event.Data.OrderID
	step.Sleep(ctx, "let-steps-end", o.settle)
	order, err := step.Run(ctx, "get-order-details", func(ctx context.Context) (Order, error) {
		order, err := o.store.Order(ctx, orderID)
		return order, final(err, ErrNoOrder)
	})
	if err != nil {
		return Refund{}, err
	}
	if order.Status == StatusFailed || order.Status == StatusCancelled {
		return Refund{OrderID: orderID, Cents: order.RefundedCents, Status: order.Status}, nil
	}
	undo := compensations{
		{"refund-payment", o.refund(orderID)},
		{"release-inventory", o.release(orderID)},
		{"cancel-fulfillment", o.recall(orderID)},
	}
	if err := undo.run(ctx); err != nil {
		return Refund{}, err
	}
	return step.Run(ctx, "send-cancellation-email", func(ctx context.Context) (Refund, error) {
		if err := o.store.Cancel(ctx, orderID, in.Event.Data.Reason); err != nil {
			return Refund{}, err
		}
		order, err := o.store.Order(ctx, orderID)
		return Refund{OrderID: orderID, Cents: order.RefundedCents, Status: order.Status}, err
	})
}
