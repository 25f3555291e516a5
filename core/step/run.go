package step

import (
	"context"
	"errors"
	"fmt"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Run runs fn as a step and returns its result, which is kept as JSON: at most
// 4 MiB of it. What Run returns is always decoded from that JSON. fn is not run if T
// would be lost in it: an error, a channel, a function, a struct without exported
// fields. The server rounds integers above 2^53 unless they are text; see
// RefuseRoundedIntegers of [inngestkit.Config].
//
// If fn returns an error or panics, the step alone is retried; when its retries are
// spent, Run returns an [Error] and the function may go on.
//
// If fn returns a value besides its error, Run returns it besides the [Error]. Both
// together have at most 4 MiB as JSON: a longer text of the error is cut, and then a
// value of more than half of that is left out.
//
// The id names the step in the run, and must not be empty. Steps with the same id are
// counted: the second "poll" is "poll:1" to Inngest, and no other step may have that id.
//
// Outside a function, in a unit test for example, Run calls fn at once, and once. What it
// returns is what a function gets in the end: a result that has been JSON, without its
// unexported fields, and an [Error] for any error or panic. In a function, ctx must be
// the function's.
func Run[T any](ctx context.Context, id string, fn func(ctx context.Context) (T, error)) (T, error) {
	if fn == nil {
		var zero T
		return zero, refuse(ctx, "step.Run", fmt.Errorf("step %q: the function given to step.Run is nil", id))
	}
	return call.Run(ctx, id, fn)
}

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
