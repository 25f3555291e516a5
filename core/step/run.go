package step

import (
	"context"
	"errors"
	"fmt"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Run runs fn as a step and returns its result. The server memoizes the result, so later
// calls of the run get it without running fn.
//
// The result is encoded as JSON, with at most 4 MiB, and what Run returns is always decoded
// from that JSON. Run fails without calling fn if JSON cannot hold a T: an error, a channel,
// a function, a struct without exported fields. The server rounds integers above 2^53 unless
// they are encoded as strings; see RefuseRoundedIntegers of [inngestkit.Config].
//
// If fn returns an error or panics, the server retries only this step. When the step has
// no attempts left, Run returns an [Error], and the function may continue.
//
// If fn returns a value with its error, Run returns that value with the [Error]. Both
// together have at most 4 MiB as JSON: a longer error text is cut, and if the value takes
// more than half of the limit, it is dropped.
//
// The id names the step in the run. It must not be empty. Steps with the same id are
// counted: the second "poll" becomes "poll:1", and no other step may have that id.
//
// The context must be the function's, that of a branch of [Parallel], or derived from
// one of them. Outside a function, for example in a unit test, Run calls fn once and
// returns what a function would finally get: the result after encoding and decoding, and
// an [Error] for any error or panic.
func Run[T any](ctx context.Context, id string, fn func(ctx context.Context) (T, error)) (T, error) {
	if fn == nil {
		var zero T
		return zero, refuse(ctx, "step.Run", fmt.Errorf("step %q: the function given to step.Run is nil", id))
	}
	return call.Run(ctx, id, fn)
}

var errNoApp = errors.New("step.SendEvent: the context has no app; outside a function use App.Send")

// SendEvent sends events as a step and returns their IDs in the same order. Later calls
// of the run do not send them again. If the step fails after the server has accepted some
// events, for example because its response was lost, the retry sends those again; give
// events an ID where that matters.
func SendEvent(ctx context.Context, id string, events ...inngestkit.AnyEvent) ([]string, error) {
	return Run(ctx, id, func(ctx context.Context) ([]string, error) {
		app := inngestkit.FromContext(ctx)
		if app == nil {
			return nil, errNoApp
		}
		return app.Send(ctx, events...)
	})
}
