package inngesttest_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// Correct functions do not alarm the checks, whatever they do between steps.
func TestDeterministicFunctions(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, len(deterministic), 25)
	for name, handler := range deterministic {
		for mode, options := range map[string][]any{
			"": nil, ", with checkpoints": {flow.Checkpoint()}, ", at the same time": {inngesttest.Overlap()},
			", on the oldest server": {inngesttest.Version(inngesttest.OldestVersion)},
		} {
			t.Run(name+mode, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					for _, run := range runTimes(t, handler(), 2, options...) {
						require.Equal(t, cmp.Or(endings[name], inngesttest.RunCompleted), run.Status(), run.Timeline())
					}
				})
			})
		}
	}
}

// endings has the status of runs that do not complete.
var endings = map[string]inngesttest.RunStatus{
	"a step that fails for good":   inngesttest.RunFailed,
	"a function that fails":        inngesttest.RunFailed,
	"a panic behind steps":         inngesttest.RunFailed,
	"a panic in a parallel branch": inngesttest.RunFailed,
}

var errFlaky = errors.New("down")

// flaky returns a callback that fails n times.
func flaky(n int32) func(context.Context) (int32, error) {
	var calls atomic.Int32
	return func(context.Context) (int32, error) {
		if k := calls.Add(1); k <= n {
			return 0, errFlaky
		}
		return n, nil
	}
}

// deterministic has handlers, made anew for each test.
var deterministic = map[string]func() orderHandler{
	"no steps": func() orderHandler {
		return func(context.Context, orderInput) (any, error) { return time.Now(), nil }
	},
	"three steps": func() orderHandler {
		return func(ctx context.Context, in orderInput) (any, error) {
			user, err := step.Run(ctx, "load", value(in.Event.Data.ID))
			if err != nil {
				return nil, err
			}
			if _, err := step.Run(ctx, "mail", value("sent to "+user)); err != nil {
				return nil, err
			}
			return step.Run(ctx, "log", value(true))
		}
	},
	"a loop over the event": func() orderHandler {
		return func(ctx context.Context, in orderInput) (any, error) {
			var all []string
			for _, item := range in.Event.Data.Items {
				s, err := step.Run(ctx, "ship-"+item, value("shipped "+item))
				if err != nil {
					return nil, err
				}
				all = append(all, s)
			}
			return all, nil
		}
	},
	"steps with the same ID": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			for range 4 {
				if _, err := step.Run(ctx, "poll", value(1)); err != nil {
					return nil, err
				}
				step.Sleep(ctx, "pause", time.Minute)
			}
			return nil, nil
		}
	},
	"a loop until a step says so": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			var n atomic.Int32
			for {
				v, err := step.Run(ctx, "poll", func(context.Context) (int32, error) { return n.Add(1) + 2, nil })
				if err != nil || v >= 3 {
					return v, err
				}
			}
		}
	},
	"the keys of a map, sorted": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			for _, k := range slices.Sorted(maps.Keys(map[string]int{"a": 1, "b": 2, "c": 3, "d": 4})) {
				if _, err := step.Run(ctx, k, value(1)); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	},
	"time from a step": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			now, err := step.Run(ctx, "now", func(context.Context) (time.Time, error) { return time.Now(), nil })
			if err != nil {
				return nil, err
			}
			return step.Run(ctx, "report-"+now.Format(time.RFC3339Nano), value(1))
		}
	},
	"options from the clock": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			step.SleepUntil(ctx, "until", time.Now().Add(time.Hour))
			_, err := step.WaitForEvent(ctx, "wait", triggered, step.Timeout(time.Hour+time.Duration(time.Now().Nanosecond())))
			return errors.Is(err, step.ErrTimeout), nil
		}
	},
	"a step that is retried": func() orderHandler {
		fail := flaky(2)
		return func(ctx context.Context, _ orderInput) (any, error) {
			if _, err := step.Run(ctx, "first", value(1)); err != nil {
				return nil, err
			}
			return step.Run(ctx, "flaky", fail)
		}
	},
	"a step that fails for good": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			return step.Run(ctx, "hopeless", func(context.Context) (int, error) { return 0, errFlaky })
		}
	},
	"a compensation": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			_, err := step.Run(ctx, "charge", func(context.Context) (int, error) { return 0, inngestkit.NoRetry(errFlaky) })
			if _, failed := errors.AsType[step.Error](err); failed {
				return step.Run(ctx, "refund", value("refunded"))
			}
			return nil, err
		}
	},
	"a function that fails": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			_, _ = step.Run(ctx, "first", value(1))
			return nil, inngestkit.NoRetry(errFlaky)
		}
	},
	"a failure between steps": func() orderHandler {
		fail := flaky(2)
		return func(ctx context.Context, _ orderInput) (any, error) {
			if _, err := step.Run(ctx, "first", value(1)); err != nil {
				return nil, err
			}
			if _, err := fail(ctx); err != nil {
				return nil, err
			}
			return step.Run(ctx, "second", value(2))
		}
	},
	"a failure before all steps": func() orderHandler {
		fail := flaky(3)
		return func(ctx context.Context, _ orderInput) (any, error) {
			if _, err := fail(ctx); err != nil {
				return nil, err
			}
			return step.Run(ctx, "first", value(1))
		}
	},
	"a panic behind steps": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			_, _ = step.Run(ctx, "first", value(1))
			panic("no")
		}
	},
	"parallel steps": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			var a, b int
			err := step.Parallel(ctx, step.Into(&a, "a", value(1)), step.Into(&b, "b", value(2)))
			if err != nil {
				return nil, err
			}
			return step.Run(ctx, "sum", value(a+b))
		}
	},
	"parallel branches of several steps": func() orderHandler {
		return func(ctx context.Context, in orderInput) (any, error) {
			var branches []func(context.Context) error
			for i, item := range in.Event.Data.Items {
				branches = append(branches, func(ctx context.Context) error {
					for n := range i + 2 {
						if _, err := step.Run(ctx, fmt.Sprint(item, n), value(n)); err != nil {
							return err
						}
					}
					step.Sleep(ctx, item+" pause", time.Minute)
					_, err := step.Run(ctx, item+" end", value(true))
					return err
				})
			}
			if err := step.Parallel(ctx, branches...); err != nil {
				return nil, err
			}
			return step.Run(ctx, "after", value(1))
		}
	},
	"nested parallel branches": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			inner := func(name string) func(context.Context) error {
				return func(ctx context.Context) error {
					if _, err := step.Run(ctx, name+" begin", value(1)); err != nil {
						return err
					}
					err := step.Parallel(ctx, step.Into(new(int), name+" 1", value(1)), step.Into(new(int), name+" 2", value(2)))
					if err != nil {
						return err
					}
					_, err = step.Run(ctx, name+" end", value(1))
					return err
				}
			}
			return nil, step.Parallel(ctx, inner("x"), inner("y"), step.Into(new(int), "z", value(1)))
		}
	},
	"failures in parallel branches": func() orderHandler {
		fail := flaky(1)
		return func(ctx context.Context, _ orderInput) (any, error) {
			err := step.Parallel(ctx,
				step.Into(new(int32), "flaky", fail),
				step.Into(new(int), "hopeless", func(context.Context) (int, error) { return 0, inngestkit.NoRetry(errFlaky) }),
				step.Into(new(int), "fine", value(1)))
			return step.Run(ctx, "after", value(fmt.Sprint(err)))
		}
	},
	"a panic in a parallel branch": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			return nil, step.Parallel(ctx, step.Into(new(int), "fine", value(1)), func(ctx context.Context) error {
				if _, err := step.Run(ctx, "before", value(1)); err != nil {
					return err
				}
				panic("no")
			})
		}
	},
	"Map with duplicates": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			return step.Map(ctx, "charge", []int{1, 1, 2, 2, 2}, func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		}
	},
	"the same ID in parallel branches": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			branch := func(own string) func(context.Context) error {
				return func(ctx context.Context) error {
					if _, err := step.Run(ctx, "same", value(1)); err != nil {
						return err
					}
					_, err := step.Run(ctx, own, value(1))
					return err
				}
			}
			return nil, step.Parallel(ctx, branch("a"), branch("b"), branch("c"))
		}
	},
	"waits": func() orderHandler {
		return func(ctx context.Context, in orderInput) (any, error) {
			_, err := step.WaitForEvent(ctx, "event", triggered, step.Timeout(time.Hour))
			if !errors.Is(err, step.ErrTimeout) {
				return nil, err
			}
			_, err = step.WaitForSignal[int](ctx, "signal", "s-"+in.InputCtx.RunID, step.Timeout(time.Hour))
			return errors.Is(err, step.ErrTimeout), nil
		}
	},
	"an invoked function": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			other := inngestkit.Ref[map[string]any, *int]{AppID: "other", FunctionID: "f"}
			return step.Invoke(ctx, "invoke", other, map[string]any{"now": time.Now()})
		}
	},
	"a deferred function": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (_ any, err error) {
			open := 0
			open++
			defer func() { open-- }()
			if _, err := step.Run(ctx, "first", value(1)); err != nil {
				return nil, err
			}
			return step.Run(ctx, "second", value(open))
		}
	},
	"a step in a deferred function": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (_ any, err error) {
			defer func() {
				_, failed := step.Run(ctx, "clean up", value(1))
				err = errors.Join(err, failed)
			}()
			return step.Run(ctx, "first", value(1))
		}
	},
	"counters of the test": func() orderHandler {
		var calls, charged atomic.Int32
		return func(ctx context.Context, _ orderInput) (any, error) {
			calls.Add(1)
			_, err := step.Run(ctx, "charge", func(context.Context) (int32, error) { return charged.Add(1), nil })
			return charged.Load() + calls.Load(), err
		}
	},
	"a helper of several steps": func() orderHandler {
		return func(ctx context.Context, in orderInput) (any, error) {
			for _, item := range in.Event.Data.Items {
				if err := shipItem(ctx, item); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	},
	"sending events": func() orderHandler {
		return func(ctx context.Context, in orderInput) (any, error) {
			if _, err := inngestkit.Send(ctx, expenseMade.New(expense{ID: in.Event.Data.ID})); err != nil {
				return nil, err
			}
			_, err := step.SendEvent(ctx, "send", expenseMade.New(expense{ID: in.Event.Data.ID}))
			return nil, err
		}
	},
	"a branch on a result": func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			paid, err := step.Run(ctx, "pay", func(context.Context) (bool, error) { return time.Now().Nanosecond()%2 == 0, nil })
			if err != nil {
				return nil, err
			}
			if paid {
				return step.Run(ctx, "ship", value(1))
			}
			step.Sleep(ctx, "remind", time.Hour)
			return step.Run(ctx, "cancel", value(1))
		}
	},
}

func shipItem(ctx context.Context, item string) error {
	label, err := step.Run(ctx, "label "+item, value("label of "+item))
	if err != nil {
		return err
	}
	_, err = step.Run(ctx, "ship "+item, func(context.Context) (string, error) { return label, nil })
	return err
}
