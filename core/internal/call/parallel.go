package call

import (
	"context"
	"errors"

	"github.com/inngest/inngestgo/group"
)

// A branch is a part of the function that its steps unwind separately: a branch of a
// parallel step, or the function itself. It has two states:
//
//	running ──► left     a step has unwound it; only deferred functions still run
//
// A branch is also over when an outer one has been left. A group.Parallel of the SDK inside
// the branch has branches that are not known here. When a step has unwound one of those, the
// others run on, and the branch is left when they have ended.
type branch struct {
	outer *branch // nil for the function itself
	left  bool
	// inGroup is set if a step has unwound a branch of the SDK's inside this one, or perhaps
	// the function itself: then only steps in a branch of the SDK's may follow.
	inGroup bool
	// depth is how many steps, one after another, precede the next one.
	depth int
}

type branchKey struct{}

// branch returns the branch that ctx belongs to.
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
	start := c.depth(outer)
	end, left := start, false
	defer func() {
		// This is deferred for panics of branches: the results of steps that ran must be kept.
		if left || c.progress.now() == over {
			c.leave(outer)
		}
		c.setDepth(outer, end)
	}()
	inside := make([]func(context.Context) error, len(branches))
	for i, run := range branches {
		inside[i] = func(ctx context.Context) error {
			b := &branch{outer: outer, depth: start}
			defer func() {
				depth, hasLeft := c.endBranch(b)
				end, left = max(end, depth), left || hasLeft
				c.Replay.endFresh()
			}()
			return c.runBranch(context.WithValue(ctx, branchKey{}, b), run)
		}
	}
	err := parallel(ctx, inside)
	if left || c.progress.now() == over {
		// A branch has swallowed the unwinding, or the step that the call is for has run. The
		// SDK would continue after the parallel step, although another call has to do that.
		Yield()
	}
	return err
}

var errBranchEnded = errors.New("a branch of step.Parallel did not finish: its goroutine has ended (runtime.Goexit)")

// runBranch runs a branch. Its frame on the stack shows that the goroutine can be unwound.
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

func (c *Call) depth(b *branch) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return b.depth
}

// endBranch returns how many steps b has passed, and whether a step has unwound it.
func (c *Call) endBranch(b *branch) (depth int, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return b.depth, b.left || b.inGroup
}

func (c *Call) setDepth(b *branch, depth int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.depth = depth
}

// leave records that a step has unwound b, or a branch of the SDK's inside b.
func (c *Call) leave(b *branch) {
	group := inGroup()
	c.mu.Lock()
	defer c.mu.Unlock()
	if group {
		b.inGroup = true
	} else {
		b.left = true
	}
}

// unwind records that a step unwinds b.
func (c *Call) unwind(b *branch) {
	if b.outer == nil {
		c.mu.Lock()
		b.inGroup = true // which of the two is found out if there is another step
		c.mu.Unlock()
	} else {
		c.leave(b)
	}
	c.SetYielding()
}

// hasLeft reports whether a step has unwound b, or a branch around it.
func (c *Call) hasLeft(b *branch) bool {
	c.mu.Lock()
	left, group := false, b.inGroup
	for ; b != nil; b = b.outer {
		left = left || b.left
	}
	c.mu.Unlock()
	return left || (group && !inGroup())
}
