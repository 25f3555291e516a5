package devserver

import (
	"context"
	"fmt"
	"slices"
)

// Step is a step that a run has reached, according to the server's trace.
type Step struct {
	// Name is the step's ID in the function.
	Name string
	// Status is the step's state in the server's words: COMPLETED, FAILED,
	// WAITING and others.
	Status string
	// Attempts is the number of attempts, 1 for a step of the server itself, such as
	// a sleep.
	Attempts int
}

// stepsQuery requests what the server's UI shows of a run.
const stepsQuery = `query ($id: String!) {
	runTrace(runID: $id) {
		childrenSpans { name status stepID attempts childrenSpans { status attempts } }
	}
}`

// stepSpan is a step in a trace. It is one attempt or, if it has children, one
// attempt for each child.
type stepSpan struct {
	Name     string     `json:"name"`
	Status   string     `json:"status"`
	StepID   string     `json:"stepID"`
	Attempt  int        `json:"attempts"` // zero-based
	Children []stepSpan `json:"childrenSpans"`
}

// Steps returns the steps that a run has reached, in order, except that steps of one
// call, parallel or sent by checkpoints, are in any order. The server writes the
// trace with a short delay. The oldest server omits steps that failed in their only
// attempt, and steps that it received with others in one response.
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

// lastCall is the name of the span for the code after the last step. The oldest
// server gives it the ID of a step if the function has failed and continued.
const lastCall = "Finalization"

// mergeSteps merges all spans with the same ID into one step. A step with several
// attempts has a span with the attempts as children; newer servers also list the
// attempts as siblings.
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

// mergeStep merges the spans of one step. The span with children has its state;
// without one, the last attempt has it.
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

// AwaitStep waits until a run triggered by the event has reached the step, and
// returns the run. If the step waits for an event, events sent from then on are not
// missed: the server starts to wait before it reports the step.
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
		return found, fmt.Errorf("devserver: waiting for the step %q of a run of the event %s: %w; last seen: %s",
			step, eventID, err, describe(last))
	}
	return found, nil
}
