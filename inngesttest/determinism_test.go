package inngesttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
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
			l := newLoop(t, inngestkit.OnEvent("f", triggered, c.handler()))
			for i := range c.runs {
				l.run(fmt.Sprint("run-", i), threeItems)
			}
			require.Len(t, l.reports, 1)
			require.Regexp(t, c.report, l.reports[0])
			require.Contains(t, l.reports[0], "inngesttest.Nondeterministic")
		})
	}
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
	}, 1, `^function "test-f" is not deterministic: call 1 reached step "report-.*" at its beginning, where a replay of call 1 reached step "report-`},
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

// After a failure, a run goes on, and a function is reported once.
func TestNondeterminismIsReportedOnce(t *testing.T) {
	t.Parallel()
	l := newLoop(t, inngestkit.OnEvent("f", triggered, func(ctx context.Context, _ orderInput) (any, error) {
		for i := range 3 {
			if _, err := step.Run(ctx, fmt.Sprint(i, rand.Uint64()), value(1)); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}))
	for i := range 3 {
		l.run(fmt.Sprint("run-", i), threeItems)
	}
	require.Len(t, l.reports, 1)
}

// The checks can be turned off for a function.
func TestNondeterminismAllowed(t *testing.T) {
	t.Parallel()
	l := newLoop(t, inngestkit.OnEvent("f", triggered, nondeterministic["the attempt in an ID"].handler()))
	l.checks.allow("test-f")
	require.Equal(t, http.StatusPartialContent, l.call("run", []byte("{}"), "", 0).Status)
	require.Equal(t, http.StatusPartialContent, l.call("run", []byte("{}"), "", 1).Status)
	require.Empty(t, l.reports)
}
