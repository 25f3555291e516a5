package inngesttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

var triggered = inngestkit.DefineEvent[orderData]("e")

type orderData struct {
	ID    string   `json:"id"`
	Items []string `json:"items"`
}

type orderInput = inngestkit.Input[orderData]

var threeItems = orderData{ID: "o1", Items: []string{"a", "b", "c"}}

// value is a callback.
func value[T any](v T) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return v, nil }
}

// A function whose way changes between calls fails the test, with the steps and what to do.
func TestNondeterministicFunctions(t *testing.T) {
	t.Parallel()
	for name, c := range nondeterministic {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, failed := attempt(t, func(tb testing.TB) { runTimes(tb, c.handler(), c.runs) })
			require.True(t, failed)
			require.Regexp(t, c.report, log)
			require.Contains(t, log, "inngesttest.Nondeterministic")
			require.Contains(t, log, "of test-f: ", "the timeline")
		})
	}
}

// runTimes runs a function several times, one after another. options are those of the function
// and of the engine.
func runTimes(tb testing.TB, handler orderHandler, times int, options ...any) (runs []*inngesttest.TypedRun[any]) {
	tb.Helper()
	var ofFunction []inngestkit.Option
	var ofEngine []inngesttest.Option
	for _, option := range options {
		if o, ok := option.(inngestkit.Option); ok {
			ofFunction = append(ofFunction, o)
		} else {
			ofEngine = append(ofEngine, option.(inngesttest.Option))
		}
	}
	f := inngestkit.OnEvent("f", triggered, handler, ofFunction...)
	e := inngesttest.Virtual(tb, ofEngine...)
	e.Register(f)
	e.Mock("other-f", func(json.RawMessage) (any, error) { return 1, nil })
	for range times {
		runs = append(runs, inngesttest.Start(e, f, threeItems).Wait())
	}
	return runs
}

type orderHandler = func(ctx context.Context, in orderInput) (any, error)

// nondeterministic has handlers, made anew for each test, and what is wrong with them.
var nondeterministic = map[string]struct {
	handler func() orderHandler
	runs    int
	report  string
}{
	"an ID from the clock": {func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			return step.Run(ctx, "report-"+time.Now().Format(time.RFC3339Nano), value(1))
		}
	}, 1, `function "test-f" is not deterministic: call 1 reached step "report-.*" at its beginning, where a replay of call 1 reached step "report-`},
	"an ID from the date": {func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			return step.Run(ctx, "report-"+time.Now().Format(time.DateOnly), value(1))
		}
	}, 1, `(?s)function "test-f" is not deterministic: the source shows a step that differs.*depends on time.Now`},
	"a map behind equal IDs": {func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			for k := range map[string]int{"a": 1} {
				if _, err := step.Run(ctx, "charge", value(len(k))); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	}, 1, `(?s)not deterministic: the source shows a step that differs.*in this loop have the order of a map`},
	"step.Map over a map": {func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			var items []string
			for k := range map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8} {
				items = append(items, k)
			}
			return step.Map(ctx, "charge", items, func(_ context.Context, item string) (string, error) { return item, nil })
		}
	}, 1, `step.Map "charge" has the items \["\w".* in .*, and had \["\w".*so steps get the results of other items`},
	"a random ID": {func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			_, err := step.Run(ctx, "first", value(1))
			step.Sleep(ctx, fmt.Sprint("pause-", rand.Uint64()), time.Hour)
			return nil, err
		}
	}, 1, `call 2 reached step "pause-\d+" after step "first", where a replay of call 2 reached step "pause-\d+"`},
	"the order of a map": {func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			for k := range map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8} {
				if _, err := step.Run(ctx, k, value(1)); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	}, 1, `where|before`},
	"the order of a map with two keys": {func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			for k := range map[string]int{"a": 1, "b": 2} {
				if _, err := step.Run(ctx, k, value(1)); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	}, 3, `the order of a map, which differs from call to call`},
	"parallel steps in the order of a map": {func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			var branches []func(context.Context) error
			for k := range map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8} {
				branches = append(branches, step.Into(new(int), k, value(1)))
			}
			return nil, step.Parallel(ctx, branches...)
		}
	}, 1, `call \d+ reached step "\w" before step "\w", and (a replay of )?call \d+ reached it later`},
	"a random branch": {func() orderHandler {
		return func(ctx context.Context, _ orderInput) (any, error) {
			if rand.IntN(2) == 0 {
				if _, err := step.Run(ctx, "sometimes", value(1)); err != nil {
					return nil, err
				}
			}
			return step.Run(ctx, "always", value(2))
		}
	}, 10, `step "sometimes"`},
	"a step added in the middle": {func() orderHandler {
		calls := 0
		return func(ctx context.Context, _ orderInput) (any, error) {
			calls++
			if _, err := step.Run(ctx, "first", value(1)); err != nil {
				return nil, err
			}
			if calls > 4 {
				if _, err := step.Run(ctx, "new", value(1)); err != nil {
					return nil, err
				}
			}
			if _, err := step.Run(ctx, "second", value(1)); err != nil {
				return nil, err
			}
			return step.Run(ctx, "third", value(2))
		}
	}, 1, `call 3 reached step "new" after step "first", where call 2 reached step "second"`},
	"a memoized step that is left out": {func() orderHandler {
		done := false
		return func(ctx context.Context, _ orderInput) (any, error) {
			if !done {
				if _, err := step.Run(ctx, "once", func(context.Context) (int, error) {
					done = true
					return 1, nil
				}); err != nil {
					return nil, err
				}
			}
			return step.Run(ctx, "second", value(2))
		}
	}, 1, `call 1 reached step "once" at its beginning, where a replay of call 1 reached step "second"`},
	"a memoized step that is left out because of a database": {func() orderHandler {
		db := map[string]bool{}
		return func(ctx context.Context, in orderInput) (any, error) {
			if !db[in.Event.Data.ID] {
				if _, err := step.Run(ctx, "import", func(context.Context) (int, error) {
					db[in.Event.Data.ID] = true
					return 1, nil
				}); err != nil {
					return nil, err
				}
			}
			return "imported", nil
		}
	}, 1, `call 1 reached step "import" at its beginning, which a replay of call 1 did not reach`},
	"another kind of step": {func() orderHandler {
		calls := 0
		return func(ctx context.Context, _ orderInput) (any, error) {
			if calls++; calls == 1 {
				step.Sleep(ctx, "s", time.Hour)
				return nil, nil
			}
			return step.Run(ctx, "s", value(1))
		}
	}, 1, `step "s" is a Sleep in call 1 and was a StepRun in a replay of call 1`},
	"reordered steps": {func() orderHandler {
		calls := 0
		return func(ctx context.Context, _ orderInput) (any, error) {
			ids := []string{"a", "b"}
			if calls++; calls > 4 {
				ids = []string{"b", "a"}
			}
			for _, id := range append(ids, "c") {
				if _, err := step.Run(ctx, id, value(1)); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	}, 1, `call 3 reached step "b" before step "a", and call 2 reached it later`},
	"the attempt in an ID": {func() orderHandler {
		return func(ctx context.Context, in orderInput) (any, error) {
			return step.Run(ctx, fmt.Sprint("try-", in.InputCtx.Attempt), func(context.Context) (int, error) {
				return 0, errors.New("down")
			})
		}
	}, 1, `call 2 reached step "try-1" at its beginning, where call 1 reached step "try-0"`},
	"a captured variable": {func() orderHandler {
		return func(ctx context.Context, in orderInput) (any, error) {
			total := 0
			_, err := step.Run(ctx, "sum", func(context.Context) (bool, error) {
				total += len(in.Event.Data.Items)
				return true, nil
			})
			return total, err
		}
	}, 1, `(?s)function "test-f" passes values out of steps in captured variables:\n.*total.*Return the value from the step`},
}

// The checks can be turned off for a function, with a reason.
func TestNondeterminismAllowed(t *testing.T) {
	t.Parallel()
	f := inngestkit.OnEvent("f", triggered, nondeterministic["the attempt in an ID"].handler())
	e := inngesttest.Virtual(t, inngesttest.Nondeterministic(f, "each attempt counts"))
	e.Register(f)
	run := inngesttest.Start(e, f, threeItems).Wait()
	require.Equal(t, inngesttest.RunFailed, run.Status())
	log, failed := attempt(t, func(tb testing.TB) { inngesttest.Virtual(tb, inngesttest.Nondeterministic(f, "")) })
	require.True(t, failed)
	require.Contains(t, log, `Nondeterministic of "f" has no reason`)
	log, failed = attempt(t, func(tb testing.TB) { inngesttest.Virtual(tb, inngesttest.Nondeterministic(nil, "")) })
	require.True(t, failed)
	require.Contains(t, log, "Nondeterministic has no function")
}

// A new version of a function may have other steps than the calls before it.
func TestNewVersionMayDiffer(t *testing.T) {
	t.Parallel()
	version := func(first string) inngestkit.TypedFunction[orderData, any] {
		return inngestkit.OnEvent("f", triggered, func(ctx context.Context, _ orderInput) (any, error) {
			if _, err := step.Run(ctx, first, value(1)); err != nil {
				return nil, err
			}
			step.Sleep(ctx, "pause", time.Hour)
			return first, nil
		})
	}
	e := inngesttest.Virtual(t)
	e.Register(version("old"))
	run := inngesttest.Start(e, version("old"), threeItems)
	e.Settle()
	e.Update(version("new"))
	require.Equal(t, "new", run.Wait().Output())
}

// Replays have no effects: no callback, no middleware around steps and no event is repeated.
func TestReplaysHaveNoEffects(t *testing.T) {
	t.Parallel()
	callbacks, around, calls := 0, 0, 0
	counts := inngestkit.Middleware{Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
		return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
			around++
			return next(ctx, s)
		}
	}}
	f := inngestkit.OnEvent("f", triggered, func(ctx context.Context, in orderInput) (any, error) {
		calls++
		if _, err := inngestkit.Send(ctx, expenseMade.New(expense{ID: in.Event.Data.ID})); err != nil {
			return nil, err
		}
		charge := func(context.Context, string) (int, error) {
			callbacks++
			return callbacks, nil
		}
		if _, err := step.Map(ctx, "charge", in.Event.Data.Items, charge); err != nil {
			return nil, err
		}
		return step.Run(ctx, "sum", func(ctx context.Context) (int, error) { return charge(ctx, "") })
	}, inngestkit.Use(counts))
	e := inngesttest.Virtual(t)
	e.Register(f)
	run := inngesttest.Start(e, f, threeItems).Wait()
	require.Equal(t, 4, callbacks)
	require.Equal(t, 4, around)
	require.Greater(t, calls, run.Calls(), "there were no replays")
	require.Len(t, inngesttest.EventsOf(e, expenseMade), run.Calls())
}

// The first runs of a function are replayed, the others are not.
func TestReplaysEnd(t *testing.T) {
	t.Parallel()
	calls := 0
	runs := runTimes(t, func(ctx context.Context, _ orderInput) (any, error) {
		calls++
		return step.Run(ctx, "s", value(1))
	}, 25)
	require.Equal(t, 2, runs[0].Calls())
	require.Equal(t, 10*3+15*2, calls)

	calls = 0
	runs = runTimes(t, func(ctx context.Context, _ orderInput) (any, error) {
		calls++
		for range 150 {
			if _, err := step.Run(ctx, "s", value(1)); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}, 1)
	require.Equal(t, runs[0].Calls()+100+5, calls, "the first 100 calls, and then every tenth")
}
