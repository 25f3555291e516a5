package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// The body of a call, byte for byte.
func TestBody(t *testing.T) {
	t.Parallel()
	for _, v := range []version.Version{version.Newest, version.Oldest} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			_, run, s := runScript(t, Config{Version: v}, func(r *received) *adapter.Response {
				if len(s0(r)) == 0 {
					return ops(`[{"op":"StepRun","id":"b","data":{"y":1,"x":"<é>"}}]`)
				}
				return response(200, `1`)
			})
			last := s.seen[1].raw
			event := fmt.Sprintf(`{"data":{},"id":%q,"name":"shop/test","ts":1772355600000,"user":{}}`, run.Events[0].ID)
			more, defers := "", ""
			if v == version.Newest {
				more, defers = fmt.Sprintf(`,"generation_id":1,"job_id":"%s-2"`, run.ID), `"defers":{},`
			}
			require.True(t, strings.HasPrefix(last, `{"ctx":{"attempt":0,"disable_immediate_execution":false,"env":"",`+
				`"fn_id":"7e2c9a30-0000-4000-8000-000000000001"`+more+`,"max_attempts":4,`), last)
			require.True(t, strings.HasSuffix(last, `"run_id":"`+run.ID+`","stack":{"current":1,"stack":["b"]},"step_id":"step","use_api":false},`+
				defers+`"event":`+event+`,"events":[`+event+`],"steps":{"b":{"data":{"x":"<é>","y":1}}},"use_api":false,"version":2}`), last)
			require.Equal(t, -1, s.seen[0].Version)
		})
	}
}

// A call whose state is too large has no steps, and no events if these are too large too.
func TestUseAPI(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		event  int
		stored int // bytes of steps
		useAPI bool
		events int
	}{
		{"below the limit", 10, 4<<20 - 1024, false, 1},
		{"steps", 10, 4<<20 - 1023, true, 1},
		{"event and its copy", 2<<20 + 100, 0, true, 0},
		{"event alone", 1 << 20, 0, false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{})
			s := &script{t: t}
			s.respond = func(r *received) *adapter.Response {
				if len(s0(r)) == 0 {
					w.Locked(func() {
						if run := w.active[r.Context.RunID]; test.stored > 0 {
							run.size = test.stored - len(`{"data":"x"}`)
						}
					})
					return ops(`[{"op":"StepRun","id":"a","data":"x"}]`)
				}
				require.Equal(t, test.useAPI, r.Context.UseAPI)
				require.Len(t, r.Events, test.events)
				require.NotEmpty(t, r.Event)
				w.Locked(func() {
					events, ok := w.batchOf(r.Context.RunID)
					require.True(t, ok)
					require.Equal(t, "["+string(r.Event)+"]", string(events))
					steps, ok := w.actionsOf(r.Context.RunID)
					require.True(t, ok)
					require.JSONEq(t, `{"a":{"data":"x"}}`, string(steps))
				})
				if test.useAPI {
					require.Empty(t, r.Steps)
				} else {
					require.Len(t, r.Steps, 1)
				}
				return response(200, `1`)
			}
			run := w.begin(newFunction(s.do, 3), `{"pad":"`+strings.Repeat("x", test.event)+`"}`)
			w.finish()
			require.Equal(t, Completed, run.Status)
			_, known := w.batchOf(run.ID)
			require.False(t, known)
		})
	}
}

// What the server responds to checkpoints.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 4<<20)
	for _, test := range []struct {
		name    string
		version version.Version
		body    string
		status  int
		steps   int
	}{
		{"two steps", "", `{"steps":[{"op":"StepRun","id":"a","data":1},{"op":"StepRun","id":"b","data":2}]}`, 200, 2},
		{"again", "", `{"steps":[{"op":"StepRun","id":"a","data":1},{"op":"StepRun","id":"a","data":2}]}`, 200, 1},
		{"nothing", "", `{"steps":[]}`, 200, 0},
		{"sleep", "", `{"steps":[{"op":"StepRun","id":"a"},{"op":"Sleep","id":"b"}]}`, 400, 0},
		{"not JSON", "", `{`, 400, 0},
		{"too large", "", `{"steps":[{"op":"StepRun","id":"a","data":1},{"op":"StepRun","id":"b","data":"` + large + `"}]}`, 413, 1},
		{"v1.12.1", version.Oldest, `{"steps":[{"op":"StepRun","id":"a","data":1}]}`, 404, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{NoJitter: true, Version: test.version})
			s := &script{t: t}
			s.respond = func(r *received) *adapter.Response {
				if r.Context.Attempt == 0 {
					w.Locked(func() {
						status, _ := w.checkpoint(r.Context.RunID, []byte(test.body))
						require.Equal(t, test.status, status)
						status, _ = w.checkpoint("nobody", []byte(test.body))
						require.GreaterOrEqual(t, status, 400)
					})
					return response(500, `{}`)
				}
				require.Len(t, r.Steps, test.steps)
				return response(200, string(r.Steps["a"]))
			}
			run := w.begin(newFunction(s.do, 3))
			w.finish()
			require.Equal(t, Completed, run.Status)
			require.Equal(t, []string{"step/0", "step/1"}, s.calls(), "a checkpoint does not give the attempts back")
		})
	}
}

// Requests that the server makes for step.Fetch and step.Infer.
func TestGateway(t *testing.T) {
	t.Parallel()
	const fetch = `{"op":"Gateway","id":"a","opts":{"url":"http://x.invalid/p","method":"PUT","headers":{"k":"v"},"body":"hi"}}`
	const infer = `{"op":"AIGateway","id":"a","opts":{"url":"http://x.invalid/p","format":"anthropic","auth_key":"s","body":{"q":1}}}`
	refused := errors.New("refused")
	for _, test := range []struct {
		name   string
		op     string
		status int
		body   string
		err    error
		stored string
		calls  int
	}{
		{"fetch", fetch, 200, `ok`, nil, `{"data":{"body":"ok","headers":{"X":"1,2"},"status_code":200,"url":"http://x.invalid/p"}}`, 2},
		{"fetch 500", fetch, 500, `no`, nil, `{"data":{"body":"no","headers":{"X":"1,2"},"status_code":500,"url":"http://x.invalid/p"}}`, 2},
		{"fetch fails", fetch, 0, ``, refused, `{"error":{"message":"Error making gateway request: refused","name":"GatewayError"}}`, 5},
		{"infer", infer, 200, `{"b":1,"a":2}`, nil, `{"data":{"a":2,"b":1}}`, 2},
		{"infer 429", infer, 429, `{"e":1}`, nil, `{"error":{"data":{"e":1},"message":"Error making AI request: unsuccessful status code: 429","name":"AIGatewayError","stack":"{\"e\":1}"}}`, 5},
		{"infer 500 without a body", infer, 500, ``, nil, `{"error":{"data":{"error":"Error making AI request"},"message":"Error making AI request: unsuccessful status code: 500","name":"AIGatewayError","stack":"{\"error\":\"Error making AI request\"}"}}`, 5},
		{"infer 500 with text", infer, 500, `no`, nil, `{"error":null}`, 5},
		{"infer fails", infer, 0, ``, refused, `{"error":{"data":{"error":"Error making AI request"},"message":"Error making AI request: refused","name":"AIGatewayError","stack":"{\"error\":\"Error making AI request\"}"}}`, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			gateway := func(g *GatewayRequest) (*http.Response, error) {
				body, err := io.ReadAll(g.Request.Body)
				require.NoError(t, err)
				require.Equal(t, "a", g.Step.Key)
				if test.op == fetch {
					require.Equal(t, `PUT "hi" v`, fmt.Sprint(g.Request.Method, " ", string(body), " ", g.Request.Header.Get("K")))
				} else {
					require.Equal(t, `POST {"q":1} s`, fmt.Sprint(g.Request.Method, " ", string(body), " ", g.Request.Header.Get("X-Api-Key")))
				}
				return &http.Response{
					StatusCode: test.status, Header: http.Header{"X": {"1", "2"}}, Body: io.NopCloser(strings.NewReader(test.body)),
				}, test.err
			}
			_, run, s := runScript(t, Config{Gateway: gateway}, func(r *received) *adapter.Response {
				if len(s0(r)) == 0 {
					return ops("[" + test.op + "]")
				}
				return response(200, `1`)
			})
			require.Equal(t, Completed, run.Status)
			require.Equal(t, test.stored, string(run.Steps[0].Result))
			require.Len(t, s.calls(), test.calls)
		})
	}
}

// A request that nothing answers is a fault of the test.
func TestGatewayUnanswered(t *testing.T) {
	t.Parallel()
	w, _, _ := runScript(t, Config{}, func(r *received) *adapter.Response {
		if len(s0(r)) == 0 {
			return ops(`[{"op":"Gateway","id":"a","name":"call","opts":{"url":"http://x.invalid/p"}}]`)
		}
		return response(200, `1`)
	})
	require.Contains(t, w.faults()[0], `step "call" requests http://x.invalid/p, which nothing answers`)
}

// A call is signed with the app's key, as a server does.
func TestSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	fn := newFunction(func(_ context.Context, req *adapter.Request) *adapter.Response {
		require.Regexp(t, `^t=\d+&s=[0-9a-f]{64}$`, req.Header.Get("X-Inngest-Signature"))
		return response(200, `1`)
	}, 0)
	fn.App.SigningKey = "signkey-test-00112233445566778899aabbccddeeff"
	run := w.begin(fn)
	w.finish()
	require.Equal(t, Completed, run.Status)
}

// Equal engines make equal IDs, which ascend.
func TestIDs(t *testing.T) {
	t.Parallel()
	a, b, c := New(Config{Seed: 1}), New(Config{Seed: 1}), New(Config{Seed: 2})
	first, second := a.ulid(start), a.ulid(start)
	require.Equal(t, first, b.ulid(start))
	require.NotEqual(t, first, c.ulid(start))
	require.Less(t, first, second)
	require.Less(t, second, a.ulid(start.Add(1e6)))
}
