package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
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

// scriptsOf are the functions that a version can run: in v1.12.1, one crashes the
// server and two never end; v1.43.0 has a text of its own for responses that are not an
// SDK's.
func scriptsOf(v version.Version) map[string]func(r *received) *adapter.Response {
	all := maps.Clone(scripts)
	if v == version.Oldest {
		delete(all, "retry-200")
		delete(all, "too-long") // it sleeps
		delete(all, "206-text") // it is as if there was no operation
	} else {
		delete(all, "proxy-502")
	}
	return all
}

// outcomes is what became of a run.
type outcomes struct {
	Status string
	Output string
	Calls  []string
	Events []string
}

// onEngine runs all functions on the engine.
func onEngine(t *testing.T, v version.Version) map[string]outcomes {
	t.Helper()
	w := newWorld(t, Config{Version: v, RetryInterval: time.Second})
	a := &twin{t: t, scripts: scriptsOf(v), url: "http://" + appHost + appPath, calls: map[string][]string{}, ends: map[string][]string{}}
	require.NoError(t, w.AddApp(t.Context(), &App{ID: "twin", Do: func(_ context.Context, req *adapter.Request) *adapter.Response {
		if req.Method == http.MethodPut {
			body, err := json.Marshal(map[string]any{"app_id": "twin", "functions": a.functions()})
			require.NoError(t, err)
			return response(http.StatusOK, string(body))
		}
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		query, err := url.ParseQuery(req.RawQuery)
		require.NoError(t, err)
		return a.respond(query, body)
	}}))
	for id := range a.scripts {
		_, err := w.Send([]json.RawMessage{fmt.Appendf(nil, `{"name":"twin/%s","data":{"n":1.0}}`, id)}, "")
		require.NoError(t, err)
	}
	w.finish()
	all := map[string]outcomes{}
	for _, run := range w.Runs() {
		if id := run.Function.Name; id != watcher {
			all[id] = a.outcomes(id, string(run.Status), run.Output)
		}
	}
	w.faults()
	return all
}

// onServer runs all functions on a real server.
func onServer(t *testing.T, v version.Version) map[string]outcomes {
	t.Helper()
	a := &twin{t: t, scripts: scriptsOf(v), calls: map[string][]string{}, ends: map[string][]string{}}
	api := make(chan string, 1)
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if r.Method == http.MethodPut {
			a.register(r.Context(), <-api)
			return
		}
		resp := a.respond(r.URL.Query(), body)
		maps.Copy(rw.Header(), resp.Header)
		rw.WriteHeader(resp.Status)
		_, _ = rw.Write(resp.Body)
	}))
	t.Cleanup(site.Close)
	a.url = site.URL + "/api/inngest"
	server := devserver.New(t, devserver.Config{Version: string(v), RetryInterval: time.Second, AppURLs: []string{a.url}})
	api <- server.URL()
	close(api)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	slugs := []string{"twin-" + watcher}
	for id := range a.scripts {
		slugs = append(slugs, "twin-"+id)
	}
	require.NoError(t, server.AwaitFunctions(ctx, slugs...))
	events := map[string]string{}
	for id := range a.scripts {
		event, err := server.Send(ctx, "twin/"+id, map[string]any{"n": 1.0})
		require.NoError(t, err)
		events[id] = event
	}
	all := map[string]outcomes{}
	for id, event := range events {
		var run devserver.Run
		for ctx.Err() == nil && !run.Ended() {
			runs, err := server.AwaitRuns(ctx, event, 1)
			if err != nil {
				t.Logf("%s: %v", id, err)
				break
			}
			run = runs[0]
		}
		require.NoError(t, a.awaitEnd(ctx, id, run.Status), id)
		all[id] = a.outcomes(id, string(run.Status), run.Output)
	}
	return all
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

// Functions have the same calls, outcomes and events on the engine and on the real servers.
func TestAgainstServers(t *testing.T) {
	t.Parallel()
	for _, v := range []version.Version{version.Newest, version.Oldest} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			server, virtual := onServer(t, v), onEngine(t, v)
			for id := range scriptsOf(v) {
				if !strings.HasPrefix(id, "target") {
					t.Run(id, func(t *testing.T) { require.Equal(t, server[id], virtual[id]) })
				}
			}
		})
	}
}

// scripts are the functions, by ID.
var scripts = map[string]func(r *received) *adapter.Response{
	"object":         always(200, `{"b":1.0,"a":"<"}`),
	"array":          always(200, `[1, 2]`),
	"nothing":        always(200, ``),
	"text":           always(200, `hello`),
	"object-text":    always(200, `"{\"a\": 1}"`),
	"array-text":     always(200, `"[1]"`),
	"equal-keys":     always(200, `{"a":1,"a":2}`),
	"null":           always(200, `null`),
	"no-retry-200":   always(200, `{"message":"m"}`, noRetry, "true"),
	"retry-200":      always(200, `{"message":"m"}`, retryAfter, "1"),
	"500":            always(500, `{"name":"N","message":"m","stack":"s"}`),
	"500-text":       always(500, `oops`),
	"500-nothing":    always(500, ``),
	"500-string":     always(500, `"oops"`),
	"500-cause":      always(500, `{"name":"N","message":"m","cause":{"name":"C","message":"c"}}`),
	"400":            always(400, `{"message":"m"}`),
	"400-no-retry":   always(400, `{"message":"m"}`, noRetry, "true"),
	"nested":         always(500, `{"error":{"name":"N","message":"m"}}`, noRetry, "true"),
	"nested-text":    always(500, `{"error":"{\"name\":\"N\",\"message\":\"m\"}"}`, noRetry, "true"),
	"body":           always(500, `{"body":{"name":"N","message":"m"}}`, noRetry, "true"),
	"proxy-200":      always(200, `"hi"`, sdk, ""),
	"proxy-206":      always(206, `[]`, sdk, ""),
	"proxy-502":      always(502, `bad`, sdk, ""),
	"206-broken":     always(206, `{`),
	"206-text":       always(206, `"x"`),
	"206-unknown":    always(206, `[{"op":"Dance","id":"a"}]`),
	"206-empty":      always(206, ``),
	"step":           first(`[{"op":"StepRun","id":"a","data":{"n":1.0,"m":616581622363398142}}]`),
	"step-null":      first(`[{"op":"StepRun","id":"a"}]`),
	"step-old":       first(`[{"op":"Step","id":"a","data":{"data":7}}]`),
	"step-single":    first(`{"op":"StepRun","id":"a","data":1}`),
	"step-html":      first(`[{"op":"StepRun","id":"a","data":"<&>é\u2028"}]`),
	"step-failed":    first(`[{"op":"StepFailed","id":"a","error":{"name":"N","message":"m","extra":1,"cause":{"name":"c"}}}]`),
	"step-no-retry":  first(`[{"op":"StepError","id":"a","error":{"name":"N","message":"m"}}]`, noRetry, "true"),
	"step-error":     first(`[{"op":"StepError","id":"a","error":{"name":"N","message":"m","stack":"s","data":{"b":1,"a":2}}}]`),
	"sleep":          first(`[{"op":"Sleep","id":"a","opts":{"duration":"1s"}}]`),
	"sleep-zero":     first(`[{"op":"Sleep","id":"a","opts":{"duration":"0s"}}]`),
	"sleep-past":     first(`[{"op":"Sleep","id":"a","opts":{"duration":"2020-03-02T09:00:00Z"}}]`),
	"planned":        first(`[{"op":"StepPlanned","id":"a"}]`),
	"two-planned":    first(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`),
	"plan-and-sleep": first(`[{"op":"StepPlanned","id":"a"},{"op":"Sleep","id":"z","opts":{"duration":"6s"}}]`),
	"three-sleeps": func(r *received) *adapter.Response {
		var left []string
		for i, id := range []string{"a", "b", "c"} {
			if _, ok := r.Steps[id]; !ok {
				left = append(left, fmt.Sprintf(`{"op":"Sleep","id":%q,"opts":{"duration":"%ds"}}`, id, i+1))
			}
		}
		if len(left) == 0 {
			return response(200, `1`)
		}
		return ops("[" + strings.Join(left, ",") + "]")
	},
	"planned-500": func(r *received) *adapter.Response {
		if r.target == "a" {
			return response(500, `{"message":"m"}`)
		}
		return ops(`[{"op":"StepPlanned","id":"a"}]`)
	},
	"fails-after-step": func(r *received) *adapter.Response {
		if len(s0(r)) == 0 {
			return ops(`[{"op":"StepRun","id":"a"}]`)
		}
		return response(500, `{"message":"m"}`)
	},
	"after-parallel": func(r *received) *adapter.Response {
		switch done := s0(r); {
		case r.target != anyStep:
			return stepOf(r)
		case len(done) == 0:
			return ops(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`)
		case len(done) == 2 && r.Context.Plan:
			return ops(`[{"op":"StepPlanned","id":"c"}]`)
		case len(done) == 2:
			return ops(`[{"op":"StepRun","id":"c","data":"c"}]`)
		}
		return response(200, `1`)
	},
	"parallel-failures": func(r *received) *adapter.Response {
		switch {
		case r.target == "a":
			return ops(`[{"op":"StepError","id":"a","error":{"name":"N","message":"m"}}]`)
		case r.target == "b":
			return ops(`[{"op":"StepFailed","id":"b","error":{"name":"N","message":"m"}}]`)
		case len(s0(r)) == 0:
			return ops(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`)
		}
		return response(200, `1`)
	},
	"wait":           first(`[{"op":"WaitForEvent","id":"a","opts":{"event":"twin/never","timeout":"1s"}}]`),
	"wait-broken":    first(`[{"op":"WaitForEvent","id":"a","opts":{"event":"twin/never","timeout":"1s","if":"event.data. =="}}]`),
	"signal":         first(`[{"op":"WaitForSignal","id":"a","opts":{"signal":"never","timeout":"1s"}}]`),
	"invoke":         first(`[{"op":"InvokeFunction","id":"a","opts":{"function_id":"twin-target","payload":{"data":{"x":1}},"timeout":"1h"}}]`),
	"invoke-failing": first(`[{"op":"InvokeFunction","id":"a","opts":{"function_id":"twin-target-failing","payload":{},"timeout":"1h"}}]`),
	"invoke-slow":    first(`[{"op":"InvokeFunction","id":"a","opts":{"function_id":"twin-target-slow","payload":{"data":{}},"timeout":"1s"}}]`),
	"invoke-nobody":  first(`[{"op":"InvokeFunction","id":"a","opts":{"function_id":"twin-nobody","payload":{"data":{}},"timeout":"1h"}}]`),
	// Others invoke these, at any time.
	"target":         always(200, `{"a":1}`),
	"target-failing": always(400, `{"message":"m"}`, noRetry, "true"),
	"target-slow":    first(`[{"op":"Sleep","id":"a","opts":{"duration":"5s"}}]`),
	"three-waits": func(r *received) *adapter.Response {
		if len(s0(r)) == 3 {
			return response(200, `1`)
		}
		return ops(`[{"op":"WaitForEvent","id":"a","opts":{"event":"twin/never","timeout":"1s"}},` +
			`{"op":"WaitForEvent","id":"b","opts":{"event":"twin/never","timeout":"3s"}},{"op":"WaitForSignal","id":"c","opts":{"signal":"neither","timeout":"2s"}}]`)
	},
	"wait-and-plan": first(`[{"op":"WaitForEvent","id":"w","opts":{"event":"twin/never","timeout":"6s"}},{"op":"StepPlanned","id":"a"}]`),
	"sleep-after-parallel": func(r *received) *adapter.Response {
		switch done := s0(r); {
		case r.target != anyStep:
			return stepOf(r)
		case len(done) == 0:
			return ops(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`)
		case len(done) == 2:
			return ops(`[{"op":"Sleep","id":"z","opts":{"duration":"1s"}}]`)
		case len(done) == 3:
			return ops(`[{"op":"StepPlanned","id":"d"},{"op":"Sleep","id":"y","opts":{"duration":"6s"}}]`)
		}
		return response(200, `1`)
	},
	"too-long": first(`[{"op":"Sleep","id":"a","opts":{"duration":"8785h"}}]`),
}

// always responds to every call alike.
func always(status int, body string, header ...string) func(*received) *adapter.Response {
	return func(*received) *adapter.Response { return response(status, body, header...) }
}

// first responds with operations until a step has a result. Calls for a step run it.
func first(body string, header ...string) func(*received) *adapter.Response {
	return func(r *received) *adapter.Response {
		switch {
		case r.target != anyStep:
			return stepOf(r)
		case len(s0(r)) == 0:
			return ops(body, header...)
		}
		return response(200, `{"done":true}`)
	}
}
