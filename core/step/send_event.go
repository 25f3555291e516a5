package step

import (
	"context"
	"errors"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var errNoApp = errors.New("step.SendEvent: the context has no app; outside a function use App.Send")

// SendEvent sends events as a step, so that they are sent once in a run, and
// returns their IDs in the same order.
func SendEvent(ctx context.Context, id string, events ...inngestkit.AnyEvent) ([]string, error) {
	return Run(ctx, id, func(ctx context.Context) ([]string, error) {
		app := inngestkit.FromContext(ctx)
		if app == nil {
			return nil, errNoApp
		}
		return app.Send(ctx, events...)
	})
}
