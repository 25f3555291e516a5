package main

import (
	"context"
	"fmt"
	"sync"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// formatReceipt is a function of the old kind, for step.Invoke. The compiler cannot check its
// types, so they are written here once.
var formatReceipt = inngestkit.Ref[Order, Receipt]{FunctionID: "format-receipt"}

// nativeFunctions returns the functions that were written for inngestkit.
func nativeFunctions() []inngestkit.Function {
	return []inngestkit.Function{
		inngestkit.OnEvent("charge-card", inngestkit.DefineEvent[Order]("shop/charge.requested"), chargeCard, flow.Retries(5)),
		inngestkit.OnEvent("notify-customer", orderFulfilled, notifyCustomer),
	}
}

// chargeCard is invoked by fulfil-order.
func chargeCard(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
	return step.Run(ctx, "call-bank", func(context.Context) (string, error) {
		return "payment-of-" + in.Event.Data.OrderID, nil
	})
}

// notifyCustomer is started by an event of fulfil-order, and invokes format-receipt.
func notifyCustomer(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
	receipt, err := step.Invoke(ctx, "format", formatReceipt, in.Event.Data)
	if err != nil {
		return "", err
	}
	return step.Run(ctx, "mail", func(context.Context) (string, error) { return "mailed " + receipt.Text, nil })
}

// Warehouse simulates a warehouse.
type Warehouse struct {
	mu       sync.Mutex
	reserved int
}

// Reserve reserves what was ordered, and returns where it is.
func (w *Warehouse) Reserve(context.Context, Order) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reserved++
	return fmt.Sprintf("shelf-%d", w.reserved), nil
}

// Reserved returns how often something was reserved.
func (w *Warehouse) Reserved() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reserved
}
