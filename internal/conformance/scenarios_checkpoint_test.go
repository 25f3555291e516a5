package conformance

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// checkpointed is a function that checkpoints, and how often a server that supports
// checkpoints calls it.
type checkpointed struct {
	id      string
	options []flow.CheckpointOption
	body    func(ctx context.Context, c *counter, prefix string) error
	calls   [2]int // minimum and maximum
	// ran is how often a step has run, if not once.
	ran map[string]int
}

// sixSteps takes 100 ms for each step.
func sixSteps(ctx context.Context, c *counter, prefix string) error {
	for i := range 6 {
		_, err := step.Run(ctx, strconv.Itoa(i), func(context.Context) (int, error) {
			time.Sleep(100 * time.Millisecond)
			return c.Add(prefix + strconv.Itoa(i)), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// counts is the step id, whose first attempts fail.
func counts(ctx context.Context, c *counter, prefix, id string, failures int) error {
	_, err := step.Run(ctx, id, func(context.Context) (int, error) {
		n := c.Add(prefix + id)
		if n <= failures {
			return n, errors.New("not yet")
		}
		return n, nil
	})
	return err
}

var many = []flow.CheckpointOption{flow.BatchSteps(10)}

var checkpointedFunctions = []checkpointed{
	{id: "each", body: sixSteps, calls: [2]int{1, 1}},
	{id: "many", options: many, body: sixSteps, calls: [2]int{1, 1}},
	{id: "interval", options: append(many, flow.BatchInterval(150*time.Millisecond)), body: sixSteps, calls: [2]int{1, 1}},
	{id: "runtime", options: append(many, flow.MaxRuntime(250*time.Millisecond)), body: sixSteps, calls: [2]int{2, 3}},
	{id: "sleeps", options: many, calls: [2]int{2, 2}, body: func(ctx context.Context, c *counter, prefix string) error {
		err := errors.Join(counts(ctx, c, prefix, "0", 0), counts(ctx, c, prefix, "1", 0))
		step.Sleep(ctx, "nap", time.Second)
		return errors.Join(err, counts(ctx, c, prefix, "2", 0))
	}},
	{id: "step-fails", options: many, calls: [2]int{3, 3}, ran: map[string]int{"1": 2},
		body: func(ctx context.Context, c *counter, prefix string) error {
			return errors.Join(counts(ctx, c, prefix, "0", 0), counts(ctx, c, prefix, "1", 1), counts(ctx, c, prefix, "2", 0))
		}},
	{id: "function-fails", options: many, calls: [2]int{3, 3},
		body: func(ctx context.Context, c *counter, prefix string) error {
			if err := counts(ctx, c, prefix, "0", 0); err != nil {
				return err
			}
			if c.Add(prefix+"tried") == 1 {
				return errors.New("not yet")
			}
			return counts(ctx, c, prefix, "1", 0)
		}},
	// A step after one with three attempts also has three attempts.
	{id: "last-try", calls: [2]int{7, 7}, ran: map[string]int{"0": 3, "1": 3}, body: func(ctx context.Context, c *counter, prefix string) error {
		return errors.Join(counts(ctx, c, prefix, "0", 2), counts(ctx, c, prefix, "1", 2), counts(ctx, c, prefix, "2", 0))
	}},
	{id: "parallel", options: many, calls: [2]int{4, 9},
		body: func(ctx context.Context, c *counter, prefix string) error {
			err := errors.Join(counts(ctx, c, prefix, "0", 0), step.Parallel(ctx,
				func(ctx context.Context) error { return counts(ctx, c, prefix, "1", 0) },
				func(ctx context.Context) error { return counts(ctx, c, prefix, "2", 0) }))
			return errors.Join(err, counts(ctx, c, prefix, "3", 0), counts(ctx, c, prefix, "4", 0))
		}},
}

// checkpointScenarios run several steps in one call, on servers that support checkpoints. On
// others they are ordinary functions.
var checkpointScenarios = []scenario{{
	name: "checkpoints: steps run once, and so does the code after them",
	functions: func(c *counter) []inngestkit.Function {
		var functions []inngestkit.Function
		for _, f := range checkpointedFunctions {
			functions = append(functions, onUser("checkpoint-"+f.id, "user/checkpoint-"+f.id, func(ctx context.Context, in input) (string, error) {
				c.Add(f.id + " called")
				if err := f.body(ctx, c, f.id+" step "); err != nil {
					return "", err
				}
				c.Add(f.id + " ended")
				return in.Event.Data.ID, nil
			}, flow.Checkpoint(f.options...), flow.Retries(2)))
		}
		return functions
	},
	check: func(t *testing.T, s *site, c *counter) {
		for _, f := range checkpointedFunctions {
			t.Run(f.id, func(t *testing.T) {
				t.Parallel()
				run := s.completed(t, userEvent("user/checkpoint-"+f.id).New(user{ID: "u1"}))
				require.Equal(t, `"u1"`, string(run.Output))
				for i := 0; i == 0 || c.Of(f.id+" step "+strconv.Itoa(i)) > 0; i++ {
					id := strconv.Itoa(i)
					require.Equal(t, max(1, f.ran[id]), c.Of(f.id+" step "+id), "step %s", id)
				}
				if s.server.Version() == devserver.OldestVersion {
					return // it does not support checkpoints
				}
				require.Equal(t, 1, c.Of(f.id+" ended"))
				require.GreaterOrEqual(t, c.Of(f.id+" called"), f.calls[0])
				require.LessOrEqual(t, c.Of(f.id+" called"), f.calls[1])
			})
		}
	},
}}
