package step

import (
	"context"
	"errors"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var errNoApp = errors.New("step.SendEvent: the context has no app; outside a function use App.Send")

// SendEvent sends events as a step and returns their IDs in the same order. Later
// calls of the run do not send them again. Only if the step fails after the server
// took some of them, for example because its answer was lost, does the retry send those
// twice; give events an ID where that matters.
func SendEvent(ctx context.Context, id string, events ...inngestkit.AnyEvent) ([]string, error) {
	return Run(ctx, id, func(ctx context.Context) ([]string, error) {
		app := inngestkit.FromContext(ctx)
		if app == nil {
			return nil, errNoApp
		}
		return app.Send(ctx, events...)
	})
}
