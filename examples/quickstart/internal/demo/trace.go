package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// traceQuery asks for what the server's UI shows of a run.
const traceQuery = `query ($id: String!) {
	runTrace(runID: $id) {
		childrenSpans {
			name status stepOp
			childrenSpans { name }
		}
	}
}`

// span is a part of a run: the run itself, a step, or an attempt at one.
type span struct {
	Name     string `json:"name"`
	Status   string `json:"status"`
	StepOp   string `json:"stepOp"`
	Children []span `json:"childrenSpans"`
}

// steps asks the server for the steps that a run has come to, in their order.
func (s *session) steps(ctx context.Context, runID string) ([]span, error) {
	var data struct {
		Run span `json:"runTrace"`
	}
	if err := s.server.GraphQL(ctx, traceQuery, map[string]any{"id": runID}, &data); err != nil {
		return nil, fmt.Errorf("trace of the run %s: %w", runID, err)
	}
	// What has no operation is a call of the function that ended without a step.
	return slices.DeleteFunc(data.Run.Children, func(s span) bool { return s.StepOp == "" }), nil
}

// attempts is how often the server had the step run. It lists the attempts only
// if there were several.
func (s span) attempts() int {
	n := 0
	for _, child := range s.Children {
		if strings.HasPrefix(child.Name, "Attempt") {
			n++
		}
	}
	return max(n, 1)
}
