package main

import (
	"context"
	"fmt"
	"time"

	"github.com/inngest/inngestgo"
	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/step"
)

// This file is the old code. It was written for the bare SDK and is served unchanged, with
// one exception, which is marked.

// registerLegacy creates the functions fulfil-order and format-receipt on a client.
func registerLegacy(client inngestgo.Client, warehouse *Warehouse) error {
	_, err := inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fulfil-order"},
		inngestgo.EventTrigger("shop/order.placed", nil),
		func(ctx context.Context, in inngestgo.Input[Order]) (any, error) {
			order := in.Event.Data
			shelf, err := sdkstep.Run(ctx, "reserve", func(ctx context.Context) (string, error) {
				return warehouse.Reserve(ctx, order)
			})
			if err != nil {
				return nil, err
			}
			// A function of the new kind is invoked like any other.
			payment, err := sdkstep.Invoke[string](ctx, "charge", sdkstep.InvokeOpts{
				FunctionId: "shop-charge-card",
				Data:       map[string]any{"orderId": order.OrderID, "cents": order.Cents},
			})
			if err != nil {
				return nil, err
			}
			sdkstep.Sleep(ctx, "packing", time.Second)
			// This is the exception: the steps of inngestkit also work here. The SDK would
			// send the event with the client's own configuration, past the app's middleware,
			// and without the trace.
			_, err = step.SendEvent(ctx, "announce", orderFulfilled.New(order))
			return map[string]string{"shelf": shelf, "payment": payment}, err
		})
	if err != nil {
		return err
	}
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "format-receipt"},
		inngestgo.EventTrigger("shop/receipt.requested", nil),
		func(_ context.Context, in inngestgo.Input[Order]) (any, error) {
			order := in.Event.Data
			return Receipt{Text: fmt.Sprintf("%s: %d.%02d", order.OrderID, order.Cents/100, order.Cents%100)}, nil
		})
	return err
}
