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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

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
