package mistakes

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

type in = inngestkit.Input[user]

func done(context.Context) (string, error) { return "done", nil }

var steps = []mistake{
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
		return step.WaitForEvent(ctx, "wait", inngestkit.NewEvent[user](""), step.Timeout(time.Hour))
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
		return messageOf(t, app.Do(t.Context(), request("POST", body)))
	}},
	{"The type of a step's result was changed", func(t *testing.T) string {
		app, _ := newApp(t, dev(), inngestkit.OnEvent("welcome", userCreated, func(ctx context.Context, _ in) (int, error) {
			return step.Run(ctx, "count", func(context.Context) (int, error) { return 1, nil })
		}))
		const kept = `"steps":{"ee9f38e186ba06f57b7b74d7e626b94e13ce2556":{"type":"data","data":"one"}}`
		return messageOf(t, app.Do(t.Context(), request("POST", strings.Replace(call, `"steps":{}`, kept, 1))))
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
