package adaptertest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
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

// send: handlers send events. On failure the adapter's Send returns the framework's
// error, with the right status, and clients see only that.
func send(t *testing.T, a Adapter) {
	for _, c := range []struct {
		name     string
		path     string
		response string // of the event API
		header   string // its Retry-After; after 3600 seconds Send does not retry
		api      int
		status   int
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
					http.Error(w, "this is not the event of the site", http.StatusTeapot)
					return
				}
				if c.header != "" {
					w.Header().Set("Retry-After", c.header)
				}
				w.WriteHeader(c.api)
				_, _ = io.WriteString(w, c.response)
			})
			equal(t, "the status", got.status, c.status)
			if c.status == http.StatusOK {
				var ids []string
				must(t, "the response", json.Unmarshal([]byte(got.body), &ids))
				equal(t, "the IDs", ids, []string{"e1"})
				return
			}
			equal(t, "the status in the error", a.StatusOf(err), c.status)
			sendFailed(t, c.path, c.api, got, err)
			givesNothingAway(t, got, c.response)
		})
	}
}

// sendOnce calls the route that sends an event, and returns the response and the error
// of Send.
func sendOnce(tb testing.TB, a Adapter, path string, events http.HandlerFunc) (response, error) {
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

// sendFailed fails the test unless the error names the cause, and neither it nor the
// response contains a secret.
func sendFailed(tb testing.TB, path string, api int, got response, err error) {
	tb.Helper()
	if err == nil {
		tb.Fatal("Send has returned no error, or the handler has not passed it to Failed")
	}
	var failed *inngestkit.SendError
	switch isSendError := errors.As(err, &failed); {
	case path == BareSendPath:
		equal(tb, "the error or its cause names the Middleware", says(err, "install the Middleware"), true)
	case !isSendError:
		tb.Fatalf("the error is %v, which has no *inngestkit.SendError in it", err)
	default:
		equal(tb, "the server's status in the error", failed.Status, api)
	}
	equal(tb, "the client sees the event key", strings.Contains(got.String(), eventKey), false)
	equal(tb, "the error contains the event key", says(err, eventKey), false)
	equal(tb, "the failure looks like a response of the SDK", got.bySDK(), false)
}

// says reports whether the text of err, or of an error that it wraps, contains part.
func says(err error, part string) bool {
	if strings.Contains(err.Error(), part) {
		return true
	}
	switch err := err.(type) { //nolint:errorlint // each error of the tree is looked at
	case interface{ Unwrap() error }:
		return err.Unwrap() != nil && says(err.Unwrap(), part)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(err.Unwrap(), func(wrapped error) bool { return says(wrapped, part) })
	default:
		return false
	}
}

// givesNothingAway fails the test if the client sees more of a failure than its status:
// neither the response of the server nor the text of the app's error.
func givesNothingAway(tb testing.TB, got response, fromServer string) {
	tb.Helper()
	var explained struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal([]byte(fromServer), &explained)
	for _, secret := range []string{explained.Error, "inngestkit", "server responded", "server answered"} {
		if secret != "" && strings.Contains(got.body, secret) {
			tb.Fatalf("the client sees %s, which gives %q away", got, secret)
		}
	}
}
