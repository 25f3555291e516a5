package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

func accepted(w http.ResponseWriter, ids ...string) {
	_, _ = fmt.Fprintf(w, `{"ids":["%s"],"status":200}`, strings.Join(ids, `","`))
}

func TestSend(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "id1", "id2") })
	config := cloud
	config.EventAPIBaseURL, config.Env = server.URL, "branch"
	app, _ := newAppWith(t, config)
	other := inngestkit.DefineEvent[map[string]int64]("other").New(map[string]int64{"n": 1<<53 + 1})
	ids, err := app.Send(t.Context(), signedUp.New(user{ID: "u1"}), other)
	require.NoError(t, err)
	require.Equal(t, []string{"id1", "id2"}, ids)
	requests, bodies := server.seen()
	require.Equal(t, "/e/an-event-key", requests[0].URL.Path)
	require.Equal(t, "branch", requests[0].Header.Get("X-Inngest-Env"))
	require.Regexp(t, `^\d{13},[A-Za-z0-9+/]{14}==$`, requests[0].Header.Get("X-Inngest-Event-Id-Seed"))
	require.JSONEq(t, `[{"name":"user/signed-up","data":{"id":"u1"}},{"name":"other","data":{"n":9007199254740993}}]`, bodies[0])
	require.Contains(t, bodies[0], "9007199254740993")

	ids, err = app.Send(t.Context())
	require.NoError(t, err)
	require.Empty(t, ids)
}

// Guard for hazard 11.
func TestSendRetriesWithOneSeed(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		switch n {
		case 1:
			w.WriteHeader(http.StatusBadGateway)
		case 2:
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			accepted(w, "id1")
		}
	})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	ids, err := app.Send(t.Context(), signedUp.New(user{}))
	require.NoError(t, err)
	require.Equal(t, []string{"id1"}, ids)
	requests, bodies := server.seen()
	require.Len(t, requests, 3)
	for i := range requests {
		require.Equal(t, requests[0].Header.Get("X-Inngest-Event-Id-Seed"), requests[i].Header.Get("X-Inngest-Event-Id-Seed"))
		require.Equal(t, bodies[0], bodies[i])
	}
}

// fakeClient responds in memory, which lets synctest move the clock.
func fakeClient(answer func(r *http.Request, n int) (*http.Response, error)) *http.Client {
	var n atomic.Int64
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return answer(r, int(n.Add(1)))
	})}
}

func response(status int, body string, header http.Header) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func TestSendWaitsAsLongAsTheServerSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fakeClient(func(_ *http.Request, n int) (*http.Response, error) {
			if n == 1 {
				return response(http.StatusTooManyRequests, "", http.Header{"Retry-After": {"7"}}), nil
			}
			return response(http.StatusOK, `{"ids":["id1"]}`, nil), nil
		})
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client})
		start := time.Now()
		_, err := app.Send(t.Context(), signedUp.New(user{}))
		require.NoError(t, err)
		require.Equal(t, 7*time.Second, time.Since(start))
	})
}

// Send gives up at once if the server requests a wait of an hour.
func TestSendDoesNotWaitForAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fakeClient(func(*http.Request, int) (*http.Response, error) {
			return response(http.StatusTooManyRequests, "", http.Header{"Retry-After": {"3600"}}), nil
		})
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client})
		start := time.Now()
		_, err := app.Send(t.Context(), signedUp.New(user{}))
		require.ErrorContains(t, err, "429 Too Many Requests")
		require.LessOrEqual(t, time.Since(start), 30*time.Second)
	})
}

func TestSendGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		client := fakeClient(func(_ *http.Request, n int) (*http.Response, error) {
			attempts = n
			return response(http.StatusServiceUnavailable, `{"error":"overloaded"}`, nil), nil
		})
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client})
		start := time.Now()
		_, err := app.Send(t.Context(), signedUp.New(user{}))
		var sendErr *inngestkit.SendError
		require.ErrorAs(t, err, &sendErr)
		require.Equal(t, http.StatusServiceUnavailable, sendErr.Status)
		require.ErrorContains(t, err, "503 Service Unavailable: overloaded")
		require.Less(t, time.Since(start), 40*time.Second)
		require.Greater(t, attempts, 5)
	})
}

// Errors of net/http contain the URL, which ends with the event key.
func TestSendDoesNotShowTheEventKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := cloud
		config.HTTPClient = fakeClient(func(*http.Request, int) (*http.Response, error) { return nil, errors.New("no network") })
		app, _ := newAppWith(t, config)
		_, err := app.Send(t.Context(), signedUp.New(user{}))
		require.ErrorContains(t, err, "no network")
		require.NotContains(t, err.Error(), "an-event-key")
	})
}

func TestSendStopsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fakeClient(func(*http.Request, int) (*http.Response, error) { return nil, errors.New("no network") })
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := app.Send(ctx, signedUp.New(user{}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(start), time.Second)
	})
}

func TestSendRefusalsAreNotRetried(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status  int
		message string
	}{
		{http.StatusBadRequest, "400 Bad Request: why"},
		{http.StatusUnauthorized, "check EventKey (INNGEST_EVENT_KEY)"},
		{http.StatusRequestEntityTooLarge, "413"},
	} {
		t.Run(strconv.Itoa(tc.status), func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, `{"error":"why"}`)
			})
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
			_, err := app.Send(t.Context(), signedUp.New(user{}))
			require.ErrorContains(t, err, tc.message)
			requests, _ := server.seen()
			require.Len(t, requests, 1)
		})
	}
}

func TestSendRefusesBadEvents(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	for name, event := range map[string]inngestkit.AnyEvent{
		"nil":            nil,
		"no name":        inngestkit.DefineEvent[user]("").New(user{}),
		"nil pointer":    (*inngestkit.Event[user])(nil),
		"data no object": inngestkit.DefineEvent[int]("e").New(1),
		"reserved":       inngestkit.DefineEvent[user]("Inngest/function.failed").New(user{}),
		"long name":      inngestkit.DefineEvent[user](strings.Repeat("e", 256)).New(user{}),
		"seconds":        inngestkit.Event[user]{Name: "e", Timestamp: 1700000000},
		"far future":     inngestkit.Event[user]{Name: "e", Timestamp: 5000000000000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := app.Send(t.Context(), signedUp.New(user{}), event)
			require.ErrorContains(t, err, "inngestkit: send: event 1: ")
		})
	}
	unencodable := inngestkit.DefineEvent[map[string]any]("e").New(map[string]any{"f": func() {}})
	_, err := app.Send(t.Context(), unencodable)
	require.ErrorContains(t, err, "event 0: it cannot be encoded")
}

// The server accepts the events before the one that it refuses.
func TestSendReportsWhichEventsWereSent(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"ids":["e1"],"status":400,"error":"why"}`)
	})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	ids, err := app.Send(t.Context(), signedUp.New(user{}), signedUp.New(user{}))
	require.Equal(t, []string{"e1"}, ids)
	var sendErr *inngestkit.SendError
	require.ErrorAs(t, err, &sendErr)
	require.Equal(t, []string{"e1"}, sendErr.IDs)
	require.ErrorContains(t, err, "not sent, except the first 1: the server responded with 400 Bad Request: why")
}

func TestSendReportsWhyItWasStillRetrying(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fakeClient(func(*http.Request, int) (*http.Response, error) {
			return response(http.StatusServiceUnavailable, `{"error":"overloaded"}`, nil), nil
		})
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("no time left"))
		defer cancel()
		_, err := app.Send(ctx, signedUp.New(user{}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "503 Service Unavailable: overloaded: context deadline exceeded: no time left")
	})
}

// The error keeps the last response if the context ends during a later request.
func TestSendReportsTheLastResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fakeClient(func(r *http.Request, n int) (*http.Response, error) {
			if n == 1 {
				return response(http.StatusServiceUnavailable, `{"error":"overloaded"}`, nil), nil
			}
			return hanging(n, r)
		})
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := app.Send(ctx, signedUp.New(user{}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "503 Service Unavailable: overloaded: context deadline exceeded")
	})
}

func TestSendNeedsAnEventKeyInCloudMode(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, inngestkit.Config{SigningKey: signingKey})
	_, err := app.Send(t.Context(), signedUp.New(user{}))
	require.ErrorContains(t, err, "EventKey (INNGEST_EVENT_KEY) is missing")
}

func TestSendEventStep(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "id1", "id2") })
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(
		func(ctx context.Context, in input) ([]string, error) {
			return step.SendEvent(ctx, "send", signedUp.New(in.Event.Data), signedUp.New(user{ID: "u2"}))
		}))
	op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{ID: "u1"})))[0]
	require.Equal(t, "StepRun", op["op"])
	require.Equal(t, []any{"id1", "id2"}, op["data"])
	_, bodies := server.seen()
	require.JSONEq(t, `[{"name":"user/signed-up","data":{"id":"u1"}},{"name":"user/signed-up","data":{"id":"u2"}}]`, bodies[0])

	_, err := step.SendEvent(t.Context(), "send", signedUp.New(user{}))
	require.ErrorContains(t, err, "the context has no app")
}
