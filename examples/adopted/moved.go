package main

import (
	"context"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// movedFulfil is fulfil-order of legacy.go after the move. The IDs of the function and of its
// steps are the same, so runs that have begun in the old code end here.
func movedFulfil(warehouse *Warehouse) inngestkit.Function {
	return inngestkit.OnEvent("fulfil-order", orderPlaced,
		func(ctx context.Context, in inngestkit.Input[Order]) (map[string]string, error) {
			order := in.Event.Data
			shelf, err := step.Run(ctx, "reserve", func(ctx context.Context) (string, error) {
				return warehouse.Reserve(ctx, order)
			})
			if err != nil {
				return nil, err
			}
			payment, err := step.Invoke(ctx, "charge", chargeCardRef, order)
			if err != nil {
				return nil, err
			}
			step.Sleep(ctx, "packing", time.Second)
			_, err = step.SendEvent(ctx, "announce", orderFulfilled.New(order))
			return map[string]string{"shelf": shelf, "payment": payment}, err
		})
}

var chargeCardRef = inngestkit.Ref[Order, string]{FunctionID: "charge-card"}
