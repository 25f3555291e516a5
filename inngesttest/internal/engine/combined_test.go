package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// sleeping returns a handler that sleeps and returns the ID of its event.
func sleeping(d time.Duration) func(context.Context, input) (any, error) {
	return func(ctx context.Context, in input) (any, error) {
		step.Sleep(ctx, "sleep", d)
		return in.Event.Data.ID, nil
	}
}

// failing returns a handler that fails n times.
func failing(n int) func(context.Context, input) (any, error) {
	return func(_ context.Context, in input) (any, error) {
		if in.InputCtx.Attempt < n {
			return nil, errors.New("not yet")
		}
		return in.Event.Data.ID, nil
	}
}

func TestBatchesUnderConcurrency(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := slow(t, v, flow.BatchEvents(2, 10*time.Second), flow.Concurrency(1))
		s.sendN("x", 5)
		s.pass(10 * time.Minute)
		require.Equal(t, seconds(0, 60, 120), s.starts("f"), s.text())
		require.Equal(t, []string{`"1"`, `"3"`, `"5"`}, s.outputs("f"))
	})
}

func TestDebouncedRunIsCancelled(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", sleeping(time.Hour), flow.Debounce(10*time.Second),
		flow.CancelOn(inngestkit.DefineEvent[data]("stop"))))
	s.send("x", data{ID: "1"})
	s.pass(5 * time.Second)
	s.send("stop", data{}) // before the run exists
	s.pass(time.Minute)
	require.Equal(t, Running, s.only("f").Status)
	s.send("stop", data{})
	s.settle()
	require.Equal(t, Cancelled, s.only("f").Status)
}

// Seen on servers: the oldest one throttles each attempt of the first call.
func TestThrottleAndRetries(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v, RetryInterval: time.Second}, on("f", "x", failing(2), flow.Throttle(1, 4*time.Second)))
		s.send("x", data{ID: "1"})
		s.pass(time.Minute)
		want := 2 * time.Second
		if v == version.Oldest {
			want = 8 * time.Second
		}
		require.Equal(t, want, s.only("f").Ended.Sub(begin), s.text())
	})
}

// What a call takes before another limit refuses it is given back.
func TestAllLimitsOfAFunction(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", echo, flow.Concurrency(1), flow.FnConcurrency(1), flow.Throttle(1, 10*time.Second)))
	s.sendN("x", 4)
	s.pass(time.Minute)
	require.Equal(t, seconds(0, 10, 20, 30), s.starts("f"), s.text())
}

func TestSingletonAndTheSameEventTwice(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, on("f", "x", echo, flow.Singleton(flow.SingletonSkip)))
		for _, id := range []string{"1", "1", "2"} {
			s.sendRaw(`{"id":"` + id + `","name":"x","data":{"id":"` + id + `"}}`)
			s.settle()
		}
		require.Equal(t, []string{`"1"`, `"2"`}, s.outputs("f"), s.text())
	})
}

func TestInvokeOfAThrottledFunction(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, invoking("", "callee"), on("callee", "never", echo, flow.Throttle(1, time.Minute)))
	s.sendN("x", 3)
	s.pass(time.Hour)
	require.Equal(t, seconds(0, 60, 120), s.starts("callee"))
	require.Equal(t, []string{`{"result":"1"}`, `{"result":"2"}`, `{"result":"3"}`}, s.outputs("caller"))
}

func TestSingletonIsCancelledInAParallelGroup(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, on("f", "x", func(ctx context.Context, in input) (any, error) {
			err := step.Parallel(ctx,
				func(ctx context.Context) error {
					_, err := step.Run(ctx, "a", func(context.Context) (any, error) { return nil, nil })
					return err
				},
				func(ctx context.Context) error {
					_, err := waiting()(ctx, in)
					return err
				},
				func(ctx context.Context) error {
					step.Sleep(ctx, "sleep", time.Minute)
					return nil
				})
			return in.Event.Data.ID, err
		}, flow.Singleton(flow.SingletonCancel)))
		s.send("x", data{ID: "1"})
		s.pass(time.Second)
		s.send("x", data{ID: "2"})
		s.pass(2 * time.Hour)
		require.Equal(t, []Status{Cancelled, Completed}, s.statuses("f"), s.text())
		require.Empty(t, s.waits)
		_, scheduled := s.Next()
		require.False(t, scheduled)
	})
}

func TestRateLimitAndOnFailure(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", func(context.Context, input) (any, error) {
		return nil, inngestkit.NoRetry(errors.New("failed"))
	}, flow.RateLimit(1, time.Hour), inngestkit.OnFailure(func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[data]]) (any, error) {
		return in.Event.Data.Event.Data.ID, nil
	})))
	s.sendN("x", 2)
	s.settle()
	require.Equal(t, []string{`"1"`}, s.outputs("f-failure"))
	require.Len(t, s.Runs(), 2)
}

func TestCancelDuringARetryPause(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", failing(9), flow.CancelOn(inngestkit.DefineEvent[data]("stop"))),
		on("failed", functionFailed, echo))
	s.send("x", data{})
	s.pass(time.Second)
	require.Equal(t, 1, s.only("f").Calls)
	s.send("stop", data{})
	s.pass(time.Hour)
	require.Equal(t, Cancelled, s.only("f").Status)
	require.Equal(t, 1, s.only("f").Calls)
	require.Empty(t, s.runsOf("failed"))
}

func TestCancelWhileACallRuns(t *testing.T) {
	t.Parallel()
	s := slow(t, version.Newest, flow.Concurrency(1), flow.CancelOn(inngestkit.DefineEvent[data]("stop"), flow.Match("data.id")))
	s.send("x", data{ID: "1"})
	s.send("x", data{ID: "2"})
	s.pass(10 * time.Second)
	s.send("stop", data{ID: "1"})
	s.pass(time.Hour)
	require.Equal(t, []Status{Cancelled, Completed}, s.statuses("f"))
	require.Empty(t, s.runsOf("f")[0].Output)
}

func TestPriorityAndConcurrencyByKey(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", echo, flow.Priority("int(event.data.n)"), flow.Concurrency(1, flow.Key("event.data.id"))))
	s.takes["test-f"] = time.Minute
	for _, d := range []data{{"a", 0}, {"b", 0}, {"a", 0}, {"a", 100}, {"b", 50}, {"b", 100}} {
		s.send("x", d)
		s.pass(time.Second)
	}
	s.pass(time.Hour)
	require.Equal(t, seconds(0, 1, 120, 60, 121, 61), s.starts("f"), s.text())
}

func TestFinishTimeoutDuringASleep(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", sleeping(time.Hour), flow.FinishTimeout(time.Minute)), on("g", functionCancelled, echo))
	s.send("x", data{})
	s.pass(2 * time.Hour)
	require.Equal(t, Cancelled, s.only("f").Status)
	require.Equal(t, time.Minute, s.only("f").Ended.Sub(begin))
	require.Len(t, s.runsOf("g"), 1)
}

func TestRateLimitThenDebounce(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, on("f", "x", echo, flow.RateLimit(1, time.Hour), flow.Debounce(10*time.Second)))
		s.send("x", data{ID: "1"})
		s.pass(time.Second)
		s.send("x", data{ID: "2"})
		s.pass(time.Minute)
		require.Equal(t, []string{`"1"`}, s.outputs("f"))
		require.Equal(t, seconds(11.05), s.starts("f"))
	})
}

// Only the state of runs under way is kept.
func TestNothingIsLeftOfEndedRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{Keep: 10}, on("f", "x", echo,
		flow.CancelOn(inngestkit.DefineEvent[data]("stop")), flow.StartTimeout(time.Hour), flow.FinishTimeout(time.Hour),
		flow.Singleton(flow.SingletonSkip, flow.Key("event.data.id")), flow.Concurrency(1, flow.Key("event.data.id"))),
		on("g", "x", echo, flow.Debounce(10*time.Second, flow.Key("event.data.id"))))
	for range 20 {
		s.sendN("x", 10)
		s.pass(time.Second)
	}
	s.pass(time.Minute)
	require.Len(t, s.Runs(), 10)
	require.Len(t, s.Events(), 10)
	require.Len(t, s.started, 10)
	require.Empty(t, s.cancels)
	_, scheduled := s.Next()
	require.False(t, scheduled)
	require.Len(t, s.rowsWith("returned"), 210)
	require.NotContains(t, s.text(), "is skipped")
}
