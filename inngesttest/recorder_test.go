package inngesttest_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest"
)

type account struct {
	Email string `json:"email"`
}

var (
	accountMade   = inngestkit.DefineEvent[account]("account/made")
	accountClosed = inngestkit.DefineEvent[account]("account/closed")
)

// What an app sends is recorded with its types, without a network.
func TestRecorder(t *testing.T) {
	t.Parallel()
	rec := inngesttest.NewRecorder(t)
	rec.RequireNothing()
	ids, err := rec.App().Send(t.Context(), accountMade.New(account{"a@x"}), accountClosed.New(account{"b@x"}), accountMade.New(account{"c@x"}))
	require.NoError(t, err)
	require.Len(t, ids, 3)
	require.Equal(t, "a@x", inngesttest.RequireEvents(rec, accountMade, 2)[0].Data.Email)
	require.Equal(t, "b@x", inngesttest.EventsOf(rec, accountClosed)[0].Data.Email)
	require.Len(t, rec.Events(), 3)
	require.NoError(t, rec.App().SendSignal(t.Context(), "approval", account{"d@x"}))
	require.Equal(t, []inngesttest.SentSignal{{Name: "approval", Data: []byte(`{"email":"d@x"}`)}}, rec.Signals())
	rec.Clear()
	rec.RequireNothing()
}

// An app that was built elsewhere, code with only a context, and the SDK's own client send to
// the recorder, too.
func TestRecorderWithoutItsApp(t *testing.T) {
	t.Parallel()
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", BaseURL: "http://server.invalid", EventKey: "key",
		SigningKey: "signkey-test-0123456789abcdef0123456789abcdef", Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, app.Shutdown(t.Context())) }()
	rec := inngesttest.NewRecorder(t)
	_, err = app.Send(rec.Context(t.Context()), accountMade.New(account{"a@x"}))
	require.NoError(t, err)
	_, err = inngestkit.Send(rec.Context(t.Context()), accountMade.New(account{"b@x"}))
	require.NoError(t, err)
	_, err = inngestkit.Send(rec.Context(inngestkit.NewContext(t.Context(), app)), accountMade.New(account{"c@x"}))
	require.NoError(t, err)
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "sdk", Dev: new(true), HTTPClient: rec.Client()})
	require.NoError(t, err)
	_, err = client.Send(t.Context(), accountMade.New(account{"d@x"}))
	require.NoError(t, err)
	var emails []string
	for _, e := range inngesttest.RequireEvents(rec, accountMade, 4) {
		emails = append(emails, e.Data.Email)
	}
	require.Equal(t, []string{"a@x", "b@x", "c@x", "d@x"}, emails)
}

// The middleware of the app sees what it sends, as in production.
func TestRecorderMiddleware(t *testing.T) {
	t.Parallel()
	rec := inngesttest.NewRecorder(t, inngestkit.Config{AppID: "shop", Dev: true})
	require.Equal(t, "shop", rec.App().ID())
	rec.App().Use(inngestkit.Middleware{Send: func(next inngestkit.SendHandler) inngestkit.SendHandler {
		return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
			events[0].Data = []byte(`{"email":"hidden"}`)
			return next(ctx, events)
		}
	}})
	_, err := rec.App().Send(t.Context(), accountMade.New(account{"a@x"}))
	require.NoError(t, err)
	require.Equal(t, "hidden", inngesttest.RequireEvents(rec, accountMade, 1)[0].Data.Email)
}

// Statuses that the app does not retry fail a send at once; nothing is recorded.
func TestRecorderFails(t *testing.T) {
	t.Parallel()
	rec := inngesttest.NewRecorder(t)
	rec.FailNext(1, http.StatusUnauthorized)
	_, err := rec.App().Send(t.Context(), accountMade.New(account{"a@x"}))
	failed, ok := errors.AsType[*inngestkit.SendError](err)
	require.True(t, ok)
	require.Equal(t, http.StatusUnauthorized, failed.Status)
	rec.FailNext(1, http.StatusNotFound)
	require.ErrorIs(t, rec.App().SendSignal(t.Context(), "approval", 1), inngestkit.ErrNoSignalWaiter)
	rec.RequireNothing()
	_, err = rec.App().Send(t.Context(), accountMade.New(account{"a@x"}))
	require.NoError(t, err)
	inngesttest.RequireEvents(rec, accountMade, 1)
}

// In a bubble, the app's pauses between its attempts take no time.
func TestRecorderRetries(t *testing.T) {
	t.Parallel()
	for status, message := range map[int]string{http.StatusServiceUnavailable: "503", 0: "refused"} {
		synctest.Test(t, func(t *testing.T) {
			rec := inngesttest.NewRecorder(t)
			rec.FailNext(3, status)
			_, err := rec.App().Send(t.Context(), accountMade.New(account{"a@x"}))
			require.NoError(t, err)
			rec.FailNext(1000, status)
			start := time.Now()
			_, err = rec.App().Send(t.Context(), accountMade.New(account{"b@x"}))
			require.ErrorContains(t, err, message)
			require.InDelta(t, 25, time.Since(start).Seconds(), 5.5) // the last pause, of up to 7.5 s, must end within 30 s
			require.Equal(t, "a@x", inngesttest.RequireEvents(rec, accountMade, 1)[0].Data.Email)
		})
	}
}

// A send that is given up has taken effect, and the server recognizes a repeated request.
func TestRecorderLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := inngesttest.NewRecorder(t)
		rec.Latency(time.Minute) // the app gives each request 30 s
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		defer cancel()
		_, err := rec.App().Send(ctx, accountMade.New(account{"a@x"}))
		failed, ok := errors.AsType[*inngestkit.SendError](err)
		require.True(t, ok)
		require.Equal(t, 1, failed.Uncertain)
		inngesttest.RequireEvents(rec, accountMade, 1)

		rec.Latency(time.Second)
		start := time.Now()
		_, err = rec.App().Send(t.Context(), accountMade.New(account{"b@x"}))
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(start))
	})
}

// Await waits for events that other goroutines send.
func TestRecorderAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := inngesttest.NewRecorder(t)
		for i := range 3 {
			time.AfterFunc(time.Duration(i)*time.Second, func() {
				_, err := rec.App().Send(rec.Context(context.Background()), accountMade.New(account{"a@x"}))
				require.NoError(t, err)
			})
		}
		require.Len(t, rec.Await(t.Context(), 2), 2)
		require.Len(t, rec.Await(t.Context(), 3), 3)
	})
}

// The kit's failures say what was recorded.
func TestRecorderFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(tb testing.TB, rec *inngesttest.Recorder)
		want string
	}{
		"too few": {
			func(_ testing.TB, rec *inngesttest.Recorder) { inngesttest.RequireEvents(rec, accountMade, 2) },
			"1 events \"account/made\" were recorded instead of 2. All events:\n\taccount/made {\"email\":\"a@x\"}",
		},
		"none of the type": {
			func(_ testing.TB, rec *inngesttest.Recorder) { inngesttest.RequireEvents(rec, accountClosed, 1) },
			`0 events "account/closed" were recorded instead of 1`,
		},
		"something": {
			func(_ testing.TB, rec *inngesttest.Recorder) { rec.RequireNothing() },
			"events were recorded:\n\taccount/made",
		},
		"waiting": {
			func(tb testing.TB, rec *inngesttest.Recorder) {
				ctx, cancel := context.WithCancelCause(tb.Context())
				cancel(errors.New("the test has waited enough"))
				rec.Await(ctx, 2)
			},
			"Await: the test has waited enough, and 1 of 2 events were recorded:\n\taccount/made",
		},
		"FailNext": {
			func(_ testing.TB, rec *inngesttest.Recorder) { rec.FailNext(1, 200) },
			"FailNext(1, 200): give a number of requests from 1, and a status",
		},
		"Latency": {
			func(_ testing.TB, rec *inngesttest.Recorder) { rec.Latency(-1) },
			"Latency has the negative duration",
		},
		"a wrong configuration": {
			func(tb testing.TB, _ *inngesttest.Recorder) { inngesttest.NewRecorder(tb, inngestkit.Config{}) },
			"NewRecorder: the configuration of the app: ",
		},
		"two configurations": {
			func(tb testing.TB, _ *inngesttest.Recorder) {
				inngesttest.NewRecorder(tb, inngestkit.Config{}, inngestkit.Config{})
			},
			"NewRecorder takes one Config at most, and got 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, failed := attempt(t, func(tb testing.TB) {
				rec := inngesttest.NewRecorder(tb)
				_, err := rec.App().Send(tb.Context(), accountMade.New(account{"a@x"}))
				require.NoError(t, err)
				c.do(tb, rec)
			})
			require.True(t, failed)
			require.Contains(t, log, c.want)
		})
	}
}

// Requests that the server would refuse are refused.
func TestRecorderRefuses(t *testing.T) {
	t.Parallel()
	rec := inngesttest.NewRecorder(t)
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/e/key", `[{"name":"a","data":{}},{"data":{}}]`, 400},
		{"/e/key", `not JSON`, 400},
		{"/v1/signals", `{}`, 400},
		{"/v2/unknown", `{}`, 404},
		{"/e/key", `{"name":"a","data":{}}`, 200},
	} {
		status, _ := post(t, rec, c.path, c.body, "")
		require.Equal(t, c.status, status, c.body)
	}
	require.Len(t, rec.Events(), 2, "the event before one that is refused is accepted")
	_, body := post(t, rec, "/e/key", `{"name":"inngest/x"}`, "")
	require.JSONEq(t, `{"error":"event name is reserved for internal use: inngest/x","ids":[""],"status":400}`, body)
	_, err := rec.App().Send(t.Context(), inngestkit.Event[account]{})
	require.ErrorContains(t, err, "it has no name")
}

// post makes a request to the server.
func post(t *testing.T, rec *inngesttest.Recorder, path, body, seed string) (status int, response string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server.invalid"+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-Inngest-Event-Id-Seed", seed)
	resp, err := rec.Client().Do(req)
	require.NoError(t, err)
	read, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, string(read)
}

// A request that is repeated, because its response was lost, has its events once.
func TestRecorderSeed(t *testing.T) {
	t.Parallel()
	rec := inngesttest.NewRecorder(t)
	const body = `[{"name":"a","data":{}}]`
	_, first := post(t, rec, "/e/key", body, "1")
	_, again := post(t, rec, "/e/key", body, "1")
	require.Equal(t, first, again)
	require.Len(t, rec.Events(), 1)
	_, other := post(t, rec, "/e/key", body, "2")
	require.NotEqual(t, first, other)
	post(t, rec, "/e/key", body, "")
	post(t, rec, "/e/key", body, "")
	require.Len(t, rec.Events(), 4)
}
