package call

import (
	"context"
	"errors"
	"fmt"

	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/inngest/inngestgo/group"
)

// branch is a part of the function that its steps unwind by themselves: a branch
// of a parallel step, or the function itself.
type branch struct {
	outer *branch // nil for the function itself
	// left says that a step has unwound it: what still runs is deferred.
	left bool
	// depth is how many steps, one after another, come before the next.
	depth int
}

type branchKey struct{}

// branch is the branch that ctx belongs to.
func (c *Call) branch(ctx context.Context) *branch {
	if b, ok := ctx.Value(branchKey{}).(*branch); ok {
		return b
	}
	return &c.function
}

// Parallel runs the branches of a parallel step and joins their errors.
func Parallel(ctx context.Context, branches []func(ctx context.Context) error) error {
	c := From(ctx)
	if c == nil {
		refuseForeign("step.Parallel")
		return parallel(ctx, branches)
	}
	if err := c.elsewhere("step.Parallel", nil); err != nil {
		return err
	}
	outer := c.branch(ctx)
	start, _ := c.state(outer)
	end, left := start, false
	defer func() {
		// Also if a branch has panicked meanwhile: what has run is to be kept.
		c.leave(outer, !left && !c.over.Load())
		c.setDepth(outer, end)
	}()
	inside := make([]func(context.Context) error, len(branches))
	for i, run := range branches {
		inside[i] = func(ctx context.Context) error {
			b := &branch{outer: outer, depth: start}
			defer func() {
				depth, hasLeft := c.state(b)
				end, left = max(end, depth), left || hasLeft
				c.Replay.SetOver()
			}()
			return c.runBranch(context.WithValue(ctx, branchKey{}, b), run)
		}
	}
	err := parallel(ctx, inside)
	if left || c.over.Load() {
		// A branch has swallowed the unwinding, or the one step that the call is for
		// has run. The SDK would go on behind the parallel step, in a call that is not
		// the function's last one.
		Yield()
	}
	return err
}

var errBranchEnded = errors.New("a branch of step.Parallel did not come to its end: its goroutine has ended (runtime.Goexit)")

// runBranch runs a branch. On the stack it tells that its goroutine is the function's.
//
//go:noinline
func (*Call) runBranch(ctx context.Context, run func(context.Context) error) error { return run(ctx) }

func parallel(ctx context.Context, branches []func(context.Context) error) error {
	wrapped := make([]func(context.Context) (any, error), len(branches))
	for i, run := range branches {
		wrapped[i] = func(ctx context.Context) (any, error) { return nil, run(ctx) }
	}
	results := group.Parallel(ctx, wrapped...)
	errs := make([]error, 0, len(branches))
	for _, result := range results {
		errs = append(errs, result.Error)
	}
	if len(results) < len(branches) {
		errs = append(errs, errBranchEnded)
	}
	return errors.Join(errs...)
}

func (c *Call) state(b *branch) (depth int, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return b.depth, b.left
}

func (c *Call) setDepth(b *branch, depth int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.depth = depth
}

// leave notes that a step has unwound b, unless it has returned.
func (c *Call) leave(b *branch, returned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !returned {
		b.left = true
		c.unwound.Store(true)
	}
}

// unwind notes that a step has unwound b by itself. It may not have left the function
// with it: in a group.Parallel of the SDK, only a branch that is not known here. If
// it has, the SDK's context is done, or the call is for another step.
func (c *Call) unwind(b *branch) {
	c.leave(b, b.outer == nil)
	c.unwound.Store(true)
}

// hasLeft reports whether a step has unwound b, or what b is in.
func (c *Call) hasLeft(b *branch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; b != nil; b = b.outer {
		if b.left {
			return true
		}
	}
	return false
}

// checkOrder refuses steps with the same name in several branches where they
// would be taken for each other. Such steps are counted in the order in which the
// function comes to them. In the end that is the order of the branches; but before,
// a step far down in the first branch is reached after one at the top of the second.
func (c *Call) checkOrder(b *branch, name string) error {
	if b.outer == nil {
		return nil
	}
	if b.depth < c.deepest[name] {
		return sdkerrors.NoRetryError(fmt.Errorf(
			"step %q is in several branches of step.Parallel, at different places, and the server would take one "+
				"for the other: give it an ID of its own in each branch", name))
	}
	if c.deepest == nil {
		c.deepest = map[string]int{}
	}
	c.deepest[name] = b.depth
	return nil
}
