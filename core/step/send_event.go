package step

import (
	"context"
	"errors"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

var errOutside = errors.New("step.SendEvent: called outside a function; use App.Send there")

// SendEvent sends events as a step, so that they are sent once in a run, and
// returns their IDs in the same order.
func SendEvent(ctx context.Context, id string, events ...inngestkit.AnyEvent) ([]string, error) {
	return Run(ctx, id, func(ctx context.Context) ([]string, error) {
		c := call.From(ctx)
		if c == nil {
			return nil, errOutside
		}
		all := make([]any, len(events))
		for i, e := range events {
			all[i] = e
		}
		return c.Send(ctx, all)
	})
}
