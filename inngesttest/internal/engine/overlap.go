package engine

import (
	"context"
	"sync"
)

// flyTogether makes the calls of a wave on goroutines of their own, with Config.Overlap.
func (e *Engine) flyTogether(ctx context.Context, wave []*flight) {
	e.unlocked(func() {
		var all sync.WaitGroup
		for _, f := range wave {
			all.Go(func() { e.fly(ctx, f) })
		}
		all.Wait()
	})
}
