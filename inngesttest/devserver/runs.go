package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// RunStatus is the state of a run.
type RunStatus string

// The states of a run. A run that is queued, sleeping or waiting for an event is
// RunRunning.
const (
	RunRunning   RunStatus = "Running"
	RunCompleted RunStatus = "Completed"
	RunFailed    RunStatus = "Failed"
	RunCancelled RunStatus = "Cancelled"
	RunSkipped   RunStatus = "Skipped"
)

// Run is one run of a function.
type Run struct {
	// RunID is the run's ID, a ULID.
	RunID string
	// EventID is the ID of the event that triggered the run, or of the first event of
	// a batch.
	EventID string
	// FunctionID is the server's own ID of the function, a UUID.
	FunctionID string
	// Function is the function's slug: the app's ID and the function's, joined by
	// a hyphen. It is empty if the function was unregistered before this
	// [Server] saw it.
	Function string
	// Status is the run's state.
	Status RunStatus
	// Output is the JSON that the function returned, or its error in the server's
	// form; nil until the run has ended.
	Output json.RawMessage
	// StartedAt is when the run started.
	StartedAt time.Time
	// EndedAt is when the run ended; zero until then.
	EndedAt time.Time
}

// Ended reports whether the run has completed, failed or been cancelled.
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
	// listPoll is the interval of requests for the runs of an event, and listAttempts
	// the number of requests, 5 s in total.
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

// Runs returns the runs that an event has triggered so far. An unknown event has
// none.
func (s *Server) Runs(ctx context.Context, eventID string) ([]Run, error) {
	ids, err := s.runIDs(ctx, eventID)
	if err != nil {
		return nil, err
	}
	runs := make([]Run, len(ids))
	for i, id := range ids {
		// Newer servers take the state of a run in the list from its trace: a run
		// with a failed step is Failed there, even if it continues.
		runs[i], err = s.Run(ctx, id)
		switch {
		case notLoaded(err):
			runs[i] = Run{RunID: id, EventID: eventID, Status: RunRunning}
		case err != nil:
			return nil, err
		}
	}
	return runs, nil
}

// notLoaded reports whether the server cannot load a run that it lists. It lists a run from
// its trace, and may store the run later (getEventRuns and GetFunctionRun in pkg/api/apiv1
// of v1.43.0). v1.12.1 with PostgreSQL reads the end of a run that has none yet
// (GetFunctionRun in pkg/cqrs/base_cqrs/sqlc/postgres).
func notLoaded(err error) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && status.Status == http.StatusInternalServerError &&
		strings.Contains(status.Body, "Unable to load function run")
}

// runIDs lists the runs of an event. While a run exists without its trace, newer
// servers return an empty object without a list.
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
				// A run can end twice, and is listed twice then.
				if !slices.Contains(ids, run.RunID) {
					ids = append(ids, run.RunID)
				}
			}
			return ids, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("devserver: Inngest server: GET %s: %w", path, context.Cause(ctx))
		case <-time.After(listPoll):
		}
	}
	return nil, fmt.Errorf("devserver: Inngest server: GET %s: the response has no list of runs, even after %d attempts",
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

// run converts a run from its form in the API, and adds the slug.
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

// slugOf returns the slug of a function, or "" if it is not registered.
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

// withEnd returns the run with its final status and end, if it has ended. A newer
// server lists a run whose trace it is still writing as QUEUED, with a time at which
// it ended.
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

// runStatus normalizes the status of an ended run: REST writes Completed where
// GraphQL writes COMPLETED. It returns unknown ones unchanged.
func runStatus(text string) RunStatus {
	for _, status := range []RunStatus{RunCompleted, RunFailed, RunCancelled, RunSkipped} {
		if strings.EqualFold(text, string(status)) {
			return status
		}
	}
	return RunStatus(text)
}
