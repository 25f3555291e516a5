package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

func TestTriggers(t *testing.T) {
	t.Parallel()
	ev := inngestkit.DefineEvent[data]
	site := func(t *testing.T) *site {
		return newSite(t, Config{},
			on("created", "app/user.created", echo),
			on("all", "app/*", echo),
			on("user", "app/user.*", echo),
			on("other", "app/team.*", echo),
			inngestkit.OnEvent("big", ev("app/user.created").If("event.data.n > 10"), echo),
			inngestkit.OnEvent("either", inngestkit.AnyOf(
				ev("app/user.created").If("event.data.n > 10"), ev("app/user.created").If("event.data.n > 5")), echo),
		)
	}
	for name, test := range map[string]struct {
		event string
		n     float64
		want  []string
	}{
		"name":                   {"app/user.created", 0, []string{"test-created", "test-all", "test-user"}},
		"wildcard":               {"app/user.deleted", 0, []string{"test-all", "test-user"}},
		"second condition":       {"app/user.created", 7, []string{"test-created", "test-all", "test-user", "test-either"}},
		"one run per function":   {"app/user.created", 11, []string{"test-created", "test-all", "test-user", "test-big", "test-either"}},
		"not in another segment": {"apps/user.created", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site(t)
			s.send(test.event, data{ID: "x", N: test.n})
			s.settle()
			var got []string
			for _, run := range s.Runs() {
				require.Equal(t, Completed, run.Status)
				got = append(got, run.Function.Slug)
			}
			require.Equal(t, test.want, got)
			require.NotContains(t, s.text(), "an event with the same ID")
		})
	}
}

func TestTimelineSaysWhyAnEventStartsNoRun(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, inngestkit.OnEvent("big", inngestkit.DefineEvent[data]("x").If("event.data.n > 10"), echo))
	s.sendRaw(`{"name":"x","data":{"n":9}}`)
	s.settle()
	require.Empty(t, s.Runs())
	s.says(`event "x" starts no run of test-big: its condition event.data.n > 10 is false`)

	s.sendRaw(`{"name":"x","data":{"n":"ten"}}`)
	s.settle()
	require.Empty(t, s.Runs())
	s.says("its condition event.data.n > 10 fails")
}

func TestEventsThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body  string
		ids   int
		error string
	}{
		"no name":           {`[{"data":{}}]`, 0, "event name is empty"},
		"reserved name":     {`[{"name":"INNGEST/x","data":{}}]`, 0, "event name is reserved for internal use: INNGEST/x"},
		"too early":         {`[{"name":"x","ts":1000}]`, 0, "timestamp is before Jan 1, 1980"},
		"too late":          {`[{"name":"x","ts":4102444801000}]`, 0, "timestamp is after Jan 1, 2100"},
		"text as data":      {`[{"name":"x","data":"y"}]`, 0, "json: cannot unmarshal string into Go struct field Event.data of type map[string]interface {}"},
		"second is refused": {`[{"name":"x"},{"data":{}},{"name":"x"}]`, 1, "event name is empty"},
		"a number":          {`7`, 0, "Request body must contain an event object or an array of event objects"},
		"too large": {
			`[{"name":"x","data":{"a":"` + strings.Repeat("a", maxEventBytes) + `"}}]`, 0,
			fmt.Sprintf("Event is over the max size: Max %d bytes / Size %d bytes", maxEventBytes, maxEventBytes+len(`{"name":"x","data":{"a":""}}`)),
		},
		"too many": {
			`[` + strings.Repeat(`{"name":"y"},`, maxEvents) + `{"name":"y"}]`, maxEvents, "Cannot have more than 5000 events in a batch",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, Config{}, on("x", "x", echo))
			status, body := s.request(http.MethodPost, "/e/key", test.body)
			require.Equal(t, http.StatusBadRequest, status)
			var got struct {
				IDs    []string `json:"ids"`
				Status int      `json:"status"`
				Error  string   `json:"error"`
			}
			require.NoError(t, json.Unmarshal([]byte(body), &got))
			require.Equal(t, test.error, got.Error)
			require.Equal(t, http.StatusBadRequest, got.Status)
			if test.ids == 0 {
				require.Equal(t, []string{""}, got.IDs)
			} else {
				require.Len(t, got.IDs, test.ids)
			}
		})
	}
	t.Run("lower case is not refused by the oldest server", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, Config{Version: version.Oldest})
		status, body := s.request(http.MethodPost, "/e/key", `{"name":"Inngest/x"}`)
		require.Equal(t, http.StatusOK, status, body)
		status, _ = s.request(http.MethodPost, "/e/key", `{"name":"inngest/x"}`)
		require.Equal(t, http.StatusBadRequest, status)
	})
}

// request sends a request to the engine's HTTP API.
func (s *site) request(method, path, body string) (status int, response string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://server"+path, strings.NewReader(body))
	require.NoError(s.t, err)
	resp, err := s.RoundTrip(req)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, resp.Body.Close()) }()
	all, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, string(all)
}

func TestStoredEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, inngestkit.OnEvent("x", inngestkit.DefineEvent[json.RawMessage]("x"),
		func(_ context.Context, in inngestkit.Input[json.RawMessage]) (any, error) {
			return map[string]any{"data": in.Event.Data, "id": in.Event.ID}, nil
		}))
	id := s.sendRaw(`{"name":"x","data":{"b":1.0,"a":616581622363398142,"_inngest":{"fn_id":"y"},"b":2e0,"c":"<"}}`)
	s.settle()
	require.Equal(t, `{"data":{"a":616581622363398100,"b":2,"c":"<"},"id":"`+id+`"}`, string(s.only("x").Output))

	s.sendRaw(`{"id":"mine","name":"x","data":{}}`)
	s.settle()
	require.JSONEq(t, `{"data":{},"id":"mine"}`, string(s.Runs()[1].Output))
	require.Equal(t, begin.UnixMilli(), s.Runs()[1].Events[0].Timestamp)
}

func TestIdempotencyByEventID(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, on("a", "x", echo), on("b", "*", echo), on("waiter", "wait",
			func(ctx context.Context, _ input) (any, error) {
				ev, err := step.WaitForEvent(ctx, "w", inngestkit.DefineEvent[data]("x"), step.Timeout(48*time.Hour))
				return ev.Data.ID, err
			}))
		s.sendRaw(`{"id":"1","name":"x","data":{"id":"first"}}`)
		s.settle()
		s.send("wait", data{})
		s.settle()
		s.sendRaw(`{"id":"1","name":"x","data":{"id":"second"}}`)
		s.settle()
		require.Len(t, s.runsOf("a"), 1)
		require.Equal(t, `"second"`, string(s.only("waiter").Output), "waits still receive it")
		s.says(`event "x" starts no run of test-a: an event with the same ID "1" has started one in the last 24 hours`)

		s.pass(24*time.Hour + time.Second)
		s.sendRaw(`{"id":"1","name":"x","data":{"id":"third"}}`)
		s.settle()
		require.Len(t, s.runsOf("a"), 2)
	})
}

func TestRepeatedRequestHasTheSameIDs(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("a", "x", echo))
	events := []json.RawMessage{json.RawMessage(`{"name":"x"}`), json.RawMessage(`{"name":"x"}`)}
	first, err := s.Send(events, "seed")
	require.NoError(t, err)
	again, err := s.Send(events, "seed")
	require.NoError(t, err)
	require.Equal(t, first, again)
	other, err := s.Send(events, "other")
	require.NoError(t, err)
	require.NotEqual(t, first, other)
	s.settle()
	require.Len(t, s.Runs(), 4)
}

func TestFutureEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("a", "x", echo), on("w", "wait", func(ctx context.Context, _ input) (any, error) {
		_, err := step.WaitForEvent(ctx, "w", inngestkit.DefineEvent[data]("x"), step.Timeout(time.Hour))
		return "now", err
	}))
	s.send("wait", data{})
	s.settle()
	s.sendRaw(fmt.Sprintf(`{"name":"x","ts":%d}`, begin.Add(2*time.Hour).UnixMilli()))
	s.settle()
	require.Equal(t, Completed, s.only("w").Status, "waits match at once")
	require.Equal(t, Queued, s.only("a").Status)
	s.pass(3 * time.Hour)
	require.Equal(t, []time.Duration{2 * time.Hour}, s.starts("a"))
}

func TestSentEventsStartRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("a", "x", func(ctx context.Context, in input) (any, error) {
		return step.SendEvent(ctx, "send", inngestkit.DefineEvent[data]("y").New(data{ID: in.Event.Data.ID + "!"}))
	}), on("b", "y", echo))
	s.send("x", data{ID: "1"})
	s.settle()
	require.Equal(t, `"1!"`, string(s.only("b").Output))
	require.Equal(t, `["`+s.only("b").Events[0].InternalID+`"]`, string(s.only("a").Output))
}

func TestUnknownRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{})
	status, _ := s.request(http.MethodGet, "/v2/things", "")
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, []string{
		"the app sends GET /v2/things to the server, which the test engine does not know: test it on a real server",
	}, s.faults)
}

func TestAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("a", "x", func(ctx context.Context, _ input) (any, error) {
		step.Sleep(ctx, "long", time.Hour)
		return nil, nil
	}))
	id := s.send("x", data{})
	s.settle()
	run := s.only("a")
	status, body := s.request(http.MethodGet, "/v1/events/"+id+"/runs", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"run_id":"`+run.ID+`"`)
	require.Contains(t, body, `"status":"Running"`)

	status, body = s.request(http.MethodGet, "/dev", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"slug":"test-a"`)

	status, _ = s.request(http.MethodDelete, "/v1/runs/"+run.ID, "")
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, Cancelled, run.Status)
	require.False(t, s.Cancel(run.ID))
}

func TestEncodedEventIsCanonical(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`{"name":"x","ts":1893456000000,"data":{"b":1.5,"a":[{"z":1,"y":"<"}]},"user":{"id":"é\u2028"},"v":"2\"","id":"a\\b"}`,
		`{"name":"naïve","data":{}}`,
	} {
		s := newSite(t, Config{})
		s.sendRaw(raw)
		ev := s.Events()[0]
		want, err := canonicalOf(ev.Decoded)
		require.NoError(t, err)
		require.Equal(t, string(want), string(ev.Encoded))
	}
}
