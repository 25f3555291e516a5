package step

import (
	"context"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Parallel runs branches, whose steps the server runs at the same time, and
// returns when all have ended, with their errors joined. Branches hand their
// results on by assigning to variables of the function:
//
//	var user User
//	var orders []Order
//	err := step.Parallel(ctx,
//		func(ctx context.Context) (err error) { user, err = step.Run(ctx, "user", …); return err },
//		func(ctx context.Context) (err error) { orders, err = step.Run(ctx, "orders", …); return err },
//	)
//
// What runs at the same time is the steps, each in a call of its own, on any
// instance of the app. Within one call the branches go one after another, on
// goroutines of their own, so they need no locks.
//
// Steps have the context of their branch, and run on its goroutine. Branches may have steps with the same ID
// if these are at the same place, such as the second in each; elsewhere the server
// would take one for the other, and the run fails at once. So it does with more than
// 1000 steps at the same time: a run has no more in all.
//
// A branch that returns an error, or panics, does not keep the others from going
// on: that counts when all have ended. The SDK's logger and [inngestkit.Logger] may
// repeat what the last branch logs behind its steps.
func Parallel(ctx context.Context, branches ...func(ctx context.Context) error) error {
	guarded := make([]func(context.Context) error, len(branches))
	for i, branch := range branches {
		guarded[i] = func(ctx context.Context) error {
			defer call.KeepStack("a branch of step.Parallel")
			return branch(ctx)
		}
	}
	return call.Parallel(ctx, guarded)
}
