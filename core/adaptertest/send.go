package adaptertest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// from: behind the adapter's Middleware, handlers find the app.
func from(t *testing.T, a Adapter) {
	i := start(t, a, setup{})
	got := i.do(t, i.request(t, http.MethodGet, FromPath, nil))
	equal(t, "the status", got.status, http.StatusOK)
	equal(t, "the ID of the app", got.body, appID)
}

// send: handlers send events, and what their clients see of a failure is a fitting
// status.
func send(t *testing.T, a Adapter) {
	for _, c := range []struct {
		name   string
		path   string
		answer string // of the event API
		header string // its Retry-After, of which so much makes Send give up at once
		api    int
		status int
	}{
		{"sent", SendPath, `{"ids":["e1"]}`, "", http.StatusOK, http.StatusOK},
		{"too many", SendPath, `{"error":"slow down"}`, "3600", http.StatusTooManyRequests, http.StatusServiceUnavailable},
		{"unavailable", SendPath, `{}`, "3600", http.StatusServiceUnavailable, http.StatusServiceUnavailable},
		{"failed", SendPath, `oops`, "3600", http.StatusInternalServerError, http.StatusBadGateway},
		{"no Inngest", SendPath, `<html>`, "", http.StatusOK, http.StatusBadGateway},
		{"refused", SendPath, `{"error":"bad event"}`, "", http.StatusBadRequest, http.StatusInternalServerError},
		{"wrong key", SendPath, `{"error":"Event key not found"}`, "", http.StatusUnauthorized, http.StatusInternalServerError},
		{"without the Middleware", BareSendPath, `{"ids":["e1"]}`, "", http.StatusOK, http.StatusInternalServerError},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := sendOnce(t, a, c.path, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.URL.Path != "/e/"+eventKey || !strings.Contains(string(body), `"id":"sent"`) {
					http.Error(w, "this is not what was to be sent", http.StatusTeapot)
					return
				}
				if c.header != "" {
					w.Header().Set("Retry-After", c.header)
				}
				w.WriteHeader(c.api)
				_, _ = io.WriteString(w, c.answer)
			})
			equal(t, "the status", got.status, c.status)
			if c.status == http.StatusOK {
				var ids []string
				must(t, "the answer", json.Unmarshal([]byte(got.body), &ids))
				equal(t, "the IDs", ids, []string{"e1"})
				return
			}
			sendFailed(t, c.path, c.api, got, err)
		})
	}
}

// sendOnce asks the server to send an event, and returns the error that its handler
// got.
func sendOnce(tb testing.TB, a Adapter, path string, events http.HandlerFunc) (answer, error) {
	tb.Helper()
	failures := make(chan error, 1)
	i := start(tb, a, setup{events: events, failed: func(err error) { failures <- err }})
	got := i.do(tb, i.request(tb, http.MethodPost, path, nil))
	select {
	case err := <-failures:
		return got, err
	default:
		return got, nil
	}
}

// sendFailed makes sure that the handler learns what has happened, and its client no
// secret.
func sendFailed(tb testing.TB, path string, api int, got answer, err error) {
	tb.Helper()
	if err == nil {
		tb.Fatal("Send has returned no error, or the handler has not given it to Failed")
	}
	var failed *inngestkit.SendError
	switch isSendError := errors.As(err, &failed); {
	case path == BareSendPath:
		equal(tb, "the error names the Middleware", strings.Contains(err.Error(), "install the Middleware"), true)
	case !isSendError:
		tb.Fatalf("the error is %v, which has no *inngestkit.SendError in it", err)
	default:
		equal(tb, "the status in the error", failed.Status, api)
	}
	for _, shown := range []string{got.body, got.String(), err.Error()} {
		equal(tb, "the event key is shown", strings.Contains(shown, eventKey), false)
	}
	equal(tb, "the failure looks like an answer of the SDK", got.bySDK(), false)
}
