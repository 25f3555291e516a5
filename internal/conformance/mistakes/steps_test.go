package mistakes

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

type in = inngestkit.Input[user]

// declinedError is an error whose method dereferences its receiver.
type declinedError struct{ reason string }

// Error implements error.
func (e *declinedError) Error() string { return e.reason }

func done(context.Context) (string, error) { return "done", nil }

var steps = []mistake{
	{"A step on a goroutine", calls(func(ctx context.Context, _ in) (any, error) {
		failed := make(chan error)
		go func() {
			_, err := step.Run(ctx, "charge", done)
			failed <- err
		}()
		return nil, <-failed
	})},
	{"A step with context.Background", calls(func(context.Context, in) (any, error) {
		return step.Run(context.Background(), "charge", done)
	})},
	{"A step without an ID", calls(func(ctx context.Context, _ in) (any, error) { return step.Run(ctx, "", done) })},
	{"Two steps with one ID after counting", calls(func(ctx context.Context, _ in) (any, error) {
		return nil, step.Parallel(ctx,
			func(ctx context.Context) error { _, err := step.Run(ctx, "poll:1", done); return err },
			func(ctx context.Context) error { _, err := step.Run(ctx, "poll", done); return err },
			func(ctx context.Context) error { _, err := step.Run(ctx, "poll", done); return err })
	})},
	{"One ID at different places of branches", func(t *testing.T) string {
		app, _ := newApp(t, dev(), inngestkit.OnEvent("welcome", userCreated, func(ctx context.Context, _ in) (any, error) {
			charge := func(ctx context.Context) error {
				_, err := step.Run(ctx, "charge", done)
				return err
			}
			return nil, step.Parallel(ctx, func(ctx context.Context) error {
				if _, err := step.Run(ctx, "user", done); err != nil {
					return err
				}
				return charge(ctx)
			}, charge)
		}))
		const kept = `"steps":{"12dea96fec20593566ab75692c9949596833adc9":{"type":"data","data":"u1"}}`
		return messageOf(t, app.Do(t.Context(), request(http.MethodPost, strings.Replace(call, `"steps":{}`, kept, 1))))
	}},
	{"A step that returns an error as its result", calls(func(ctx context.Context, _ in) (any, error) {
		return step.Run(ctx, "charge", func(context.Context) (error, error) { return errors.New("declined"), nil })
	})},
	{"A step that returns unexported fields", calls(func(ctx context.Context, _ in) (any, error) {
		type receipt struct{ id string }
		return step.Run(ctx, "charge", func(context.Context) (receipt, error) { return receipt{id: "r1"}, nil })
	})},
	{"A nil pointer returned as an error", calls(func(context.Context, in) (any, error) {
		var declined *declinedError
		return nil, declined
	})},
	{"An integer that the server rounds", func(t *testing.T) string {
		app, l := newApp(t, dev(), inngestkit.OnEvent("welcome", userCreated, func(context.Context, in) (any, error) {
			return map[string]int64{"id": 616581622363398142}, nil
		}))
		require.Equal(t, http.StatusOK, app.Do(t.Context(), request(http.MethodPost, call)).Status)
		return l.Await(t, "round")
	}},
	{"Invoking a function of another app", calls(func(ctx context.Context, _ in) (any, error) {
		report := inngestkit.OnEvent("report", userCreated, hello)
		return step.Invoke(ctx, "invoke", report, user{})
	})},
	{"Events sent outside of a step", func(t *testing.T) string {
		config := dev()
		config.HTTPClient = &http.Client{Transport: answering(http.StatusOK, `{"ids":["01"],"status":200}`)}
		app, l := newApp(t, config, inngestkit.OnEvent("welcome", userCreated, func(ctx context.Context, in in) (any, error) {
			if _, err := inngestkit.Send(ctx, in.Event); err != nil {
				return nil, err
			}
			return step.Run(ctx, "charge", done)
		}))
		require.Equal(t, http.StatusPartialContent, app.Do(t.Context(), request(http.MethodPost, call)).Status)
		return l.Await(t, "outside of its steps")
	}},
	{"A step in the callback of a step", calls(func(ctx context.Context, _ in) (any, error) {
		return step.Run(ctx, "outer", func(ctx context.Context) (string, error) { return step.Run(ctx, "inner", done) })
	})},
	{"A step whose context has ended", calls(func(ctx context.Context, _ in) (any, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(errors.New("the user has left"))
		return step.Run(ctx, "charge", done)
	})},
	{"A result that is not JSON", calls(func(ctx context.Context, _ in) (any, error) {
		return step.Run(ctx, "count", func(context.Context) (any, error) { return map[string]any{"progress": make(chan int)}, nil })
	})},
	{"A result that is too large", calls(func(ctx context.Context, _ in) (any, error) {
		return step.Run(ctx, "export", func(context.Context) (string, error) { return strings.Repeat("x", 5<<20), nil })
	})},
	{"A sleep of more than a year", calls(func(ctx context.Context, _ in) (any, error) {
		step.Sleep(ctx, "two-years", 2*365*24*time.Hour)
		return nil, nil
	})},
	{"A wait without a timeout", calls(func(ctx context.Context, _ in) (any, error) {
		return step.WaitForEvent(ctx, "wait", userCreated)
	})},
	{"A wait for an event without a name", calls(func(ctx context.Context, _ in) (any, error) {
		return step.WaitForEvent(ctx, "wait", inngestkit.DefineEvent[user](""), step.Timeout(time.Hour))
	})},
	{"A wait on a condition of the wrong event", calls(func(ctx context.Context, _ in) (any, error) {
		return step.WaitForEvent(ctx, "wait", userCreated, step.If("event.data.userId == 'u1'"), step.Timeout(time.Hour))
	})},
	{"A signal without a name", calls(func(ctx context.Context, _ in) (any, error) {
		return step.WaitForSignal[string](ctx, "wait", "", step.Timeout(time.Hour))
	})},
	{"Invoking with data that is not an object", calls(func(ctx context.Context, _ in) (any, error) {
		return step.Invoke(ctx, "invoke", inngestkit.Ref[string, any]{FunctionID: "report"}, "u1")
	})},
	{"An event that does not fit the function's type", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		body := strings.Replace(call, `"u1"`, `1`, 1)
		return messageOf(t, app.Do(t.Context(), request(http.MethodPost, body)))
	}},
	{"The type of a step's result was changed", func(t *testing.T) string {
		app, _ := newApp(t, dev(), inngestkit.OnEvent("welcome", userCreated, func(ctx context.Context, _ in) (int, error) {
			return step.Run(ctx, "count", func(context.Context) (int, error) { return 1, nil })
		}))
		const kept = `"steps":{"ee9f38e186ba06f57b7b74d7e626b94e13ce2556":{"type":"data","data":"one"}}`
		return messageOf(t, app.Do(t.Context(), request(http.MethodPost, strings.Replace(call, `"steps":{}`, kept, 1))))
	}},
	{"A panic in a step", calls(func(ctx context.Context, _ in) (any, error) {
		return step.Run(ctx, "charge", func(context.Context) (string, error) { panic("no card") })
	})},
	{"Sleep in a unit test", func(t *testing.T) string {
		return panics(t, func() { step.Sleep(t.Context(), "nap", time.Second) })
	}},
	{"Waiting in a unit test", func(t *testing.T) string {
		_, err := step.WaitForEvent(t.Context(), "wait", userCreated, step.Timeout(time.Hour))
		return fails(t, err)
	}},
}
