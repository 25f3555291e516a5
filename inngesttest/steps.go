package inngesttest

import (
	"context"
	"fmt"
	"slices"
)

// Step is a step that a run has come to, as the server's trace shows it.
type Step struct {
	// Name is the step's ID in the function.
	Name string
	// Status is the step's state in the server's words: COMPLETED, FAILED,
	// WAITING and others.
	Status string
	// Attempts is how often the server had the step run, 1 for one that it sees
	// to itself, such as a sleep.
	Attempts int
}

// stepsQuery asks for what the server's UI shows of a run.
const stepsQuery = `query ($id: String!) {
	runTrace(runID: $id) {
		childrenSpans { name status stepID attempts childrenSpans { status attempts } }
	}
}`

// stepSpan is what a trace says of a step: of one attempt or, if it has children,
// of several, each of which is one.
type stepSpan struct {
	Name     string     `json:"name"`
	Status   string     `json:"status"`
	StepID   string     `json:"stepID"`
	Attempt  int        `json:"attempts"` // zero-based
	Children []stepSpan `json:"childrenSpans"`
}

// Steps returns the steps that a run has come to, in their order; those of one call,
// parallel or sent by checkpoints, are in any order. The server writes the trace a
// moment after the fact. The oldest server leaves out steps that failed in their only
// try, and those that came to it with others in one answer.
func (s *Server) Steps(ctx context.Context, runID string) ([]Step, error) {
	var answer struct {
		Trace struct {
			Spans []stepSpan `json:"childrenSpans"`
		} `json:"runTrace"`
	}
	if err := s.GraphQL(ctx, stepsQuery, map[string]any{"id": runID}, &answer); err != nil {
		return nil, err
	}
	return mergeSteps(answer.Trace.Spans), nil
}

// lastCall is the name of the span for what a function does behind its last step. The
// oldest server gives it the ID of a step, if the function has failed and gone on.
const lastCall = "Finalization"

// mergeSteps makes one step of all the spans with its ID. A step that was tried
// several times has a span with the attempts as children; newer servers put the
// attempts beside it, too.
func mergeSteps(spans []stepSpan) []Step {
	byID := map[string][]stepSpan{}
	order := []string{}
	for _, span := range spans {
		if span.StepID == "" || span.Name == lastCall {
			continue // a call of the function that ended without a step
		}
		if byID[span.StepID] == nil {
			order = append(order, span.StepID)
		}
		byID[span.StepID] = append(byID[span.StepID], span)
	}
	steps := make([]Step, len(order))
	for i, id := range order {
		steps[i] = mergeStep(byID[id])
	}
	return steps
}

// mergeStep returns the step of the spans. The one with children knows its state;
// without one, that of the last attempt counts.
func mergeStep(spans []stepSpan) Step {
	step := Step{Name: spans[0].Name}
	attempts := map[int]bool{}
	last, whole := -1, false
	for _, span := range spans {
		single := span.Children
		if len(single) == 0 {
			single = []stepSpan{span}
		} else {
			step.Status, whole = span.Status, true
		}
		for _, attempt := range single {
			attempts[attempt.Attempt] = true
			if !whole && attempt.Attempt >= last {
				step.Status, last = attempt.Status, attempt.Attempt
			}
		}
	}
	step.Attempts = len(attempts)
	return step
}

// AwaitStep waits until a run that the event triggered has come to the step, and
// returns the run. If the step waits for an event, an event that is sent then is
// not missed: the server begins to wait before it says so.
func (s *Server) AwaitStep(ctx context.Context, eventID, step string) (Run, error) {
	var found Run
	var last []Run
	err := s.poll(ctx, func() (bool, error) {
		runs, err := s.Runs(ctx, eventID)
		if err != nil {
			return false, err
		}
		last = runs
		for _, run := range runs {
			steps, err := s.Steps(ctx, run.RunID)
			if err != nil {
				return false, err
			}
			if slices.ContainsFunc(steps, func(st Step) bool { return st.Name == step }) {
				found = run
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return found, fmt.Errorf("inngesttest: waiting for the step %q of a run of the event %s: %w; last seen: %s",
			step, eventID, err, describe(last))
	}
	return found, nil
}
