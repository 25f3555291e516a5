// Package orders takes an order from payment to fulfilment. When a step fails for good, it
// gives back what earlier steps have taken.
package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// The events of this package.
var (
	OrderSubmitted = inngestkit.DefineEvent[Submitted]("order.submitted")
	OrderCancelled = inngestkit.DefineEvent[Cancelled]("order.cancelled")
	OrderCompleted = inngestkit.DefineEvent[Completed]("analytics.order-completed")
	OrderReady     = inngestkit.DefineEvent[Ready]("fulfillment.order-ready")
)

// Submitted is the data of the event that starts an order.
type Submitted struct {
	OrderID    string   `json:"orderId"`
	CustomerID string   `json:"customerId"`
	Items      []string `json:"items"`
	Card       string   `json:"card"`
}

// Cancelled is the data of the event with which a customer cancels an order.
type Cancelled struct {
	OrderID string `json:"orderId"`
	Reason  string `json:"reason"`
}

// Completed is the data of the event for the statistics.
type Completed struct {
	OrderID string `json:"orderId"`
	Cents   int    `json:"cents"`
}

// Ready is the data of the event for the warehouse.
type Ready struct {
	OrderID       string `json:"orderId"`
	FulfillmentID string `json:"fulfillmentId"`
}

// Order is an order in the database.
type Order struct {
	ID            string `json:"id"`
	Email         string `json:"email"`
	Cents         int    `json:"cents"`
	TransactionID string `json:"transactionId,omitempty"`
	FulfillmentID string `json:"fulfillmentId,omitempty"`
}

// Store is the database of orders and of the stock.
type Store interface {
	Order(ctx context.Context, orderID string) (Order, error)
	MarkFailed(ctx context.Context, orderID, reason string) error
	// Unavailable returns those of the items that are not in stock.
	Unavailable(ctx context.Context, items []string) ([]string, error)
	Reserve(ctx context.Context, orderID string, items []string) error
	Release(ctx context.Context, orderID string) error
}

// Bank moves money.
type Bank interface {
	Charge(ctx context.Context, card string, cents int, orderID string) (transactionID string, err error)
	Refund(ctx context.Context, transactionID string, cents int) error
}

// Warehouse sends goods.
type Warehouse interface {
	Create(ctx context.Context, orderID string, items []string) (fulfillmentID string, err error)
	Cancel(ctx context.Context, fulfillmentID string) error
}

// Mailer sends a mail that is made from a template.
type Mailer interface {
	Send(ctx context.Context, to, template string, values ...string) error
}

// ErrDeclined is the error of a card that will not work at the next attempt either.
var ErrDeclined = errors.New("the card was declined")

// Orders has the durable functions. Its fields are their dependencies.
type Orders struct {
	Store     Store
	Bank      Bank
	Warehouse Warehouse
	Mail      Mailer
}

// Functions returns all functions of this package.
func (o *Orders) Functions() []inngestkit.Function {
	return []inngestkit.Function{o.Process(), o.Cancel()}
}

// Receipt is the output of process-order.
type Receipt struct {
	OrderID       string `json:"orderId"`
	TransactionID string `json:"transactionId"`
	FulfillmentID string `json:"fulfillmentId"`
}

// Process returns the function that processes an order. At most ten steps run at the same
// time, and an order that the customer cancels meanwhile ends at its next step.
func (o *Orders) Process() inngestkit.TypedFunction[Submitted, Receipt] {
	return inngestkit.OnEvent("process-order", OrderSubmitted, o.process,
		flow.Concurrency(10), flow.Retries(3), flow.CancelOn(OrderCancelled, flow.Match("data.orderId")))
}

// Refund is the output of cancel-order.
type Refund struct {
	OrderID string `json:"orderId"`
	Cents   int    `json:"cents"`
}

// Cancel returns the function that takes back an order. It waits a minute first: a step of
// process-order that runs when the order is cancelled still runs to its end.
func (o *Orders) Cancel() inngestkit.TypedFunction[Cancelled, Refund] {
	return inngestkit.OnEvent("cancel-order", OrderCancelled, o.cancel)
}

func (o *Orders) process(ctx context.Context, in inngestkit.Input[Submitted]) (Receipt, error) {
	receipt, err := o.fulfil(ctx, in.Event.Data)
	if err != nil {
		if undone := o.undo(ctx, in.Event.Data.OrderID, err.Error()); undone != nil {
			return Receipt{}, undone
		}
		return Receipt{}, err
	}
	return receipt, nil
}

func (o *Orders) fulfil(ctx context.Context, order Submitted) (Receipt, error) {
	stored, err := step.Run(ctx, "validate-order", func(ctx context.Context) (Order, error) {
		missing, err := o.Store.Unavailable(ctx, order.Items)
		if err != nil {
			return Order{}, err
		}
		if len(missing) > 0 {
			return Order{}, inngestkit.NoRetry(fmt.Errorf("not in stock: %v", missing))
		}
		return o.Store.Order(ctx, order.OrderID)
	})
	if err != nil {
		return Receipt{}, err
	}
	transaction, err := step.Run(ctx, "process-payment", func(ctx context.Context) (string, error) {
		id, err := o.Bank.Charge(ctx, order.Card, stored.Cents, order.OrderID)
		if errors.Is(err, ErrDeclined) {
			return "", inngestkit.NoRetry(err) // other errors are retried
		}
		return id, err
	})
	if err != nil {
		return Receipt{}, err
	}
	err = do(ctx, "reserve-inventory", func(ctx context.Context) error {
		return o.Store.Reserve(ctx, order.OrderID, order.Items)
	})
	if err != nil {
		return Receipt{}, err
	}
	fulfillment, err := step.Run(ctx, "create-fulfillment-order", func(ctx context.Context) (string, error) {
		return o.Warehouse.Create(ctx, order.OrderID, order.Items)
	})
	if err != nil {
		return Receipt{}, err
	}
	err = do(ctx, "send-order-confirmation", func(ctx context.Context) error {
		return o.Mail.Send(ctx, stored.Email, "order-confirmation", order.OrderID, transaction)
	})
	if err != nil {
		return Receipt{}, err
	}
	_, err = step.SendEvent(ctx, "order-processed-events",
		OrderCompleted.New(Completed{order.OrderID, stored.Cents}), OrderReady.New(Ready{order.OrderID, fulfillment}))
	return Receipt{order.OrderID, transaction, fulfillment}, err
}

// undo gives back what the order has taken.
func (o *Orders) undo(ctx context.Context, orderID, reason string) error {
	return do(ctx, "handle-order-failure", func(ctx context.Context) error {
		if err := o.Store.Release(ctx, orderID); err != nil {
			return err
		}
		order, err := o.Store.Order(ctx, orderID)
		if err != nil {
			return err
		}
		if err := o.Store.MarkFailed(ctx, orderID, reason); err != nil {
			return err
		}
		return o.Mail.Send(ctx, order.Email, "order-failed", reason)
	})
}

func (o *Orders) cancel(ctx context.Context, in inngestkit.Input[Cancelled]) (Refund, error) {
	orderID := in.Event.Data.OrderID
	step.Sleep(ctx, "let-steps-end", time.Minute)
	order, err := step.Run(ctx, "get-order-details", func(ctx context.Context) (Order, error) {
		return o.Store.Order(ctx, orderID)
	})
	if err != nil {
		return Refund{}, err
	}
	refund := Refund{OrderID: orderID}
	if order.TransactionID != "" {
		refund.Cents = order.Cents
		err = do(ctx, "process-refund", func(ctx context.Context) error {
			return o.Bank.Refund(ctx, order.TransactionID, order.Cents)
		})
		if err != nil {
			return Refund{}, err
		}
	}
	err = do(ctx, "release-inventory", func(ctx context.Context) error { return o.Store.Release(ctx, orderID) })
	if err != nil {
		return Refund{}, err
	}
	if order.FulfillmentID != "" {
		err = do(ctx, "cancel-fulfillment", func(ctx context.Context) error {
			return o.Warehouse.Cancel(ctx, order.FulfillmentID)
		})
		if err != nil {
			return Refund{}, err
		}
	}
	return refund, do(ctx, "send-cancellation-email", func(ctx context.Context) error {
		return o.Mail.Send(ctx, order.Email, "order-cancelled", in.Event.Data.Reason)
	})
}

// do runs a step without a result.
func do(ctx context.Context, id string, fn func(ctx context.Context) error) error {
	_, err := step.Run(ctx, id, func(ctx context.Context) (any, error) { return nil, fn(ctx) })
	return err
}
