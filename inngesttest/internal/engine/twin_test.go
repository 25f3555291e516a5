package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// A twin is an app whose responses are scripted, for a real server and for the engine. It
// records what it receives.
type twin struct {
	t       *testing.T
	url     string
	scripts map[string]func(r *received) *adapter.Response
	mu      sync.Mutex
	// calls are the bodies of the calls of each function, without what differs each time.
	calls map[string][]string
	// ends are the events that the server has sent about each function.
	ends map[string][]string
}

// watcher is the ID of the function that receives the server's own events.
const watcher = "watcher"

// functions is the configuration of all functions.
func (a *twin) functions() []map[string]any {
	configure := func(id string, events ...string) map[string]any {
		triggers := make([]any, len(events))
		for i, name := range events {
			triggers[i] = map[string]any{"event": name}
		}
		return map[string]any{
			"id": "twin-" + id, "name": id, "triggers": triggers,
			"steps": map[string]any{"step": map[string]any{
				"id": "step", "name": "step", "retries": map[string]any{"attempts": 1},
				"runtime": map[string]any{"type": "http", "url": a.url + "?fnId=twin-" + id + "&stepId=step"},
			}},
		}
	}
	all := []map[string]any{configure(watcher, functionFinished, functionFailed)}
	for id := range a.scripts {
		all = append(all, configure(id, "twin/"+id))
	}
	return all
}

// respond returns the response to a call.
func (a *twin) respond(query url.Values, body []byte) *adapter.Response {
	id := strings.TrimPrefix(query.Get("fnId"), "twin-")
	r := &received{raw: string(body), target: query.Get("stepId")}
	if err := json.Unmarshal(body, r); err != nil {
		return response(http.StatusBadRequest, err.Error())
	}
	if id == watcher {
		a.watch(r)
		return response(http.StatusOK, `null`)
	}
	call := r.target
	if call == anyStep {
		call += " " + normal(body)
	} else { // whether the server calls a parallel step before another has ended is by chance
		call += fmt.Sprint(r.Context.Attempt, r.Context.Plan)
	}
	a.mu.Lock()
	a.calls[id] = append(a.calls[id], call)
	a.mu.Unlock()
	return a.scripts[id](r)
}

// watch records an event of the server.
func (a *twin) watch(r *received) {
	var event struct {
		Name string                     `json:"name"`
		Data map[string]json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(r.Event, &event); err != nil {
		a.t.Error(err)
		return
	}
	var slug string
	_ = json.Unmarshal(event.Data["function_id"], &slug)
	id := strings.TrimPrefix(slug, "twin-")
	data, err := json.Marshal(event.Data)
	if err != nil {
		a.t.Error(err)
		return
	}
	a.mu.Lock()
	a.ends[id] = append(a.ends[id], event.Name+" "+normal(data))
	a.mu.Unlock()
}

// differing are the fields whose values differ each time.
var differing = []string{"run_id", "fn_id", "ts", "request_id", "job_id", "qi_id", "id", "generation_id", "correlation_id", "expire"}

// normal returns JSON without what differs each time.
func normal(data []byte) string {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err.Error()
	}
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				strip(e)
			}
		case map[string]any:
			if stack, ok := v["stack"].([]any); ok { // the server has no order of parallel steps
				slices.SortFunc(stack, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
				if len(stack) > 1 {
					v["current"] = "…"
				}
			}
			if _, invoked := v["source_fn_id"]; invoked { // the server's traces
				clear(v)
			}
			for key, e := range v {
				if slices.Contains(differing, key) {
					v[key] = "…"
					continue
				}
				strip(e)
			}
		}
	}
	strip(v)
	out, err := canonicalOf(v)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// outcomes is what became of a run.
type outcomes struct {
	Status string
	Output string
	Calls  []string
	Events []string
}

// awaitEnd waits for the events about the end of a run.
func (a *twin) awaitEnd(ctx context.Context, id string, status devserver.RunStatus) error {
	want := 1
	if status == devserver.RunFailed {
		want = 2
	}
	for {
		a.mu.Lock()
		seen := len(a.ends[id])
		a.mu.Unlock()
		if seen >= want {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// register announces the functions to a server.
func (a *twin) register(ctx context.Context, api string) {
	if api == "" {
		return
	}
	body, err := json.Marshal(map[string]any{
		"v": "1", "url": a.url, "deployType": "ping", "sdk": "go:v0.16.0", "framework": "twin", "appName": "twin", "functions": a.functions(),
	})
	if err != nil {
		a.t.Error(err)
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/fn/register", strings.NewReader(string(body)))
	if err != nil {
		a.t.Error(err)
		return
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		a.t.Error(err)
		return
	}
	_ = resp.Body.Close()
}

func (a *twin) outcomes(id, status string, output json.RawMessage) outcomes {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls, ends := slices.Clone(a.calls[id]), slices.Clone(a.ends[id])
	slices.Sort(calls) // the server has no order of parallel steps
	slices.Sort(ends)
	return outcomes{status, normal(output), calls, ends}
}
