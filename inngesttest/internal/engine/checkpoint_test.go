package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	coreflow "github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// counts counts what a function does.
type counts map[string]int

// step is a step that takes 100 ms, and whose first attempts fail.
func (c counts) step(ctx context.Context, id string, failures int) error {
	_, err := step.Run(ctx, id, func(context.Context) (int, error) {
		time.Sleep(100 * time.Millisecond)
		if c[id]++; c[id] <= failures {
			return 0, errors.New("not yet")
		}
		return c[id], nil
	})
	return err
}

func (c counts) steps(ctx context.Context, n int) error {
	for i := range n {
		if err := c.step(ctx, fmt.Sprint("step ", i), 0); err != nil {
			return err
		}
	}
	return nil
}

// Functions with checkpoints, as internal/conformance sees them on a server: how often they
// are called, and how often steps run. All of it happens in virtual time.
func TestCheckpointedFunctions(t *testing.T) {
	t.Parallel()
	many := coreflow.BatchSteps(10)
	for _, test := range []struct {
		name    string
		options []coreflow.CheckpointOption
		body    func(ctx context.Context, c counts) error
		calls   int
		twice   []string // steps that run more than once
		times   int
		took    time.Duration
	}{
		{name: "each", calls: 1, took: 600 * time.Millisecond, body: func(ctx context.Context, c counts) error { return c.steps(ctx, 6) }},
		{
			name: "many", options: []coreflow.CheckpointOption{many}, calls: 1, took: 600 * time.Millisecond,
			body: func(ctx context.Context, c counts) error { return c.steps(ctx, 6) },
		},
		{
			name: "interval", options: []coreflow.CheckpointOption{many, coreflow.BatchInterval(150 * time.Millisecond)}, calls: 1,
			took: 600 * time.Millisecond, body: func(ctx context.Context, c counts) error { return c.steps(ctx, 6) },
		},
		{
			name: "runtime", options: []coreflow.CheckpointOption{many, coreflow.MaxRuntime(250 * time.Millisecond)}, calls: 3,
			took: 600 * time.Millisecond, body: func(ctx context.Context, c counts) error { return c.steps(ctx, 6) },
		},
		{
			name: "sleeps", options: []coreflow.CheckpointOption{many}, calls: 2, took: time.Hour + 200*time.Millisecond,
			body: func(ctx context.Context, c counts) error {
				err := c.step(ctx, "a", 0)
				step.Sleep(ctx, "nap", time.Hour)
				return errors.Join(err, c.step(ctx, "b", 0))
			},
		},
		{
			name: "step fails", options: []coreflow.CheckpointOption{many}, calls: 3, twice: []string{"b"}, times: 2,
			took: 15*time.Second + 400*time.Millisecond,
			body: func(ctx context.Context, c counts) error {
				return errors.Join(c.step(ctx, "a", 0), c.step(ctx, "b", 1), c.step(ctx, "c", 0))
			},
		},
		{
			name: "last try", calls: 7, twice: []string{"a", "b"}, times: 3, took: 90*time.Second + 700*time.Millisecond,
			body: func(ctx context.Context, c counts) error {
				return errors.Join(c.step(ctx, "a", 2), c.step(ctx, "b", 2), c.step(ctx, "c", 0))
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := counts{}
				_, run := runApp(t, Config{Bubble: true, NoJitter: true}, onOrder(func(ctx context.Context, _ inngestkit.Input[order]) (int, error) {
					return 0, test.body(ctx, c)
				}, coreflow.Checkpoint(test.options...)), 2)
				require.Equal(t, Completed, run.Status)
				for id, n := range c {
					if want := 1; n != want {
						require.Contains(t, test.twice, id)
						require.Equal(t, test.times, n)
					}
				}
				require.Equal(t, test.calls, run.Calls)
				require.Equal(t, test.took, run.Ended.Sub(run.Started))
			})
		})
	}
}
