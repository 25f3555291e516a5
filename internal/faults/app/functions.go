package app

import (
	"context"
	"strings"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// Data is the data of all events.
type Data struct {
	// Item is part of the result of each step.
	Item string `json:"item"`
	// Nap is how long the function "naps" sleeps, in milliseconds.
	Nap int `json:"nap,omitempty"`
	// Work is how long each step waits, as for a database, in milliseconds.
	Work int `json:"work,omitempty"`
}

// The functions are named after their events.
const (
	Steps       = "steps"       // five steps, one after the other
	Branches    = "branches"    // three steps at the same time, and one after them
	Naps        = "naps"        // a step, a sleep, a step
	Answers     = "answers"     // a step, a wait for "answered", a step
	Checkpoints = "checkpoints" // five steps in one call
	Once        = "once"        // one step
	Bulk        = "bulk"        // one step for up to 100 events, reported by their IDs
	Answered    = "answered"    // no function: the event that "answers" waits for

	// The functions that follow need [Config.Database].

	Writes  = "writes"   // a step, one that writes to the database, a step
	GivesUp = "gives-up" // the same with a single retry, and a failure handler
)

// Write is the step that writes to the database, and FailureHandled what the failure handler
// reports as a step.
const (
	Write          = "write"
	FailureHandled = "failure handled"
)

// Retries is how often the server repeats a failed call. A laboratory that takes the app
// down for seconds needs more than the default of 4.
const Retries = 20

// StepsOf returns the IDs of a function's steps, in order.
func StepsOf(function string, build Build) []string {
	switch function {
	case Branches:
		return []string{"left", "middle", "right", "last"}
	case Once:
		return []string{"once"}
	case Writes, GivesUp:
		return []string{"before", Write, "after"}
	case Naps, Answers:
		return []string{"before", "after"}
	default:
		return build.Steps()
	}
}

// Output returns what a function returns for an item.
func Output(function string, build Build, item string) string {
	var results []string
	for _, id := range StepsOf(function, build) {
		results = append(results, resultOf(id, item))
	}
	return strings.Join(results, " ")
}

func resultOf(step, item string) string { return step + "(" + item + ")" }

// A definer defines functions whose steps report to the ledger.
type definer struct {
	cfg    Config
	ledger *ledger
	store  *store
}

func (d *definer) define(
	id string, body func(ctx context.Context, in input, do doer) (string, error), options ...inngestkit.Option,
) inngestkit.Function {
	return inngestkit.OnEvent(id, inngestkit.DefineEvent[Data](id), func(ctx context.Context, in input) (string, error) {
		run, item := in.InputCtx.RunID, in.Event.Data.Item
		switch d.cfg.Wrong {
		case Hasty:
			return Output(id, d.cfg.Build, item), nil
		case Silent:
			<-ctx.Done()
			return "", ctx.Err()
		case Forgetful:
		}
		output, err := body(ctx, in, func(ctx context.Context, stepID string) (string, error) {
			work := func(ctx context.Context) (string, error) {
				time.Sleep(time.Duration(in.Event.Data.Work) * time.Millisecond)
				return d.ledger.run(ctx, id, run, stepID, func(ctx context.Context) (string, error) {
					return resultOf(stepID, item), d.write(ctx, run, stepID, item)
				})
			}
			if d.cfg.Wrong == Forgetful {
				if _, err := work(ctx); err != nil {
					return "", err
				}
			}
			return d.ledger.step(ctx, id, run, stepID, work)
		})
		if err == nil {
			d.ledger.forget(run)
		}
		return output, err
	}, options...)
}

// write writes to the database in the step that does.
func (d *definer) write(ctx context.Context, run, stepID, item string) error {
	if stepID != Write {
		return nil
	}
	return d.store.write(ctx, run, item)
}

// functions returns the functions of a build.
func functions(cfg Config, l *ledger, s *store) []inngestkit.Function {
	d, retries := &definer{cfg, l, s}, flow.Retries(Retries)
	oneByOne := func(ids ...string) func(context.Context, input, doer) (string, error) {
		return func(ctx context.Context, _ input, do doer) (string, error) { return inOrder(ctx, do, ids...) }
	}
	var some []inngestkit.Function
	if cfg.Build != Older {
		some = append(some, d.define(Checkpoints, oneByOne(cfg.Build.Steps()...), retries, flow.Checkpoint()))
	}
	if s != nil {
		some = append(some,
			d.define(Writes, oneByOne(StepsOf(Writes, cfg.Build)...), retries),
			d.define(GivesUp, oneByOne(StepsOf(GivesUp, cfg.Build)...), flow.Retries(1), d.onFailure(GivesUp)))
	}
	return append(some,
		d.define(Steps, oneByOne(cfg.Build.Steps()...), retries),
		d.define(Branches, branches, retries),
		d.define(Once, oneByOne("once"), retries),
		d.bulk(),
		d.define(Naps, func(ctx context.Context, in input, do doer) (string, error) {
			return around(ctx, do, func() error {
				step.Sleep(ctx, "nap", time.Duration(in.Event.Data.Nap)*time.Millisecond)
				return nil
			})
		}, retries),
		d.define(Answers, func(ctx context.Context, _ input, do doer) (string, error) {
			return around(ctx, do, func() error {
				_, err := step.WaitForEvent(ctx, "wait", inngestkit.DefineEvent[Data](Answered),
					step.Timeout(time.Hour), step.Match("data.item"))
				return err
			})
		}, retries),
	)
}

// bulk defines the function for batches. Its step has the IDs of the events, with spaces
// between them.
func (d *definer) bulk() inngestkit.Function {
	return inngestkit.OnEvent(Bulk, inngestkit.DefineEvent[Data](Bulk), func(ctx context.Context, in input) (int, error) {
		ids := make([]string, len(in.Events))
		for i, event := range in.Events {
			ids[i] = *event.ID
		}
		done := func(context.Context) (string, error) { return Bulk, nil }
		_, err := step.Run(ctx, Bulk, func(ctx context.Context) (string, error) {
			return d.ledger.run(ctx, Bulk, in.InputCtx.RunID, strings.Join(ids, " "), done)
		})
		return len(ids), err
	}, flow.Retries(Retries), flow.BatchEvents(100, 2*time.Second))
}

// onFailure reports the failure of a run as a step of the run.
func (d *definer) onFailure(function string) inngestkit.Option {
	return inngestkit.OnFailure(func(ctx context.Context, in inngestkit.Input[inngestkit.FailedRun[Data]]) (string, error) {
		done := func(context.Context) (string, error) { return FailureHandled, nil }
		return d.ledger.run(ctx, function, in.Event.Data.RunID, FailureHandled, done)
	})
}

type (
	input = inngestkit.Input[Data]
	// A doer runs the step with an ID.
	doer func(ctx context.Context, stepID string) (string, error)
)

func inOrder(ctx context.Context, do doer, ids ...string) (string, error) {
	results := make([]string, len(ids))
	for i, id := range ids {
		result, err := do(ctx, id)
		if err != nil {
			return "", err
		}
		results[i] = result
	}
	return strings.Join(results, " "), nil
}

func branches(ctx context.Context, _ input, do doer) (string, error) {
	var results [3]string
	branch := func(i int, id string) func(context.Context) error {
		return func(ctx context.Context) (err error) {
			results[i], err = do(ctx, id)
			return err
		}
	}
	if err := step.Parallel(ctx, branch(0, "left"), branch(1, "middle"), branch(2, "right")); err != nil {
		return "", err
	}
	last, err := do(ctx, "last")
	return strings.Join(append(results[:], last), " "), err
}

func around(ctx context.Context, do doer, pause func() error) (string, error) {
	before, err := do(ctx, "before")
	if err != nil {
		return "", err
	}
	if err := pause(); err != nil {
		return "", err
	}
	after, err := do(ctx, "after")
	return before + " " + after, err
}
