package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

const runID = "01J0000000000000000000000"

// stateAPI serves the state of a run.
func stateAPI(t *testing.T, events, steps string) *api {
	t.Helper()
	return newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		switch r.URL.Path {
		case "/v0/runs/" + runID + "/batch":
			_, _ = io.WriteString(w, events)
		case "/v0/runs/" + runID + "/actions":
			_, _ = io.WriteString(w, steps)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

// largeRun returns a call without its state, in which the steps of the stack have run.
func largeRun(stack ...string) envelope {
	e := signUpEnvelope(user{ID: "from the call"})
	e.UseAPI, e.Events = true, nil
	e.Context["use_api"] = true
	hashes := make([]string, len(stack))
	for i, id := range stack {
		hashes[i] = hashed(id)
	}
	e.Context["stack"] = map[string]any{"stack": hashes, "current": len(stack)}
	return e
}

// stepped returns a function whose output describes its input. It adds 1 to ran per call and
// 100 per execution of its step.
func stepped(ran *int) inngestkit.Function {
	return onSignUp(func(ctx context.Context, in input) (string, error) {
		*ran++
		a, err := step.Run(ctx, "a", func(context.Context) (string, error) { *ran += 100; return "ran again", nil })
		return fmt.Sprintf("%s %d %s", in.Event.Data.ID, len(in.Events), a), err
	})
}

// Guard for hazard 2.
func TestStateThatTheServerLeftOutIsFetched(t *testing.T) {
	t.Parallel()
	event := `{"name":"user/signed-up","data":{"id":"from the API"}}`
	steps := `{"` + hashed("a") + `":{"data":"kept"}}`
	for _, tc := range []struct{ name, events, steps, want string }{
		{"one event", " [" + event + "]\n", steps, `"from the API 1 kept"`},
		{"several events", "[" + event + "," + strings.Replace(event, "API", "batch", 1) + "]", steps, `"from the API 2 kept"`},
		{"more steps than the call knows", "[" + event + "]", strings.Replace(steps, "{", `{"other":{"data":1},`, 1), `"from the API 1 kept"`},
		{"a step that failed", "[" + event + "]", strings.Replace(steps, `"data"`, `"error":null,"data"`, 1), `"from the API 1 kept"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := stateAPI(t, tc.events, tc.steps)
			ran := 0
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, Env: "branch"}, stepped(&ran))
			resp := callFn(t.Context(), t, app, largeRun("a"))
			require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
			require.Equal(t, tc.want, string(resp.Body))
			require.Equal(t, 1, ran)
			requests, _ := server.seen()
			require.Len(t, requests, 2)
			for _, r := range requests {
				require.Equal(t, http.MethodGet, r.Method)
				require.Empty(t, r.Header.Get("Authorization"))
				require.Equal(t, "branch", r.Header.Get("X-Inngest-Env"))
				require.Equal(t, "go:v0.16.0", r.Header.Get("X-Inngest-Sdk"))
			}
		})
	}
	t.Run("use_api in one place only", func(t *testing.T) {
		t.Parallel()
		for _, where := range []string{"body", "ctx"} {
			server := stateAPI(t, "["+event+"]", steps)
			ran := 0
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, stepped(&ran))
			e := largeRun("a")
			e.UseAPI, e.Context["use_api"] = where == "body", where == "ctx"
			require.Equal(t, `"from the API 1 kept"`, string(callFn(t.Context(), t, app, e).Body), where)
		}
	})
}

func TestFetchingTheStateIsAuthorized(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		var keys []string
		server := newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
			key := r.Header.Get("Authorization")
			keys = append(keys, key)
			switch {
			case key == keys[0]:
				w.WriteHeader(status)
			case strings.HasSuffix(r.URL.Path, "/batch"):
				_, _ = io.WriteString(w, `[{"data":{"id":"u1"}}]`)
			default:
				_, _ = io.WriteString(w, `{"`+hashed("a")+`":{"data":"kept"}}`)
			}
		})
		config := cloud
		config.BaseURL = server.URL
		ran := 0
		app, l := newAppWith(t, config, stepped(&ran))
		req := callRequest(t, largeRun("a"))
		withHeader(req, "X-Inngest-Signature", sign(t, signingKey, largeRun("a").json(t), time.Now()))
		resp := app.Do(t.Context(), req)
		require.Equal(t, `"u1 1 kept"`, string(resp.Body))
		require.Len(t, keys, 4, "the first key and its fallback, for events and steps")
		for _, key := range keys {
			require.Regexp(t, `^Bearer signkey-test-[0-9a-f]{64}$`, key)
			require.NotContains(t, l.String(), key[len("Bearer "):])
		}
		require.NotEqual(t, keys[0], keys[1])
	}
}

// Without the complete state nothing runs, and the server retries.
func TestStateThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	good := `[{"data":{"id":"u1"}}]`
	handler := func(events, steps func(w http.ResponseWriter)) func(w http.ResponseWriter, r *http.Request, _ int) {
		return func(w http.ResponseWriter, r *http.Request, _ int) {
			if strings.HasSuffix(r.URL.Path, "/batch") {
				events(w)
			} else {
				steps(w)
			}
		}
	}
	says := func(status int, body string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	huge := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "67108865")
		_, _ = io.WriteString(w, "[")
	}
	for _, tc := range []struct {
		name          string
		events, steps func(w http.ResponseWriter)
		message       string
		requests      int
	}{
		{"no such run", says(404, `{"error":"no run"}`), nil, "fetching the run's state from http://127.0.0.1:", 1},
		{"gone", says(200, good), says(410, `{"error":"runtime state is no longer available"}`),
			": the server responded with 410 Gone: runtime state is no longer available", 2},
		{"not allowed", says(401, "Authentication failed\n"), nil, "401 Unauthorized: Authentication failed; check SigningKey (INNGEST_SIGNING_KEY)", 1},
		{"down", says(200, good), says(503, "<html>"), "the steps: the server responded with 503", 5},
		{"not JSON", says(200, good), says(200, "<html>"), "did not come from an Inngest server", 2},
		{"half of it", says(200, good[:10]), nil, "did not come from an Inngest server", 1},
		{"too large", huge, nil, "the response has more than 67108864 bytes", 1},
		{"no events", says(200, `[]`), says(200, `{}`), "the events are not a JSON array of objects", 2},
		{"null events", says(200, `null`), says(200, `{}`), "the events are not a JSON array of objects", 2},
		{"events by number", says(200, `{"0":{}}`), says(200, `{}`), "the events are not a JSON array of objects", 2},
		{"an event that is a number", says(200, `[5]`), says(200, `{}`), "the events are not a JSON array of objects", 2},
		{"steps in a list", says(200, good), says(200, `[]`), "the steps are not a JSON object", 2},
		{"without a step that has run", says(200, good), says(200, `{}`), "the result of step " + hashed("a") + " is missing", 2},
		{"null steps", says(200, good), says(200, `null`), "is missing", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, handler(tc.events, tc.steps))
			ran := 0
			app, l := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, stepped(&ran))
			resp := callFn(t.Context(), t, app, largeRun("a"))
			require.Equal(t, http.StatusInternalServerError, resp.Status)
			require.Equal(t, "false", resp.Header.Get("X-Inngest-No-Retry"))
			require.Contains(t, message(t, resp), tc.message)
			require.Contains(t, l.String(), "request refused")
			require.Zero(t, ran)
			requests, _ := server.seen()
			require.Len(t, requests, tc.requests)
		})
	}
}

func TestStateIsFetchedAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fakeClient(func(r *http.Request, n int) (*http.Response, error) {
			switch {
			case n == 1:
				return nil, errors.New("connection reset")
			case n == 2:
				return response(http.StatusServiceUnavailable, "", http.Header{"Retry-After": {"3"}}), nil
			case strings.HasSuffix(r.URL.Path, "/batch"):
				return response(http.StatusOK, `[{"data":{"id":"u1"}}]`, nil), nil
			default:
				return response(http.StatusOK, `{"`+hashed("a")+`":{"data":"kept"}}`, nil), nil
			}
		})
		ran := 0
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client}, stepped(&ran))
		require.Equal(t, `"u1 1 kept"`, string(callFn(t.Context(), t, app, largeRun("a")).Body))
	})
}

func TestFetchingTheStateEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		timeout time.Duration // how long the server waits; 0 means forever
		message string
		within  time.Duration
	}{
		{"when the caller hangs up", time.Second, "context deadline exceeded", time.Second},
		{"before the caller hangs up", 0, "no response within 30s", time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := fakeClient(func(r *http.Request, _ int) (*http.Response, error) { return hanging(0, r) })
				ran := 0
				app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client}, stepped(&ran))
				ctx := t.Context()
				if tc.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.timeout)
					defer cancel()
				}
				start := time.Now()
				resp := callFn(ctx, t, app, largeRun("a"))
				require.Equal(t, http.StatusInternalServerError, resp.Status)
				require.Contains(t, message(t, resp), tc.message)
				require.LessOrEqual(t, time.Since(start), tc.within)
				require.Zero(t, ran)
			})
		})
	}
}

// Run IDs come from the body of the call and become part of a URL.
func TestRunIDsDoNotChangeTheURL(t *testing.T) {
	t.Parallel()
	for _, id := range []any{"", "..", "a/b", "a%2fb", "a?x", "a#x", "é", strings.Repeat("x", 65)} {
		server := stateAPI(t, "[]", "{}")
		ran := 0
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, stepped(&ran))
		e := largeRun()
		e.Context["run_id"] = id
		resp := callFn(t.Context(), t, app, e)
		require.Equal(t, http.StatusInternalServerError, resp.Status)
		require.Contains(t, message(t, resp), "no valid run ID")
		requests, _ := server.seen()
		require.Empty(t, requests)
		require.Zero(t, ran)
	}
}

// A shutdown does not wait 30 s for the state of a run.
func TestStateDuringAShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: fakeClient(
			func(r *http.Request, _ int) (*http.Response, error) { return hanging(0, r) })}, stepped(new(int)))
		e := largeRun("a")
		time.AfterFunc(time.Second, func() { _ = app.Shutdown(context.WithoutCancel(t.Context())) })
		start := time.Now()
		resp := callFn(t.Context(), t, app, e)
		require.Equal(t, http.StatusInternalServerError, resp.Status)
		require.Contains(t, message(t, resp), "no response within 5s of the app's shutdown")
		require.Equal(t, 6*time.Second, time.Since(start))
	})
}
