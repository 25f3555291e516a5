package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// AdvanceTo stops at its time; what is due then has happened. Settle lets no time pass.
func TestAdvance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	s := &script{t: t, respond: func(r *received) *adapter.Response {
		n := len(s0(r))
		if n == 3 {
			return response(200, `1`)
		}
		return ops(fmt.Sprintf(`[{"op":"Sleep","id":"s%d","opts":{"duration":"1h"}}]`, n))
	}}
	run := w.begin(newFunction(s.do, 3))
	_, ok := w.Next()
	require.True(t, ok)
	w.Settle(t.Context())
	require.Equal(t, 1, run.Calls)
	require.Equal(t, start, w.Now())
	require.Equal(t, "sleeps until 2026-03-01T10:00:00Z", run.Steps[0].Waits)
	w.AdvanceTo(t.Context(), start.Add(time.Hour-1))
	require.Equal(t, 1, run.Calls)
	next, ok := w.Next()
	require.True(t, ok)
	require.Equal(t, start.Add(time.Hour), next)
	w.AdvanceTo(t.Context(), start.Add(2*time.Hour))
	require.Equal(t, 3, run.Calls)
	require.Equal(t, start.Add(2*time.Hour), w.Now())
	w.AdvanceTo(t.Context(), start.Add(10*time.Hour))
	require.Equal(t, Completed, run.Status)
	require.Equal(t, start.Add(3*time.Hour), run.Ended)
	require.Equal(t, start.Add(10*time.Hour), w.Now())
	require.False(t, w.Advance(t.Context()))
}

// The response of a call counts after the time that the call takes. If the run is cancelled
// before, it does not count.
func TestCallTakes(t *testing.T) {
	t.Parallel()
	for _, cancelled := range []bool{false, true} {
		t.Run(strconv.FormatBool(cancelled), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{})
			w.call = func(ctx context.Context, c *Call) (context.Context, func(*adapter.Response)) {
				return ctx, func(*adapter.Response) { c.Takes = time.Minute }
			}
			s := &script{t: t, respond: func(r *received) *adapter.Response {
				if len(s0(r)) == 0 {
					return ops(`[{"op":"StepRun","id":"a"}]`)
				}
				return response(200, `1`)
			}}
			run := w.begin(newFunction(s.do, 3))
			w.AdvanceTo(t.Context(), start.Add(30*time.Second))
			require.Empty(t, run.Steps)
			if cancelled {
				require.True(t, w.Cancel(run.ID))
			}
			w.finish()
			if cancelled {
				require.Equal(t, Cancelled, run.Status)
				require.Empty(t, run.Steps)
				require.Equal(t, start.Add(30*time.Second), run.Ended)
				return
			}
			require.Equal(t, Completed, run.Status)
			require.Equal(t, start.Add(2*time.Minute), run.Ended)
		})
	}
}

// A run may be cancelled by its own call. Then the response does not count.
func TestCancelledByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	s := &script{t: t, respond: func(r *received) *adapter.Response {
		require.True(t, w.Cancel(r.Context.RunID))
		require.False(t, w.Cancel(r.Context.RunID))
		return ops(`[{"op":"StepRun","id":"a"}]`)
	}}
	run := w.begin(newFunction(s.do, 3))
	w.finish()
	require.Equal(t, Cancelled, run.Status)
	require.Equal(t, 1, run.Calls)
	require.Empty(t, run.Steps)
	require.Contains(t, w.rows[len(w.rows)-1], "the run is over, so the response is ignored")
}

// With Overlap, the calls of parallel steps meet each other, and count in the order of the
// queue.
func TestOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Overlap: true})
	var meeting sync.WaitGroup
	meeting.Add(2)
	var stack []string
	s := &script{t: t, respond: func(r *received) *adapter.Response {
		switch {
		case r.target != "step":
			meeting.Done()
			meeting.Wait()
			if r.target == "a" {
				runtime.Gosched()
			}
			return stepOf(r)
		case len(s0(r)) == 0:
			return ops(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`)
		}
		stack = s0(r)
		return response(200, `1`)
	}}
	run := w.begin(newFunction(s.do, 3))
	w.finish()
	require.Equal(t, Completed, run.Status)
	require.Equal(t, []string{"a", "b"}, stack)
}

// In a bubble, calls take the time that they take, and overlap.
func TestBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := newWorld(t, Config{Bubble: true, Start: began})
		sleeps := func(d time.Duration) func(context.Context) (string, error) {
			return func(context.Context) (string, error) { time.Sleep(d); return d.String(), nil }
		}
		run := w.begin(w.newApp(onOrder(func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
			var a, b string
			err := step.Parallel(ctx, step.Into(&a, "a", sleeps(time.Minute)), step.Into(&b, "b", sleeps(2*time.Minute)))
			if err != nil {
				return "", err
			}
			step.SleepUntil(ctx, "until", began.Add(time.Hour))
			return a + b, nil
		}), 3))
		w.Settle(t.Context())
		require.Equal(t, Running, run.Status)
		require.Empty(t, run.Steps[0].Result)
		w.AdvanceTo(t.Context(), began.Add(90*time.Second))
		require.NotEmpty(t, run.Steps[0].Result)
		require.Empty(t, run.Steps[1].Result)
		require.Equal(t, began.Add(90*time.Second), time.Now())
		w.finish()
		require.Equal(t, Completed, run.Status)
		require.JSONEq(t, `"1m0s2m0s"`, string(run.Output))
		require.Equal(t, began.Add(2*time.Minute), run.Steps[1].Ended)
		require.Equal(t, began.Add(time.Hour), run.Ended)
	})
}

// In a bubble, a run that is cancelled while its call sleeps is over at once.
func TestBubbleCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := newWorld(t, Config{Bubble: true})
		s := &script{t: t, respond: func(*received) *adapter.Response {
			time.Sleep(time.Hour)
			return response(200, `1`)
		}}
		run := w.begin(newFunction(s.do, 3))
		w.AdvanceTo(t.Context(), began.Add(time.Minute))
		require.True(t, w.Cancel(run.ID))
		require.Equal(t, began.Add(time.Minute), run.Ended)
		w.finish()
		require.Equal(t, Cancelled, run.Status)
		require.Equal(t, began.Add(time.Hour), time.Now())
	})
}

// A call whose goroutine ends, because the test has failed in it, is reported. The engine
// does not wait for the calls that were to follow.
func TestCallEndsGoroutine(t *testing.T) {
	t.Parallel()
	for _, overlap := range []bool{false, true} {
		t.Run(strconv.FormatBool(overlap), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{Overlap: overlap})
			fn := newFunction(func(context.Context, *adapter.Request) *adapter.Response {
				runtime.Goexit()
				return nil
			}, 3)
			w.begin(fn)
			w.begin(fn)
			var test sync.WaitGroup
			test.Go(func() { w.Advance(t.Context()) })
			test.Wait()
			w.finish()
			require.Contains(t, w.faults()[0], "call 1 of the app has not returned")
			require.Empty(t, w.flights)
		})
	}
}

// A done context stops the engine.
func TestContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	run := w.begin(newFunction(nil, 3))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Settle(ctx)
	w.AdvanceTo(ctx, start.Add(time.Hour))
	require.False(t, w.Advance(ctx))
	require.Equal(t, Queued, run.Status)
	require.Equal(t, start, w.Now())
}

// Of the calls that are due at the same time, those of runs with a higher priority go first, then
// those of older ones, then those of runs that were started first.
func TestOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	var calls []string
	s := &script{t: t, respond: func(r *received) *adapter.Response {
		calls = append(calls, fmt.Sprintf("%s %d", r.Event, len(s0(r))))
		if len(s0(r)) == 1 {
			return response(200, `1`)
		}
		return ops(`[{"op":"StepRun","id":"a"}]`)
	}}
	fn := newFunction(s.do, 3)
	for _, run := range []struct {
		name     string
		age      time.Duration
		priority int64
	}{{`"old"`, time.Second, 0}, {`"new"`, 0, 0}, {`"new too"`, 0, 0}, {`"first"`, 0, 2000}} {
		r := &Run{ID: w.ulid(start.Add(-run.age)), Function: fn, Events: []*Event{{Encoded: []byte(run.name)}}}
		r.priority = run.priority
		w.Locked(func() { w.start(r, start) })
	}
	w.Settle(t.Context())
	require.Equal(t, []string{
		`"first" 0`, `"old" 0`, `"new" 0`, `"new too" 0`, `"first" 1`, `"old" 1`, `"new" 1`, `"new too" 1`,
	}, calls)
}

// Engines forget runs that have ended, beyond a number, and what they had stored.
func TestForgets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Keep: 10})
	s := &script{t: t, respond: func(r *received) *adapter.Response {
		if len(s0(r)) == 0 {
			return ops(`[{"op":"StepRun","id":"a"}]`)
		}
		return response(200, `1`)
	}}
	fn := newFunction(s.do, 3)
	waiting := w.begin(newFunction(func(context.Context, *adapter.Request) *adapter.Response {
		return ops(`[{"op":"Sleep","id":"a","opts":{"duration":"8000h"}}]`)
	}, 3))
	var last *Run
	for range 100 {
		last = w.begin(fn)
		w.Settle(t.Context())
	}
	runs := w.Runs()
	require.Len(t, runs, 11)
	require.Same(t, waiting, runs[0])
	require.Same(t, last, runs[10])
	require.Len(t, w.active, 1)
	require.LessOrEqual(t, len(w.runs), 22)
	require.Nil(t, last.parts)
	require.JSONEq(t, `{"data":null}`, string(last.Steps[0].Result))
}

// Equal calls of an engine have equal results, down to the IDs and the jitter.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	play := func(seed uint64) []string {
		s := newSite(t, Config{Seed: seed})
		tries := map[string]int{}
		flaky := func(id string) func(context.Context) (string, error) {
			return func(context.Context) (string, error) {
				if tries[id]++; tries[id] < 3 {
					return "", errors.New("not yet")
				}
				return id, nil
			}
		}
		s.add("shop", onOrder(func(ctx context.Context, in inngestkit.Input[order]) (string, error) {
			names := []string{"a", "b", "c", "d", "e"}
			_, err := step.Map(ctx, "map", names, func(ctx context.Context, name string) (string, error) {
				return flaky(in.Event.Data.ID + name)(ctx)
			})
			step.Sleep(ctx, "nap", time.Hour)
			return *in.Event.ID, err
		}))
		for i := range 10 {
			s.sendRaw(fmt.Sprintf(`{"name":"shop/test","data":{"id":"%d"}}`, i))
		}
		s.pass(24 * time.Hour)
		var seen []string
		for _, r := range s.rows {
			id := ""
			if r.Run != nil {
				id = r.Run.ID + string(r.Run.Status) + string(r.Run.Output)
			}
			seen = append(seen, fmt.Sprint(r.Time, r.Call, r.Step, r.Attempt, r.Text, id))
		}
		require.Greater(t, len(seen), 100)
		require.Contains(t, seen[len(seen)-1], string(Completed))
		return seen
	}
	once, again := play(7), play(7)
	require.Equal(t, once, again)
	require.NotEqual(t, once, play(8))
}
