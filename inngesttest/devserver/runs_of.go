package devserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// runsQuery pages through the runs of one function, the oldest first.
const runsQuery = `query ($function: UUID!, $from: Time!, $after: String) {
	runs(first: 100, after: $after, orderBy: [{field: QUEUED_AT, direction: ASC}],
		filter: {from: $from, functionIDs: [$function]}) {
		edges { node { id functionID status startedAt endedAt triggerIDs } }
		pageInfo { hasNextPage endCursor }
	}
}`

// gqlRun is a run as the server's GraphQL API writes it.
type gqlRun struct {
	ID         string     `json:"id"`
	FunctionID string     `json:"functionID"`
	Status     string     `json:"status"`
	StartedAt  *time.Time `json:"startedAt"`
	EndedAt    *time.Time `json:"endedAt"`
	TriggerIDs []string   `json:"triggerIDs"`
}

// RunsOf returns the runs of the function with the slug, oldest first, with any trigger,
// including schedules, which have no event of the test. The server lists a run some time
// after its start. An unregistered function is an error.
func (s *Server) RunsOf(ctx context.Context, slug string) ([]Run, error) {
	functions, err := s.Functions(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(functions, func(f Function) bool { return f.Slug == slug })
	if i < 0 {
		return nil, fmt.Errorf("devserver: no function with the slug %q is registered; "+
			"a slug is the app's ID and the function's, joined by a hyphen", slug)
	}
	variables := map[string]any{
		"function": functions[i].ID,
		// Before any of our servers started.
		"from": time.Now().AddDate(0, 0, -7).UTC(),
	}
	runs := []Run{}
	for {
		var answer struct {
			Runs struct {
				Edges []struct {
					Node gqlRun `json:"node"`
				} `json:"edges"`
				PageInfo struct {
					HasNextPage bool    `json:"hasNextPage"`
					EndCursor   *string `json:"endCursor"`
				} `json:"pageInfo"`
			} `json:"runs"`
		}
		if err := s.GraphQL(ctx, runsQuery, variables, &answer); err != nil {
			return nil, err
		}
		for _, edge := range answer.Runs.Edges {
			run, err := s.detail(ctx, edge.Node, slug)
			if err != nil {
				return nil, err
			}
			runs = append(runs, run)
		}
		page := answer.Runs.PageInfo
		if !page.HasNextPage {
			return runs, nil
		}
		if page.EndCursor == nil {
			return nil, errors.New("devserver: Inngest server: POST /v0/gql: the response has no cursor for further runs")
		}
		variables["after"] = *page.EndCursor
	}
}

// detail reads a run that GraphQL has listed from the REST API. The list is made from
// traces, which the server writes up to seconds later, so it shows ended runs as
// running.
func (s *Server) detail(ctx context.Context, listed gqlRun, slug string) (Run, error) {
	run, err := s.Run(ctx, listed.ID)
	if _, refused := errors.AsType[*StatusError](err); !refused {
		return run, err
	}
	// The two APIs read different tables; a run may be in only one of them.
	run = Run{RunID: listed.ID, FunctionID: listed.FunctionID, Function: slug, Status: RunRunning}
	if len(listed.TriggerIDs) > 0 {
		run.EventID = listed.TriggerIDs[0]
	}
	if listed.StartedAt != nil {
		run.StartedAt = *listed.StartedAt
	}
	return run.withEnd(listed.Status, listed.EndedAt), nil
}
