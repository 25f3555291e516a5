package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// RoundTrip responds to a request of an app as the server's API does. It implements
// [http.RoundTripper].
func (e *Engine) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer func() { _ = r.Body.Close() }()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	e.routes.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// newRoutes returns the parts of the server's API that apps use.
func (e *Engine) newRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /e/{key}", e.postEvents)
	mux.HandleFunc("POST /v1/signals", e.postSignal)
	mux.HandleFunc("POST /v1/checkpoint/{run}/async", e.postCheckpoint)
	mux.HandleFunc("GET /v0/runs/{run}/batch", func(w http.ResponseWriter, r *http.Request) {
		e.getState(w, r, e.batchOf)
	})
	mux.HandleFunc("GET /v0/runs/{run}/actions", func(w http.ResponseWriter, r *http.Request) {
		e.getState(w, r, e.actionsOf)
	})
	mux.HandleFunc("DELETE /v1/runs/{run}", e.deleteRun)
	mux.HandleFunc("GET /v1/events/{id}/runs", e.getRuns)
	mux.HandleFunc("POST /fn/register", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, map[string]any{"ok": true, "modified": false, "skipped": false})
	})
	mux.HandleFunc("GET /dev", e.getDev)
	mux.HandleFunc("/", e.notFound)
	return mux
}

// respond writes JSON.
func respond(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		status, encoded = http.StatusInternalServerError, []byte(`{"error":"the response cannot be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encoded) // to memory
}

func respondError(w http.ResponseWriter, status int, message string) {
	respond(w, status, map[string]any{fieldError: message, fieldStatus: status})
}

func (e *Engine) notFound(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.fault(nil, "the app sends %s %s to the server, which the test engine does not know: test it on a real server",
		r.Method, r.URL.Path)
	e.mu.Unlock()
	respondError(w, http.StatusNotFound, "404 page not found")
}

// postEvents receives one event or a list.
func (e *Engine) postEvents(w http.ResponseWriter, r *http.Request) {
	events, err := readEvents(r.Body)
	ids, refused := e.Send(events, r.Header.Get("X-Inngest-Event-Id-Seed"))
	if refused != nil {
		err = refused // of an earlier event
	}
	if ids == nil {
		ids = []string{""} // as the server
	}
	if err != nil {
		respond(w, http.StatusBadRequest, map[string]any{"ids": ids, fieldStatus: http.StatusBadRequest, fieldError: err.Error()})
		return
	}
	respond(w, http.StatusOK, map[string]any{"ids": ids, fieldStatus: http.StatusOK})
}

//nolint:staticcheck // the server's words
var errNoEvents = errors.New("Request body must contain an event object or an array of event objects")

// readEvents returns the events of a request before the first that is not JSON, and then
// also the error.
func readEvents(body io.Reader) (events []json.RawMessage, err error) {
	all, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	switch trimmed := bytes.TrimSpace(all); {
	case len(trimmed) == 0:
		return nil, nil
	case trimmed[0] == '{':
		return []json.RawMessage{trimmed}, nil
	case trimmed[0] != '[':
		return nil, errNoEvents
	}
	decoder := json.NewDecoder(bytes.NewReader(all))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	for decoder.More() {
		var event json.RawMessage
		if err := decoder.Decode(&event); err != nil {
			return events, err
		}
		events = append(events, event)
	}
	return events, nil
}

func (e *Engine) postSignal(w http.ResponseWriter, r *http.Request) {
	var signal struct {
		Signal string          `json:"signal"`
		Data   json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&signal); err != nil {
		respondError(w, http.StatusBadRequest, "Invalid signal data")
		return
	}
	if signal.Signal == "" {
		respondError(w, http.StatusInternalServerError, "Failed to receive signal")
		return
	}
	runID, found := e.Signal(signal.Signal, signal.Data)
	if !found {
		respondError(w, http.StatusNotFound, "No signal found")
		return
	}
	respond(w, http.StatusOK, map[string]any{fieldData: map[string]any{fieldRun: runID}, "metadata": map[string]any{}})
}

func (e *Engine) postCheckpoint(w http.ResponseWriter, r *http.Request) {
	if e.cfg.Version == version.Oldest { // it has no such route
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		respondError(w, http.StatusBadRequest, err.Error())
		return
	}
	e.mu.Lock()
	status, message := e.checkpoint(r.PathValue("run"), body)
	e.mu.Unlock()
	if status >= http.StatusBadRequest {
		respondError(w, status, message)
		return
	}
	respond(w, http.StatusOK, map[string]any{fieldData: map[string]any{fieldRun: r.PathValue("run")}})
}

func (e *Engine) getState(w http.ResponseWriter, r *http.Request, state func(runID string) ([]byte, bool)) {
	e.mu.Lock()
	body, found := state(r.PathValue("run"))
	e.mu.Unlock()
	if !found {
		respondError(w, http.StatusNotFound, fmt.Sprintf("run %s is unknown or has ended", r.PathValue("run")))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // to memory
}

func (e *Engine) deleteRun(w http.ResponseWriter, r *http.Request) {
	e.Cancel(r.PathValue("run"))
	w.WriteHeader(http.StatusNoContent)
}

func (e *Engine) getRuns(w http.ResponseWriter, r *http.Request) {
	type run struct {
		RunID      string          `json:"run_id"`
		FunctionID string          `json:"function_id"`
		Status     Status          `json:"status"`
		Output     json.RawMessage `json:"output"`
	}
	e.mu.Lock()
	started := e.started[r.PathValue("id")]
	runs := make([]run, 0, len(started))
	for _, of := range started {
		runs = append(runs, run{of.ID, of.Function.ID, of.Status, of.Output})
	}
	e.mu.Unlock()
	respond(w, http.StatusOK, map[string]any{fieldData: runs})
}

// getDev lists the functions, as the dev server does.
func (e *Engine) getDev(w http.ResponseWriter, _ *http.Request) {
	type function struct {
		Slug  string     `json:"slug"`
		Name  string     `json:"name"`
		Steps []struct{} `json:"steps"`
	}
	registered := e.Functions()
	functions := make([]function, len(registered))
	for i, fn := range registered {
		functions[i] = function{fn.Slug, fn.Name, []struct{}{}}
	}
	respond(w, http.StatusOK, map[string]any{
		"version": strings.TrimPrefix(string(e.cfg.Version), "v"), "functions": functions,
	})
}
