package inngesttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// Targets ranges over what tests can run on, by name: the virtual engine, and the real server
// in both supported versions. The same test body runs on each:
//
//	for name, target := range inngesttest.Targets {
//		t.Run(name, func(t *testing.T) {
//			env := target(t)
//			…
//		})
//	}
func Targets(yield func(name string, target func(tb testing.TB) *Env) bool) {
	_ = yield("virtual", func(tb testing.TB) *Env {
		tb.Helper()
		return Virtual(tb, RetryInterval(time.Second)).Env
	}) && yield(OldestVersion, func(tb testing.TB) *Env {
		tb.Helper()
		return Real(tb, Version(OldestVersion))
	}) && yield(NewestVersion, func(tb testing.TB) *Env {
		tb.Helper()
		return Real(tb, Version(NewestVersion))
	})
}

// Real returns an environment on a real Inngest server of its own, which starts in a fraction of
// a second and ends with the test: tests that shared one would start each other's functions with
// their events. Package devserver has more of the server.
func Real(tb testing.TB, options ...RealOption) *Env {
	tb.Helper()
	if inBubble() {
		tb.Fatal("inngesttest: Real cannot run in a bubble of testing/synctest, as the server is another process; use Virtual")
	}
	config, err := newRealConfig(options)
	if err != nil {
		tb.Fatal("inngesttest: " + err.Error())
	}
	server := devserver.New(tb, devserver.Config{
		Version: config.version, RetryInterval: config.retryInterval, Tick: 20 * time.Millisecond,
	})
	env := newEnv(tb)
	r := &realServer{
		env: env, tb: tb, server: server, apps: map[string]adapter.Handler{}, records: map[string]*record{},
		transport: &http.Transport{},
	}
	r.site = httptest.NewServer(http.HandlerFunc(r.handle))
	env.backend = r
	tb.Cleanup(func() {
		if tb.Failed() {
			env.show()
		}
		r.site.Close()
		r.transport.CloseIdleConnections()
	})
	return env
}

// realServer is the backend of Real.
type realServer struct {
	env       *Env
	tb        testing.TB
	server    *devserver.Server
	site      *httptest.Server // serves the apps
	transport *http.Transport

	mu       sync.Mutex
	apps     map[string]adapter.Handler
	slugs    []string
	records  map[string]*record // by run ID
	inFlight int
	active   time.Time // when an app was called last, or sent last
}

func (r *realServer) describe() string {
	return fmt.Sprintf("real server %s at %s", r.server.Version(), r.server.URL())
}

// query is the context of requests of the kit to the server, which cleanups make, too.
func (r *realServer) query() context.Context { return context.WithoutCancel(r.tb.Context()) }

// roundTrip sends a request of an app to the server, whatever server the app is configured for.
func (r *realServer) roundTrip(req *http.Request) (*http.Response, error) {
	r.touch(0)
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	target, err := req.URL.Parse(r.server.URL())
	if err != nil {
		return nil, err
	}
	req.URL.Scheme, req.URL.Host, req.Host = target.Scheme, target.Host, target.Host
	resp, err := r.transport.RoundTrip(req)
	if !sendsEvents(req) {
		return resp, err
	}
	return recordSent(&r.env.log, body, time.Now(), resp, err)
}

// touch notes that something happens, and how many more calls are in flight.
func (r *realServer) touch(calls int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight += calls
	r.active = time.Now()
}

func (r *realServer) serve(app *inngestkit.App, do adapter.Handler) error {
	if !app.Dev() {
		return fmt.Errorf("the app %s is in cloud mode, but the real server of tests is a dev server: set Dev in its Config",
			app.ID())
	}
	r.mu.Lock()
	r.apps["/"+app.ID()] = do
	r.mu.Unlock()
	host := r.site.Listener.Addr().String()
	resp := app.Do(r.env.context(), syncRequest("out_of_band", host, "/"+app.ID()))
	if resp.Status != http.StatusOK {
		return fmt.Errorf("the app %s cannot be registered: %s", app.ID(), resp.Body)
	}
	slugs := make([]string, len(app.FunctionIDs()))
	for i, id := range app.FunctionIDs() {
		slugs[i] = app.ID() + "-" + id
	}
	r.mu.Lock()
	for _, slug := range slugs {
		if !slices.Contains(r.slugs, slug) {
			r.slugs = append(r.slugs, slug)
		}
	}
	r.mu.Unlock()
	return r.server.AwaitFunctions(r.tb.Context(), slugs...)
}

func (r *realServer) functions() ([]function, error) {
	all, err := r.server.Functions(r.query())
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var functions []function
	for _, f := range all {
		for path := range r.apps {
			if app := path[1:]; len(f.Slug) > len(app) && f.Slug[:len(app)+1] == app+"-" {
				functions = append(functions, function{slug: f.Slug, app: app, triggers: triggersOf(f.Config)})
			}
		}
	}
	return functions, nil
}

// triggersOf returns the triggers in the server's configuration of a function.
func triggersOf(config json.RawMessage) []trigger {
	var decoded struct {
		Triggers []trigger `json:"triggers"`
	}
	_ = json.Unmarshal(config, &decoded) // without triggers, Start invokes the function
	return decoded.Triggers
}

// quiet is how long nothing has happened when nothing more happens: the server looks at most of
// its queues several times in that time.
const quiet = 500 * time.Millisecond

func (r *realServer) settle() {
	for r.tb.Context().Err() == nil {
		r.mu.Lock()
		wait := quiet - time.Since(r.active)
		if r.inFlight > 0 {
			wait = quiet
		}
		r.mu.Unlock()
		if wait <= 0 {
			return
		}
		time.Sleep(wait)
	}
}

// beforeDeadline is how long before the deadline of the test waiting ends, so that the test can
// still report what is missing.
const beforeDeadline = 10 * time.Second

func (r *realServer) await(done func() bool) error {
	ctx := r.tb.Context()
	if t, ok := r.tb.(interface{ Deadline() (time.Time, bool) }); ok {
		if deadline, ok := t.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-beforeDeadline))
			defer cancel()
		}
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the test has nearly reached its deadline: %w", context.Cause(ctx))
		case <-r.server.Done():
			return errors.New("the server has ended")
		case <-tick.C:
		}
	}
	return nil
}

// invoke implements backend. The server does not return the event of the invocation, so the
// run is the next one of the function.
func (r *realServer) invoke(slug string, data json.RawMessage) (func() handle, error) {
	before, err := r.server.RunsOf(r.query(), slug)
	if err != nil {
		return nil, err
	}
	var result struct {
		OK bool `json:"invokeFunction"`
	}
	const mutation = `mutation ($slug: String!, $data: Map) { invokeFunction(functionSlug: $slug, data: $data) }`
	variables := map[string]any{"slug": slug, "data": data}
	if err := r.server.GraphQL(r.query(), mutation, variables, &result); err != nil {
		return nil, err
	}
	r.touch(0)
	return func() handle {
		runs, err := r.server.RunsOf(r.query(), slug)
		if err != nil || len(runs) <= len(before) {
			return nil
		}
		return r.handleOf(runs[len(before)])
	}, nil
}

func (r *realServer) find(slug, eventID string) handle {
	runs, err := r.server.Runs(r.query(), eventID)
	if err != nil {
		return nil
	}
	for _, run := range runs {
		if run.Function == slug {
			return r.handleOf(run)
		}
	}
	return nil
}

func (r *realServer) runs(slug string) ([]handle, error) {
	r.mu.Lock()
	slugs := slices.Clone(r.slugs)
	r.mu.Unlock()
	if slug != "" {
		slugs = []string{slug}
	}
	var all []devserver.Run
	for _, slug := range slugs {
		runs, err := r.server.RunsOf(r.query(), slug)
		if err != nil {
			return nil, err
		}
		all = append(all, runs...)
	}
	slices.SortStableFunc(all, func(a, b devserver.Run) int { return a.StartedAt.Compare(b.StartedAt) })
	handles := make([]handle, len(all))
	for i, run := range all {
		handles[i] = r.handleOf(run)
	}
	return handles, nil
}

func (r *realServer) decisions() string { return "" }
