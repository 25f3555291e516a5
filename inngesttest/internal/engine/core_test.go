package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	coreflow "github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// order is the data of the events of these tests.
type order struct {
	ID  string `json:"id"`
	Pad string `json:"pad,omitempty"`
}

var ordered = inngestkit.DefineEvent[order]("shop/test")

// onOrder returns a function for the events of these tests.
func onOrder[R any](handler func(ctx context.Context, in inngestkit.Input[order]) (R, error), options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent("fn", ordered, handler, options...)
}

// runApp runs a function of core to its end.
func runApp(t *testing.T, cfg Config, fn inngestkit.Function, retries int, data ...string) (*world, *Run) {
	t.Helper()
	w := newWorld(t, cfg)
	run := w.begin(w.newApp(fn, retries), data...)
	w.finish()
	return w, run
}

func value[T any](v T) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return v, nil }
}

// Each step runs in a call of its own, and the last call has the output.
func TestCoreSteps(t *testing.T) {
	t.Parallel()
	_, run := runApp(t, Config{}, onOrder(func(ctx context.Context, in inngestkit.Input[order]) (string, error) {
		total := 0
		for i := range 5 {
			n, err := step.Run(ctx, fmt.Sprintf("step-%d", i), value(i))
			if err != nil {
				return "", err
			}
			total += n
		}
		return fmt.Sprintf("%s: %d", in.Event.Data.ID, total), nil
	}), 3, `{"id":"o1"}`)
	require.Equal(t, Completed, run.Status)
	require.JSONEq(t, `"o1: 10"`, string(run.Output))
	require.Equal(t, 6, run.Calls)
	require.Len(t, run.Steps, 5)
	require.Equal(t, "step-3", run.Steps[3].ID)
	require.JSONEq(t, `{"data":3}`, string(run.Steps[3].Result))
	require.Equal(t, start, run.Ended)
}

// A sleep passes the time, and time passes for nothing else.
func TestCoreSleep(t *testing.T) {
	t.Parallel()
	_, run := runApp(t, Config{}, onOrder(func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
		step.Sleep(ctx, "three days", 72*time.Hour)
		return step.Run(ctx, "then", value("done"))
	}), 3)
	require.Equal(t, Completed, run.Status)
	require.Equal(t, start.Add(72*time.Hour), run.Ended)
	require.Equal(t, "Sleep", run.Steps[0].Kind)
	require.JSONEq(t, `null`, string(run.Steps[0].Result))
	require.Equal(t, 3, run.Calls)
}

// A step is tried again after the server's back-off. What it ends with is memoized.
func TestCoreRetries(t *testing.T) {
	t.Parallel()
	tries := 0
	_, run := runApp(t, Config{NoJitter: true}, onOrder(func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
		if _, err := step.Run(ctx, "before", value(1)); err != nil {
			return "", err
		}
		return step.Run(ctx, "flaky", func(context.Context) (string, error) {
			if tries++; tries < 3 {
				return "", fmt.Errorf("try %d", tries)
			}
			return "ok", nil
		})
	}), 3)
	require.Equal(t, Completed, run.Status)
	require.Equal(t, start.Add(45*time.Second), run.Ended)
	require.Equal(t, 3, run.Steps[1].Attempts)
	require.Equal(t, []string{"try 1", "try 2"}, run.Steps[1].Errors)
	require.Equal(t, 5, run.Calls)
}

// A step without attempts left fails, and the function can go on.
func TestCoreStepFails(t *testing.T) {
	t.Parallel()
	fails := func(context.Context) (string, error) { return "", errors.New("no stock") }
	_, run := runApp(t, Config{NoJitter: true}, onOrder(func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
		if _, err := step.Run(ctx, "ship", fails); err != nil {
			return step.Run(ctx, "refund", value("refunded"))
		}
		return "shipped", nil
	}), 1)
	require.Equal(t, Completed, run.Status)
	require.JSONEq(t, `"refunded"`, string(run.Output))
	require.Equal(t, 2, run.Steps[0].Attempts)
	require.Contains(t, string(run.Steps[0].Result), `"message":"no stock"`)

	_, run = runApp(t, Config{NoJitter: true}, onOrder(func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
		return step.Run(ctx, "ship", fails)
	}), 1)
	require.Equal(t, Failed, run.Status)
	require.Contains(t, string(run.Output), "no stock")
}

// Errors of the function itself: all attempts, none, or at a time.
func TestCoreFunctionErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		err   func() error
		after time.Duration
		calls int
	}{
		{"every attempt", func() error { return errors.New("boom") }, (15 + 30 + 60) * time.Second, 4},
		{"no retry", func() error { return inngestkit.NoRetry(errors.New("boom")) }, 0, 1},
		{"at a time", func() error { return inngestkit.RetryAfter(errors.New("boom"), 10*time.Minute) }, 30 * time.Minute, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, run := runApp(t, Config{NoJitter: true}, onOrder(func(context.Context, inngestkit.Input[order]) (string, error) {
				return "", test.err()
			}), 3)
			require.Equal(t, Failed, run.Status)
			require.Equal(t, test.calls, run.Calls)
			require.Equal(t, test.after, run.Ended.Sub(start))
			require.Contains(t, string(run.Output), `"message":"boom"`)
		})
	}
}

// Parallel steps run once each. v1.43.0 runs what follows at once, v1.12.1 plans it.
func TestCoreParallel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version version.Version
		calls   int
	}{{version.Newest, 6}, {version.Oldest, 7}} {
		t.Run(string(test.version), func(t *testing.T) {
			t.Parallel()
			ran := map[string]int{}
			count := func(id string) func(context.Context) (string, error) {
				return func(context.Context) (string, error) { ran[id]++; return id, nil }
			}
			_, run := runApp(t, Config{Version: test.version}, onOrder(func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
				var a, b, c string
				err := step.Parallel(ctx,
					step.Into(&a, "a", count("a")), step.Into(&b, "b", count("b")), step.Into(&c, "c", count("c")))
				if err != nil {
					return "", err
				}
				d, err := step.Run(ctx, "d", count("d"))
				return a + b + c + d, err
			}), 3)
			require.Equal(t, Completed, run.Status)
			require.JSONEq(t, `"abcd"`, string(run.Output))
			require.Equal(t, map[string]int{"a": 1, "b": 1, "c": 1, "d": 1}, ran)
			require.Equal(t, test.calls, run.Calls)
		})
	}
}

// With checkpoints, all steps run in one call, and what was sent is not run again when the
// call fails. v1.12.1 has no checkpoints.
func TestCoreCheckpoints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version version.Version
		calls   int
	}{{version.Newest, 2}, {version.Oldest, 5}} {
		t.Run(string(test.version), func(t *testing.T) {
			t.Parallel()
			ran, failed := 0, false
			_, run := runApp(t, Config{Version: test.version}, onOrder(func(ctx context.Context, _ inngestkit.Input[order]) (int, error) {
				total := 0
				for i := range 3 {
					n, err := step.Run(ctx, fmt.Sprintf("step-%d", i), func(context.Context) (int, error) { ran++; return i, nil })
					if err != nil {
						return 0, err
					}
					total += n
				}
				if !failed {
					failed = true
					return 0, errors.New("not yet")
				}
				return total, nil
			}, coreflow.Checkpoint()), 3)
			require.Equal(t, Completed, run.Status)
			require.JSONEq(t, `3`, string(run.Output))
			require.Equal(t, 3, ran)
			require.Equal(t, test.calls, run.Calls)
		})
	}
}

// The app fetches a state that is too large for a call.
func TestCoreLargeState(t *testing.T) {
	t.Parallel()
	pad := make([]byte, 2<<20)
	for i := range pad {
		pad[i] = 'x'
	}
	_, run := runApp(t, Config{}, onOrder(func(ctx context.Context, in inngestkit.Input[order]) (int, error) {
		first, err := step.Run(ctx, "first", value(string(pad)))
		if err != nil {
			return 0, err
		}
		second, err := step.Run(ctx, "second", value(string(pad)))
		return len(first) + len(second) + len(in.Event.Data.ID), err
	}), 0, `{"id":"o1"}`)
	require.Equal(t, Completed, run.Status)
	require.JSONEq(t, strconv.Itoa(2*len(pad)+2), string(run.Output))
}
