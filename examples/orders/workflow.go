package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// Bank moves money. It knows a payment by the ID of its order: another charge for the same
// order returns the same payment.
type Bank interface {
	Charge(ctx context.Context, orderID, token string, cents int) (paymentID string, err error)
	// Refund pays back what was charged for an order, 0 if nothing was.
	Refund(ctx context.Context, orderID string) (cents int, err error)
}

// Warehouse sends goods. It knows a fulfilment by the ID of its order.
type Warehouse interface {
	Create(ctx context.Context, order Order) (fulfillmentID string, err error)
	// Cancel does nothing for an order that the warehouse does not know.
	Cancel(ctx context.Context, orderID string) error
}

// Orders has the durable functions. Its fields are their dependencies.
type Orders struct {
	store     *Store
	bank      Bank
	warehouse Warehouse
	// settle is how long cancel-order waits for steps that are running: a bit longer than
	// the slowest step may take.
	settle time.Duration
}

// NewOrders returns the durable functions.
func NewOrders(store *Store, bank Bank, warehouse Warehouse, settle time.Duration) *Orders {
	return &Orders{store: store, bank: bank, warehouse: warehouse, settle: settle}
}

// Functions returns all functions.
func (o *Orders) Functions() []inngestkit.Function {
	return []inngestkit.Function{o.Process(), o.Cancel()}
}

// Process returns the function that processes an order. At most ten steps run at the same
// time. An order that the customer cancels meanwhile ends at its next step, and Cancel does
// the rest. A second event for the same order has no effect.
func (o *Orders) Process() inngestkit.TypedFunction[Submitted, Receipt] {
	return inngestkit.OnEvent("process-order", orderSubmitted, o.process,
		flow.Concurrency(10),
		flow.Retries(3),
		flow.Idempotency("event.data.orderId"),
		flow.CancelOn(orderCancelled, flow.Match("data.orderId")),
		inngestkit.OnFailure(o.failed),
	)
}

// Receipt is the output of process-order.
type Receipt struct {
	OrderID       string `json:"orderId"`
	PaymentID     string `json:"paymentId"`
	FulfillmentID string `json:"fulfillmentId"`
}

// process fulfils an order. If a step fails for good, it takes back what was done, in
// reverse order.
func (o *Orders) process(ctx context.Context, in inngestkit.Input[Submitted]) (Receipt, error) {
	var undo compensations
	receipt, err := o.fulfil(ctx, in.Event.Data, &undo)
	if err != nil {
		return Receipt{}, errors.Join(err, undo.run(ctx))
	}
	return receipt, nil
}

// fulfil has the steps of an order. Each has an effect that can be repeated: the database
// has unique keys, and the bank and the warehouse get the ID of the order.
func (o *Orders) fulfil(ctx context.Context, submitted Submitted, undo *compensations) (Receipt, error) {
	id := submitted.OrderID
	order, err := step.Run(ctx, "validate-order", func(ctx context.Context) (Order, error) {
		order, err := o.store.Accept(ctx, submitted)
		return order, final(err, ErrNotInStock)
	})
	if err != nil {
		return Receipt{}, err
	}

	// The compensation is noted before the step: the step may fail after its effect, for
	// example if the response of the bank is lost.
	undo.add("refund-payment", o.refund(id))
	payment, err := step.Run(ctx, "process-payment", func(ctx context.Context) (string, error) {
		return o.pay(ctx, order, submitted.PaymentToken)
	})
	if err != nil {
		return Receipt{}, err
	}

	undo.add("release-inventory", o.release(id))
	err = do(ctx, "reserve-inventory", func(ctx context.Context) error {
		return final(o.store.Reserve(ctx, id), ErrNotInStock)
	})
	if err != nil {
		return Receipt{}, err
	}

	undo.add("cancel-fulfillment", o.recall(id))
	fulfillment, err := step.Run(ctx, "create-fulfillment-order", func(ctx context.Context) (string, error) {
		fulfillment, err := o.warehouse.Create(ctx, order)
		return fulfillment, final(err, ErrUndeliverable)
	})
	if err != nil {
		return Receipt{}, err
	}

	err = do(ctx, "send-order-confirmation", func(ctx context.Context) error {
		return o.store.Confirm(ctx, id, fulfillment)
	})
	if err != nil {
		return Receipt{}, err
	}
	_, err = step.SendEvent(ctx, "order-processed-events",
		orderCompleted.New(Completed{OrderID: id, CustomerID: order.CustomerID, Cents: order.Cents}),
		orderReady.New(Ready{OrderID: id, FulfillmentID: fulfillment, Priority: order.Priority}),
		purchaseCompleted.New(Purchase{CustomerID: order.CustomerID, OrderID: id, Cents: order.Cents, Items: len(order.Items)}))
	return Receipt{OrderID: id, PaymentID: payment, FulfillmentID: fulfillment}, err
}

// pay charges for an order. A declined card stays declined, so that is not tried again.
func (o *Orders) pay(ctx context.Context, order Order, token string) (paymentID string, err error) {
	if err := o.store.SetStatus(ctx, order.ID, StatusPaying); err != nil {
		return "", err
	}
	paymentID, err = o.bank.Charge(ctx, order.ID, token, order.Cents)
	if err != nil {
		return "", final(fmt.Errorf("payment of %d cents: %w", order.Cents, err), ErrDeclined)
	}
	return paymentID, o.store.Paid(ctx, order.ID, paymentID)
}

// failed runs when an order has failed for good, after the compensations. It returns the
// reason.
func (o *Orders) failed(ctx context.Context, in inngestkit.Input[inngestkit.FailedRun[Submitted]]) (string, error) {
	order, reason := in.Event.Data.Event.Data, in.Event.Data.Error.Message
	return reason, do(ctx, "handle-order-failure", func(ctx context.Context) error {
		return o.store.Fail(ctx, order, reason)
	})
}

// final returns err as one that is not retried if it is cause.
func final(err, cause error) error {
	if errors.Is(err, cause) {
		return inngestkit.NoRetry(err)
	}
	return err
}

// do runs a step without a result.
func do(ctx context.Context, id string, f func(ctx context.Context) error) error {
	_, err := step.Run(ctx, id, func(ctx context.Context) (any, error) { return nil, f(ctx) })
	return err
}
