package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/testhooks"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// start is the virtual time at which tests begin.
var start = time.Date(2026, time.March, 1, 9, 0, 0, 0, time.UTC)

// A world is an engine with what its observer has seen.
type world struct {
	*Engine

	t     *testing.T
	call  func(ctx context.Context, c *Call) (context.Context, func(*adapter.Response))
	mu    sync.Mutex
	rows  []string
	fault []string
}

// newWorld returns an engine that begins at start, and fails the test if it reports a fault
// that the test does not take.
func newWorld(t *testing.T, cfg Config) *world {
	t.Helper()
	w := &world{t: t}
	if cfg.Version == "" {
		cfg.Version = version.Newest
	}
	if cfg.Start.IsZero() {
		cfg.Start = start
	}
	cfg.Observer = w
	w.Engine = New(cfg)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("timeline:\n" + strings.Join(w.rows, "\n"))
		}
		require.Empty(t, w.fault)
	})
	return w
}

func (w *world) Call(ctx context.Context, c *Call) (context.Context, func(*adapter.Response)) {
	if w.call != nil {
		return w.call(ctx, c)
	}
	return ctx, func(*adapter.Response) {}
}

func (w *world) Row(r Row) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rows = append(w.rows, fmt.Sprintf("%s call %d step %q %d/%d %s",
		r.Time.Sub(start), r.Call, r.Step, r.Attempt, r.MaxAttempts, r.Text))
}

func (w *world) Fault(_ *Run, text string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = append(w.fault, fmt.Sprintf(text, args...))
}

// faults returns the faults so far and forgets them.
func (w *world) faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	faults := w.fault
	w.fault = nil
	return faults
}

// newFunction returns a function of an app that do serves.
func newFunction(do func(context.Context, *adapter.Request) *adapter.Response, retries int) *Function {
	return &Function{
		Slug: "shop-fn", ID: "7e2c9a30-0000-4000-8000-000000000001", Name: "fn",
		App: &App{ID: "shop", Do: do}, MaxAttempts: retries + 1, limiters: &limiters{},
	}
}

// newEvent returns an event as ingest makes it.
func (w *world) newEvent(data string) *Event {
	now := w.Now()
	id := w.ulid(now)
	encoded := fmt.Appendf(nil, `{"data":%s,"id":%q,"name":"shop/test","ts":%d,"user":{}}`, data, id, now.UnixMilli())
	ev := &Event{InternalID: id, ID: id, Name: "shop/test", Data: json.RawMessage(data), Encoded: encoded, Received: now}
	require.NoError(w.t, json.Unmarshal(encoded, &ev.Decoded))
	return ev
}

// begin starts a run of fn.
func (w *world) begin(fn *Function, data ...string) *Run {
	w.t.Helper()
	if len(data) == 0 {
		data = []string{`{}`}
	}
	run := &Run{ID: w.ulid(w.Now()), Function: fn, Status: Queued, Queued: w.Now()}
	for _, d := range data {
		run.Events = append(run.Events, w.newEvent(d))
	}
	w.Locked(func() { w.start(run, w.clock.now()) })
	return run
}

// finish lets time pass until nothing more happens.
func (w *world) finish() {
	w.t.Helper()
	for range 100_000 {
		if !w.Advance(w.t.Context()) {
			return
		}
	}
	require.Fail(w.t, "the engine does not come to rest")
}

// A received is what a scripted app receives.
type received struct {
	target  string
	raw     string
	Context struct {
		Attempt     int    `json:"attempt"`
		MaxAttempts int    `json:"max_attempts"`
		Plan        bool   `json:"disable_immediate_execution"`
		RunID       string `json:"run_id"`
		UseAPI      bool   `json:"use_api"`
		QueueItem   string `json:"qi_id"`
		Stack       struct {
			Stack   []string `json:"stack"`
			Current int      `json:"current"`
		} `json:"stack"`
	} `json:"ctx"`
	Event   json.RawMessage            `json:"event"`
	Events  []json.RawMessage          `json:"events"`
	Steps   map[string]json.RawMessage `json:"steps"`
	Version int                        `json:"version"`
}

// A script is an app whose responses a test writes.
type script struct {
	t       *testing.T
	respond func(r *received) *adapter.Response
	mu      sync.Mutex
	seen    []*received
}

func (s *script) do(_ context.Context, req *adapter.Request) *adapter.Response {
	body, err := io.ReadAll(req.Body)
	require.NoError(s.t, err)
	if len(body) < 1<<16 { // canonical is slow
		sorted, err := canonical(body)
		require.NoError(s.t, err)
		require.Equal(s.t, string(sorted), string(body), "the body is canonical")
	}
	r := &received{raw: string(body)}
	require.NoError(s.t, json.Unmarshal(body, r))
	_, r.target, _ = strings.Cut(req.RawQuery, "stepId=")
	s.mu.Lock()
	s.seen = append(s.seen, r)
	s.mu.Unlock()
	return s.respond(r)
}

// calls describes the calls so far: the target, the attempt, and whether steps are planned.
func (s *script) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]string, 0, len(s.seen))
	for _, r := range s.seen {
		text := fmt.Sprintf("%s/%d", r.target, r.Context.Attempt)
		if r.Context.Plan {
			text += " plan"
		}
		calls = append(calls, text)
	}
	return calls
}

// runScript runs a function of a scripted app to its end.
func runScript(t *testing.T, cfg Config, respond func(r *received) *adapter.Response) (*world, *Run, *script) {
	t.Helper()
	w := newWorld(t, cfg)
	s := &script{t: t, respond: respond}
	run := w.begin(newFunction(s.do, 3))
	w.finish()
	return w, run, s
}

// response returns a response of an SDK.
func response(status int, body string, header ...string) *adapter.Response {
	h := http.Header{"X-Inngest-Sdk": {"go:v0.16.0"}, "X-Inngest-Req-Version": {"2"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &adapter.Response{Status: status, Header: h, Body: []byte(body)}
}

func ops(body string, header ...string) *adapter.Response { return response(206, body, header...) }

// newApp returns a function of an app that was made with core, as the engine sees it.
func (w *world) newApp(fn inngestkit.Function, retries int) *Function {
	w.t.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(w.t, err)
	require.NoError(w.t, app.Register(fn))
	w.call = func(ctx context.Context, _ *Call) (context.Context, func(*adapter.Response)) {
		return testhooks.NewContext(ctx, &testhooks.Hooks{RoundTrip: w.RoundTrip}), func(*adapter.Response) {}
	}
	out := newFunction(app.Do, retries)
	out.Slug = "shop-" + fn.ID()
	return out
}
