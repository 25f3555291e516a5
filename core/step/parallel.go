package step

import (
	"context"
	"fmt"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// Parallel runs branches whose steps run at the same time. It returns when all branches
// have ended, and joins their errors. [Into] makes a branch of one step:
//
//	var user User
//	var orders []Order
//	err := step.Parallel(ctx,
//		step.Into(&user, "load-user", loadUser),
//		step.Into(&orders, "load-orders", loadOrders),
//	)
//
// For a branch with several steps, pass a function that assigns its result to a variable.
// [Map] runs the same step for each element of a slice.
//
// The server makes one call for each step, to any instance of the app. Within one call the
// branches run one after another, each on its own goroutine, so they need no locks.
//
// Pass the context of the branch to its steps, and call them on its goroutine. Steps of
// different branches may have the same ID only at the same position, such as the second
// step of each branch. Otherwise the server would confuse them, and the run fails. A run
// has at most 1,000 steps, so it also fails with more steps than that at the same time.
//
// When a branch returns an error or panics, the others still run to their end. The SDK's
// logger and [inngestkit.Logger] may repeat what the last branch logs after its steps.
func Parallel(ctx context.Context, branches ...func(ctx context.Context) error) error {
	guarded := make([]func(context.Context) error, len(branches))
	for i, branch := range branches {
		guarded[i] = func(ctx context.Context) error {
			defer call.KeepStack("a branch of step.Parallel")
			if branch == nil {
				return abort(call.From(ctx), fmt.Errorf("branch %d of step.Parallel is nil", i))
			}
			return branch(ctx)
		}
	}
	return call.Parallel(ctx, guarded)
}

// Into returns a branch for [Parallel] that runs fn as a step with [Run] and assigns
// its result to target. If the step fails, the branch returns the [Error] of Run, and
// assigns the value that fn returned with its error.
//
// Read target only after Parallel has returned.
func Into[T any](target *T, id string, fn func(ctx context.Context) (T, error)) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if target == nil {
			return refuse(ctx, "step.Into", fmt.Errorf(
				"step %q: the target of step.Into is nil; give it the address of a variable", id))
		}
		if fn == nil {
			return refuse(ctx, "step.Into", fmt.Errorf("step %q: the function given to step.Into is nil", id))
		}
		var err error
		*target, err = Run(ctx, id, fn)
		return err
	}
}

// Map runs fn as a step for each item, all at the same time like the branches of
// [Parallel], and returns the results in the order of items.
//
// Map returns when all steps have ended. It joins the errors of those that failed, each
// with the index of its item. At that index, the returned slice has the value that fn
// returned with its error, usually the zero value.
//
// All steps have the same id and are counted in the order of items: "charge",
// "charge:1", "charge:2". Therefore items must be the same, in the same order, each time
// the function is called. Take them from the event or from a step, not from a map, the
// clock or a database. A run has at most 1,000 steps.
func Map[T, R any](
	ctx context.Context, id string, items []T, fn func(ctx context.Context, item T) (R, error),
) ([]R, error) {
	if fn == nil {
		return nil, refuse(ctx, "step.Map", fmt.Errorf("step %q: the function given to step.Map is nil", id))
	}
	if see := testhooks.From(ctx).MapItems; see != nil {
		see(ctx, id, items)
	}
	results := make([]R, len(items))
	branches := make([]func(context.Context) error, len(items))
	for i, item := range items {
		run := Into(&results[i], id, func(ctx context.Context) (R, error) { return fn(ctx, item) })
		branches[i] = func(ctx context.Context) error {
			if err := run(ctx); err != nil {
				return fmt.Errorf("item %d: %w", i, err)
			}
			return nil
		}
	}
	return results, Parallel(ctx, branches...)
}
