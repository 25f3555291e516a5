package expr_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// An app has many functions, whose expressions a real server evaluates. It speaks the
// protocol itself: an SDK would refuse some of the expressions.
type app struct {
	t         *testing.T
	http      *httptest.Server
	functions []function
	api       chan string // the address of the server, once it is known

	mu   sync.Mutex
	seen map[outcome]bool
	// changed is closed and replaced when seen grows.
	changed chan struct{}
}

// A function starts on an event if a condition holds, and perhaps waits for another.
type function struct {
	id, event, condition string
	wait                 *wait
}

type wait struct{ event, condition string }

// An outcome is something that a function did.
type outcome struct{ function, what string }

const (
	started = "started"
	resumed = "resumed"
	failed  = "failed"
)

// failures is the ID of the function that learns which other functions failed.
const failures = "failures"

// appName is the prefix of the functions' slugs.
const appName = "parity"

// newApp serves the functions and returns with the server that has synced them.
func newApp(t *testing.T, version string, functions []function) (*app, *devserver.Server) {
	t.Helper()
	functions = append(functions, function{id: failures, event: "inngest/function.failed"})
	a := &app{
		t: t, functions: functions, api: make(chan string, 1), seen: map[outcome]bool{}, changed: make(chan struct{}),
	}
	a.http = httptest.NewServer(a)
	t.Cleanup(a.http.Close)
	server := devserver.New(t, devserver.Config{Version: version, AppURLs: []string{a.http.URL}})
	a.api <- server.URL()
	slugs := make([]string, len(functions))
	for i, f := range functions {
		slugs[i] = appName + "-" + f.id
	}
	require.NoError(t, server.AwaitFunctions(t.Context(), slugs...))
	return a, server
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Inngest-Sdk", "go:v0.0.0")
	w.Header().Set("X-Inngest-Req-Version", "2")
	w.Header().Set("Content-Type", "application/json")
	var err error
	switch r.Method {
	case http.MethodPut:
		err = a.register(r)
	case http.MethodPost:
		err = a.call(w, r)
	}
	if err != nil {
		a.t.Errorf("%s %s: %v", r.Method, r.URL, err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// register announces the functions, as an SDK does when the server asks.
func (a *app) register(r *http.Request) error {
	functions := make([]map[string]any, len(a.functions))
	for i, f := range a.functions {
		slug := appName + "-" + f.id
		trigger := map[string]any{"event": f.event}
		if f.condition != "" {
			trigger["expression"] = f.condition
		}
		functions[i] = map[string]any{
			"id": slug, "name": slug, "triggers": []any{trigger},
			"steps": map[string]any{"step": map[string]any{
				"id": "step", "name": "step", "retries": map[string]any{"attempts": 0},
				"runtime": map[string]any{"type": "http", "url": a.http.URL + "?fnId=" + slug + "&stepId=step"},
			}},
		}
	}
	body, err := json.Marshal(map[string]any{
		"v": "1", "url": a.http.URL, "deployType": "ping", "sdk": "go:v0.0.0", "framework": "test",
		"appName": appName, "functions": functions,
	})
	if err != nil {
		return err
	}
	var api string
	select {
	case api = <-a.api:
		a.api <- api
	case <-r.Context().Done():
		return r.Context().Err()
	}
	response, err := a.http.Client().Post(api+"/fn/register", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if answer, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server refuses the functions with status %d: %s", response.StatusCode, answer)
	}
	return nil
}

// call runs a function.
func (a *app) call(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Event struct {
			Data struct {
				Function string `json:"function_id"`
			} `json:"data"`
		} `json:"event"`
		Steps map[string]any `json:"steps"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return err
	}
	f := a.find(strings.TrimPrefix(r.URL.Query().Get("fnId"), appName+"-"))
	if f.id == failures {
		a.record(outcome{strings.TrimPrefix(body.Event.Data.Function, appName+"-"), failed})
	}
	a.record(outcome{f.id, started})
	if f.wait == nil || len(body.Steps) > 0 {
		if f.wait != nil {
			a.record(outcome{f.id, resumed})
		}
		_, err := io.WriteString(w, "null")
		return err
	}
	w.WriteHeader(http.StatusPartialContent)
	return json.NewEncoder(w).Encode([]any{map[string]any{
		"op": "WaitForEvent", "id": strings.Repeat("a", 40), "name": "wait", "displayName": "wait",
		"opts": map[string]any{"event": f.wait.event, "if": f.wait.condition, "timeout": "1h"},
	}})
}

func (a *app) find(id string) function {
	for _, f := range a.functions {
		if f.id == id {
			return f
		}
	}
	return function{}
}

func (a *app) record(o outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.seen[o] {
		a.seen[o] = true
		close(a.changed)
		a.changed = make(chan struct{})
	}
}

// has reports whether an outcome was seen. changed is closed when there are more.
func (a *app) has(o outcome) (seen bool, changed <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen[o], a.changed
}
