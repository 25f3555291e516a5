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
}

// The functions are named after their events.
const (
	Steps       = "steps"       // five steps, one after the other
	Branches    = "branches"    // three steps at the same time, and one after them
	Naps        = "naps"        // a step, a sleep, a step
	Answers     = "answers"     // a step, a wait for "answered", a step
	Checkpoints = "checkpoints" // five steps in one call
	Once        = "once"        // one step
	Answered    = "answered"    // no function: the event that "answers" waits for
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

// functions returns the functions of a build, which report to the ledger.
func functions(cfg Config, l *ledger) []inngestkit.Function {
	type body = func(ctx context.Context, in input, do doer) (string, error)
	define := func(id string, body body, options ...inngestkit.Option) inngestkit.Function {
		return inngestkit.OnEvent(id, inngestkit.DefineEvent[Data](id), func(ctx context.Context, in input) (string, error) {
			if cfg.Wrong == Hasty {
				return Output(id, cfg.Build, in.Event.Data.Item), nil
			}
			return body(ctx, in, func(ctx context.Context, stepID string) (string, error) {
				work := func(ctx context.Context) (string, error) {
					return l.run(ctx, id, in.InputCtx.RunID, stepID, resultOf(stepID, in.Event.Data.Item))
				}
				if cfg.Wrong == Forgetful {
					if _, err := work(ctx); err != nil {
						return "", err
					}
				}
				return l.step(ctx, id, in.InputCtx.RunID, stepID, work)
			})
		}, append(options, flow.Retries(Retries))...)
	}
	oneByOne := func(ctx context.Context, _ input, do doer) (string, error) {
		return inOrder(ctx, do, cfg.Build.Steps()...)
	}
	var newer []inngestkit.Function
	if cfg.Build != Older {
		newer = append(newer, define(Checkpoints, oneByOne, flow.Checkpoint()))
	}
	return append(newer,
		define(Steps, oneByOne),
		define(Branches, branches),
		define(Once, func(ctx context.Context, _ input, do doer) (string, error) { return do(ctx, "once") }),
		define(Naps, func(ctx context.Context, in input, do doer) (string, error) {
			return around(ctx, do, func() error {
				step.Sleep(ctx, "nap", time.Duration(in.Event.Data.Nap)*time.Millisecond)
				return nil
			})
		}),
		define(Answers, func(ctx context.Context, _ input, do doer) (string, error) {
			return around(ctx, do, func() error {
				_, err := step.WaitForEvent(ctx, "wait", inngestkit.DefineEvent[Data](Answered),
					step.Timeout(time.Hour), step.Match("data.item"))
				return err
			})
		}),
	)
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
