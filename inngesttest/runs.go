package inngesttest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// RunStatus is the state of a run.
type RunStatus string

// The states of a run. A run that is queued, or that sleeps or waits for an
// event, is RunRunning.
const (
	RunRunning      RunStatus = "Running"
	RunCompleted RunStatus = "Completed"
	RunFailed    RunStatus = "Failed"
	RunCancelled RunStatus = "Cancelled"
	RunSkipped   RunStatus = "Skipped"
)

// Run is one run of a function.
type Run struct {
	// RunID is the run's ID, a ULID.
	RunID string
	// EventID is the ID of the event that triggered the run; of a batch, that of
	// its first event.
	EventID string
	// FunctionID is the server's own ID of the function, a UUID.
	FunctionID string
	// Function is the function's slug: the app's ID and the function's, joined by
	// a hyphen. It is empty if the function was unregistered before this
	// [Server] saw it.
	Function string
	// Status is the run's state.
	Status RunStatus
	// Output is the JSON that the function returned, or its error as the server
	// keeps it; nil until the run has ended.
	Output json.RawMessage
	// StartedAt is when the run started.
	StartedAt time.Time
	// EndedAt is when the run ended; zero until then.
	EndedAt time.Time
}

// Ended reports whether the run has ended, in whatever way.
func (r Run) Ended() bool { return !r.EndedAt.IsZero() }

// String describes the run in a few words, for errors and logs.
func (r Run) String() string {
	name := r.Function
	if name == "" {
		name = r.FunctionID
	}
	text := fmt.Sprintf("run %s of %s: %s", r.RunID, name, r.Status)
	if r.Ended() && len(r.Output) > 0 {
		text += fmt.Sprintf(" with %.500s", r.Output)
	}
	return text
}

const (
	// listPoll is the time between two questions for the runs of an event, and
	// listAttempts the number of questions, 5 s in all.
	listPoll     = 20 * time.Millisecond
	listAttempts = 250
)

// apiRun is a run as the server's REST API writes it.
type apiRun struct {
	RunID      string          `json:"run_id"`
	EventID    string          `json:"event_id"`
	FunctionID string          `json:"function_id"`
	Status     string          `json:"status"`
	Output     json.RawMessage `json:"output"`
	StartedAt  time.Time       `json:"run_started_at"`
	EndedAt    *time.Time      `json:"ended_at"`
}

// Runs returns the runs that an event has triggered so far. An event that is
// unknown has none.
func (s *Server) Runs(ctx context.Context, eventID string) ([]Run, error) {
	ids, err := s.runIDs(ctx, eventID)
	if err != nil {
		return nil, err
	}
	runs := make([]Run, len(ids))
	for i, id := range ids {
		// What newer servers say about a run in the list comes from its trace: a run
		// whose step has failed is Failed there, though it goes on.
		if runs[i], err = s.Run(ctx, id); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// runIDs lists the runs of an event. A newer server answers with an empty object,
// and no list in it, for the moments in which a run is there and its trace is not.
func (s *Server) runIDs(ctx context.Context, eventID string) ([]string, error) {
	path := "/v1/events/" + url.PathEscape(eventID) + "/runs"
	for range listAttempts {
		var answer struct {
			Data *[]struct {
				RunID string `json:"run_id"`
			} `json:"data"`
		}
		if err := s.Do(ctx, http.MethodGet, path, nil, &answer); err != nil {
			return nil, err
		}
		if answer.Data != nil {
			ids := make([]string, 0, len(*answer.Data))
			for _, run := range *answer.Data {
				// A run that has ended twice, which can happen, is listed twice.
				if !slices.Contains(ids, run.RunID) {
					ids = append(ids, run.RunID)
				}
			}
			return ids, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("inngesttest: Inngest server: GET %s: %w", path, context.Cause(ctx))
		case <-time.After(listPoll):
		}
	}
	return nil, fmt.Errorf("inngesttest: Inngest server: GET %s: the answer has no list of runs, not even after %d attempts",
		path, listAttempts)
}

// Run returns a run by its ID.
func (s *Server) Run(ctx context.Context, runID string) (Run, error) {
	var answer struct {
		Data apiRun `json:"data"`
	}
	if err := s.Do(ctx, http.MethodGet, "/v1/runs/"+url.PathEscape(runID), nil, &answer); err != nil {
		return Run{}, err
	}
	return s.run(ctx, answer.Data)
}

// Cancel cancels a run.
func (s *Server) Cancel(ctx context.Context, runID string) error {
	return s.Do(ctx, http.MethodDelete, "/v1/runs/"+url.PathEscape(runID), nil, nil)
}

// run completes what the API says about a run.
func (s *Server) run(ctx context.Context, r apiRun) (Run, error) {
	slug, err := s.slugOf(ctx, r.FunctionID)
	if err != nil {
		return Run{}, err
	}
	run := Run{
		RunID: r.RunID, EventID: r.EventID, FunctionID: r.FunctionID, Function: slug,
		Status: RunRunning, StartedAt: r.StartedAt,
	}
	if run = run.withEnd(r.Status, r.EndedAt); run.Ended() {
		run.Output = r.Output
	}
	return run, nil
}

// slugOf returns the slug of a function, or nothing if it is not registered.
func (s *Server) slugOf(ctx context.Context, functionID string) (string, error) {
	if slug, ok := s.slugs.slug(functionID); ok {
		return slug, nil
	}
	if _, err := s.Functions(ctx); err != nil {
		return "", err
	}
	slug, _ := s.slugs.slug(functionID)
	return slug, nil
}

// withEnd returns the run with how and when it has ended, if it has. A newer server
// lists a run whose trace it is still writing as QUEUED, with a time at which it ended.
func (r Run) withEnd(status string, at *time.Time) Run {
	switch strings.ToLower(status) {
	case "queued", "scheduled", "running":
		return r
	}
	if at != nil {
		r.Status, r.EndedAt = runStatus(status), *at
	}
	return r
}

// runStatus makes one of the ways in which the server's APIs write the state of a
// run that has ended: REST writes Completed where GraphQL writes COMPLETED. One
// that we do not know stays as it is.
func runStatus(text string) RunStatus {
	for _, status := range []RunStatus{RunCompleted, RunFailed, RunCancelled, RunSkipped} {
		if strings.EqualFold(text, string(status)) {
			return status
		}
	}
	return RunStatus(text)
}
