package inngesttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/testhooks"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
)

// loop plays as much of the server as the checks of determinism need: it calls one function
// until it ends, with the results so far. Waits time out, and retries follow at once.
type loop struct {
	t        *testing.T
	app      *inngestkit.App
	checks   *determinism
	reports  []string
	function string

	mu      sync.Mutex
	results map[string]json.RawMessage
	calls   int
}

func newLoop(t *testing.T, f inngestkit.Function) *loop {
	t.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: "test", Dev: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, app.Shutdown(context.Background())) })
	require.NoError(t, app.Register(f))
	l := &loop{t: t, app: app, function: "test-" + f.ID()}
	l.checks = newDeterminism(func(_ *engine.Run, text string) { l.reports = append(l.reports, text) })
	return l
}

// run takes a run to its end, and returns how the function ended. It stops early after a
// report, because a run whose step IDs change never ends.
func (l *loop) run(id string, data any) *adapter.Response {
	l.results, l.calls = map[string]json.RawMessage{}, 0
	encoded, err := json.Marshal(data)
	require.NoError(l.t, err)
	target, attempt, pending := "", 0, []string(nil)
	for l.calls < 200 {
		if len(l.reports) > 0 && l.calls > 20 {
			return nil
		}
		resp := l.call(id, encoded, target, attempt)
		failed := resp.Status != http.StatusOK && resp.Status != http.StatusPartialContent
		if resp.Status == http.StatusOK || failed && (resp.Header.Get("X-Inngest-No-Retry") == "true" || attempt == 4) {
			return resp
		}
		planned, again := l.take(resp)
		if failed || again {
			attempt++
			continue
		}
		pending = append(pending, planned...)
		target, attempt = "", 0
		if len(pending) > 0 {
			target, pending = pending[0], pending[1:]
		}
	}
	require.Fail(l.t, "the run does not end")
	return nil
}

// take stores what the steps of a response have ended with. It returns the steps to run, and
// whether one has failed and is tried again.
func (l *loop) take(resp *adapter.Response) (planned []string, again bool) {
	if resp.Status != http.StatusPartialContent {
		return nil, false
	}
	var ops []struct {
		ID, Op string
		Data   json.RawMessage
		Error  json.RawMessage
	}
	require.NoError(l.t, json.Unmarshal(resp.Body, &ops))
	for _, op := range ops {
		switch op.Op {
		case "StepPlanned":
			planned = append(planned, op.ID)
		case "StepError":
			again = true
		case "StepFailed":
			l.results[op.ID] = json.RawMessage(fmt.Sprintf(`{"error":%s}`, op.Error))
		case "StepRun", "InvokeFunction":
			l.results[op.ID] = json.RawMessage(fmt.Sprintf(`{"data":%s}`, orNull(op.Data)))
		default:
			l.results[op.ID] = json.RawMessage("null")
		}
	}
	return planned, again
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// call makes one call, with the checks.
func (l *loop) call(id string, data json.RawMessage, target string, attempt int) *adapter.Response {
	l.calls++
	results, err := json.Marshal(l.results)
	require.NoError(l.t, err)
	c := &engine.Call{
		Run: &engine.Run{ID: id, Function: &engine.Function{Slug: l.function}}, Number: l.calls, Target: target,
		Do: func(ctx context.Context, plan bool) *adapter.Response {
			body := fmt.Sprintf(`{"ctx":{"run_id":%q,"attempt":%d,"max_attempts":5,"disable_immediate_execution":%t,"fn_id":"6a1e4d3b-4d2c-4f0e-9a55-0c6a2c5d1f10",`+
				`"stack":{"stack":[],"current":0}},"event":{"name":"e","data":%s},"events":[{"name":"e","data":%[4]s}],"steps":%[5]s}`,
				id, attempt, plan, data, results)
			step := target
			if step == "" || plan {
				step = "step"
			}
			return l.app.Do(ctx, &adapter.Request{
				Method: http.MethodPost, Scheme: "http", Host: "localhost", Path: "/api/inngest",
				RawQuery: "fnId=" + l.function + "&stepId=" + step, Header: http.Header{},
				Body: bytes.NewReader([]byte(body)), ContentLength: int64(len(body)),
			})
		},
	}
	ctx := testhooks.NewContext(l.t.Context(), &testhooks.Hooks{RoundTrip: l.roundTrip})
	ctx, done := l.checks.call(ctx, c)
	resp := c.Do(ctx, false)
	done(resp)
	return resp
}

// roundTrip takes checkpoints and events.
func (l *loop) roundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, "/v1/checkpoint/") {
		return pretendSent(r)
	}
	var body struct {
		Steps []struct {
			ID   string
			Data json.RawMessage
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range body.Steps {
		l.results[s.ID] = json.RawMessage(fmt.Sprintf(`{"data":%s}`, orNull(s.Data)))
	}
	return jsonResponse(r, http.StatusOK, []byte("{}")), nil
}
