package inngesttest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// again is a function that starts itself in the way of f.
func again(f func(ctx context.Context) error) inngestkit.TypedFunction[order, any] {
	return inngestkit.OnEvent("again", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
		return nil, f(ctx)
	})
}

func sendsItsEvent(ctx context.Context) error {
	_, err := inngestkit.Send(ctx, ordered.New(order{}))
	return err
}

// A test with a function that starts itself fails, instead of running until go test ends it.
func TestEndless(t *testing.T) {
	t.Parallel()
	invokes := func(ctx context.Context) error {
		_, err := step.Invoke(ctx, "self", inngestkit.Ref[order, any]{FunctionID: "again"}, order{})
		return err
	}
	sleeps := func(ctx context.Context) error {
		step.Sleep(ctx, "a second", time.Second)
		return sendsItsEvent(ctx)
	}
	for name, tc := range map[string]struct {
		f    func(ctx context.Context) error
		call func(e *inngesttest.Engine)
		want string
	}{
		"Settle":            {sendsItsEvent, func(e *inngesttest.Engine) { e.Settle() }, "the last by the event \"shop/order.placed\""},
		"Advance":           {sleeps, func(e *inngesttest.Engine) { e.Advance(24 * time.Hour) }, "does it send the event"},
		"Drain":             {sleeps, func(e *inngesttest.Engine) { e.Drain() }, "does it send the event"},
		"step.Invoke, Wait": {invokes, func(e *inngesttest.Engine) { e.Runs(nil)[0].Wait() }, "or invoke itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, failed := attempt(t, func(tb testing.TB) {
				e := inngesttest.Virtual(tb, inngesttest.MaxStarts(100))
				e.Register(again(tc.f))
				e.Send(ordered.New(order{}))
				tc.call(e)
			})
			require.True(t, failed, log)
			require.Contains(t, log, "test-again has started 100 runs during one")
			require.Contains(t, log, tc.want)
			require.Contains(t, log, "attempt  outcome")
		})
	}
}

// Events of the test do not count, however many it sends.
func TestManyEventsOfTheTest(t *testing.T) {
	t.Parallel()
	e := inngesttest.Virtual(t, inngesttest.MaxStarts(100))
	e.Register(inngestkit.OnEvent("f", ordered, func(context.Context, inngestkit.Input[order]) (any, error) { return nil, nil }))
	events := make([]inngestkit.AnyEvent, 150)
	for i := range events {
		events[i] = ordered.New(order{})
	}
	for range 3 {
		e.Send(events...)
	}
	e.Settle()
	require.Len(t, e.Events(), 450)
}

// deadlined is a test with a deadline.
type deadlined struct {
	testing.TB

	deadline time.Time
}

func (d deadlined) Deadline() (time.Time, bool) { return d.deadline, true }

func TestDeadline(t *testing.T) {
	t.Parallel()
	log, failed := attempt(t, func(tb testing.TB) {
		e := inngesttest.Virtual(deadlined{tb, time.Now().Add(1100 * time.Millisecond)})
		e.Register(again(func(ctx context.Context) error {
			time.Sleep(time.Millisecond)
			return sendsItsEvent(ctx)
		}))
		e.Send(ordered.New(order{}))
		e.Settle()
	})
	require.True(t, failed, log)
	require.Contains(t, log, "the test has nearly reached its deadline")
	require.Contains(t, log, "attempt  outcome")
}

func TestAfterTheTest(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(e *inngesttest.Engine){
		"Advance": func(e *inngesttest.Engine) { e.Advance(time.Hour) },
		"Drain":   func(e *inngesttest.Engine) { e.Drain() },
		"Wait":    func(e *inngesttest.Engine) { e.Runs(nil)[0].Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, failed := attempt(t, func(tb testing.TB) {
				e := inngesttest.Virtual(tb)
				e.Register(sleepy(time.Now))
				e.Send(ordered.New(order{}))
				e.Settle()
				tb.Cleanup(func() { call(e) })
			})
			require.True(t, failed, log)
			require.Contains(t, log, "the test of this engine has ended")
		})
	}
}
