package inngesttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
		childrenSpans { name status stepOp childrenSpans { name } }
	}
}`

// Steps returns the steps that a run has come to, in their order. The server
// writes the trace a moment after the fact.
func (s *Server) Steps(ctx context.Context, runID string) ([]Step, error) {
	var answer struct {
		Trace struct {
			Spans []struct {
				Name     string `json:"name"`
				Status   string `json:"status"`
				StepOp   string `json:"stepOp"`
				Children []struct {
					Name string `json:"name"`
				} `json:"childrenSpans"`
			} `json:"childrenSpans"`
		} `json:"runTrace"`
	}
	if err := s.GraphQL(ctx, stepsQuery, map[string]any{"id": runID}, &answer); err != nil {
		return nil, err
	}
	steps := []Step{}
	for _, span := range answer.Trace.Spans {
		if span.StepOp == "" {
			continue // a call of the function that ended without a step
		}
		step := Step{Name: span.Name, Status: span.Status}
		// Attempts are listed only if there were several.
		for _, child := range span.Children {
			if strings.HasPrefix(child.Name, "Attempt") {
				step.Attempts++
			}
		}
		step.Attempts = max(step.Attempts, 1)
		steps = append(steps, step)
	}
	return steps, nil
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
