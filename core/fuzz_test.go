package inngestkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// These fuzz tests cover everything that strangers can reach. Run one with
//
//	go test -fuzz FuzzCall -fuzztime 10m -fuzzminimizetime 1s ./core

// panicWatch is a log handler that counts panics, which Do recovers and logs.
type panicWatch struct {
	slog.Handler

	panics *atomic.Int64
}

func (w panicWatch) Enabled(context.Context, slog.Level) bool { return true }

func (w panicWatch) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "panicked") {
		w.panics.Add(1)
	}
	return nil
}

// seen records one call: the input of the function and what was registered. It also holds
// what the server's API returns.
type seen struct {
	ran           bool
	in            inngestkit.Input[any]
	events, steps []byte
	registered    []byte
}

type seenKey struct{}

func seenIn(ctx context.Context) *seen { return ctx.Value(seenKey{}).(*seen) }

// fuzzed is an app under fuzzing.
type fuzzed struct {
	*inngestkit.App

	panics atomic.Int64
}

func newFuzzed(tb testing.TB, config inngestkit.Config) *fuzzed {
	tb.Helper()
	var f fuzzed
	config.AppID = "app"
	config.Logger = slog.New(panicWatch{slog.DiscardHandler, &f.panics})
	config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		s := seenIn(r.Context())
		switch {
		case strings.HasSuffix(r.URL.Path, "/batch"):
			return response(http.StatusOK, string(s.events), nil), nil
		case strings.HasSuffix(r.URL.Path, "/actions"):
			return response(http.StatusOK, string(s.steps), nil), nil
		default:
			s.registered, _ = io.ReadAll(r.Body)
			return response(http.StatusOK, `{"modified":true}`, nil), nil
		}
	})}
	app, err := inngestkit.New(config)
	require.NoError(tb, err)
	require.NoError(tb, app.Register(inngestkit.OnEvent("fn", inngestkit.DefineEvent[any]("user/signed-up"),
		func(ctx context.Context, in inngestkit.Input[any]) (string, error) {
			s := seenIn(ctx)
			s.ran, s.in = true, in
			a, err := step.Run(ctx, "a", func(context.Context) (string, error) { return "from a", nil })
			if err != nil {
				return "", err
			}
			step.Sleep(ctx, "nap", time.Minute)
			return a, nil
		})))
	f.App = app
	return &f
}

// do makes a request and checks what must hold for every response.
func (f *fuzzed) do(t *testing.T, s *seen, req *inngestkit.Request) *inngestkit.Response {
	t.Helper()
	resp := f.Do(context.WithValue(t.Context(), seenKey{}, s), req)
	require.Zero(t, f.panics.Load(), "a panic was logged")
	require.NotNil(t, resp)
	require.Contains(t, []int{200, 206, 400, 401, 405, 410, 413, 500}, resp.Status)
	if req.Method == http.MethodHead && resp.Status == http.StatusOK {
		require.Empty(t, resp.Body)
	} else {
		require.True(t, json.Valid(resp.Body), "%q", resp.Body)
	}
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	require.NotContains(t, string(resp.Body), "internal error")
	return resp
}

func FuzzCall(f *testing.F) {
	event := `{"id":"e1","name":"user/signed-up","data":{"id":"u1","n":9007199254740993},"ts":1700000000000}`
	call := func(ctx, steps string) string {
		return `{"event":` + event + `,"events":[` + event + `],"ctx":` + ctx + `,"steps":` + steps + `}`
	}
	ctx := `{"run_id":"r","fn_id":"6a1e4d3b-4d2c-4f0e-9a55-0c6a2c5d1f10","attempt":1,"max_attempts":4,"stack":{"stack":["` + hashed("a") + `"],"current":1}}`
	done := `{"` + hashed("a") + `":{"data":"kept"},"` + hashed("nap") + `":null}`
	state := "[" + event + "]"
	f.Add([]byte(call(ctx, done)), []byte(state), []byte(done))
	f.Add([]byte(call(ctx, `{"`+hashed("a")+`":{"error":{"name":"Error","message":"no"}}}`)), []byte(nil), []byte(nil))
	f.Add([]byte(call(ctx, `{"`+hashed("a")+`":{"input":[1]}}`)), []byte(nil), []byte(nil))
	f.Add([]byte(call(strings.Replace(ctx, "{", `{"use_api":true,`, 1), `{}`)), []byte(state), []byte(done))
	f.Add([]byte(strings.Replace(call(ctx, "{}"), "{", `{"use_api":true,`, 1)), []byte(" [ "+event+","+event+"]\n"), []byte("null"))
	f.Add([]byte(call(`{}`, `null`)), []byte(`{"0":{}}`), []byte(`[]`))
	f.Add([]byte(` {"event":1,"event":{"data":null},"Event":2,"ev\u0065nts":[{"data":1},2],"ctx":{"stack":null}} `), []byte("["), []byte("{"))
	f.Add([]byte(`{"ctx":{"attempt":-1,"fn_id":7,"stack":{"current":-1}},"event":{},"steps":[]}`), []byte(`[5]`), []byte(`{"a":5}`))
	f.Add([]byte(`[{"event":{}}]`), []byte(nil), []byte(nil))
	f.Add([]byte("\xff\x00{\"event\":\"\xff\"}"), []byte("\xff"), []byte("\xff"))
	f.Add([]byte(strings.Repeat("[", 1000)), []byte(strings.Repeat("[", 1000)), []byte(strings.Repeat(`{"a":`, 1000)))
	app := newFuzzed(f, inngestkit.Config{Dev: true})
	f.Fuzz(func(t *testing.T, body, events, steps []byte) {
		s := &seen{events: events, steps: steps}
		resp := app.do(t, s, request(http.MethodPost, "fnId=app-fn&stepId=step", string(body)))
		var parts map[string]json.RawMessage
		if json.Unmarshal(body, &parts) != nil {
			require.Equal(t, http.StatusBadRequest, resp.Status, "not a JSON object")
		}
		if resp.Status < http.StatusMultipleChoices {
			require.True(t, s.ran)
		}
		if s.ran {
			requireOneOf(t, s.in.Event, parts["event"], parts["events"], events)
			require.NotEmpty(t, s.in.Events)
			require.Equal(t, s.in.Event, s.in.Events[0])
		}
	})
}

// requireOneOf requires that encoding/json decodes event from one of these: the event of
// the call, the first of its events, the first event from the API.
func requireOneOf(t *testing.T, event inngestkit.Event[any], single []byte, lists ...[]byte) {
	t.Helper()
	want, err := json.Marshal(event)
	require.NoError(t, err)
	all := [][]byte{single}
	for _, list := range lists {
		var elements []json.RawMessage
		if json.Unmarshal(list, &elements) == nil && len(elements) > 0 {
			all = append(all, elements[0])
		}
	}
	for _, one := range all {
		var decoded inngestkit.Event[any]
		if json.Unmarshal(one, &decoded) != nil {
			continue
		}
		if got, err := json.Marshal(decoded); err == nil && bytes.Equal(want, got) {
			return
		}
	}
	require.Fail(t, "the function got an event that is not in the call", "%s", want)
}

// In cloud mode, a header made without the key grants nothing.
func FuzzSignatureHeader(f *testing.F) {
	good := sign(f, signingKey, "{}", time.Unix(1700000000, 0))
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodGet, http.MethodHead, http.MethodDelete, ""} {
		f.Add(method, good, "", []byte("{}"))
		f.Add(method, "", "in_band", []byte(`{"url":"http://app.test"}`))
	}
	f.Add(http.MethodPost, "t=1700000000&s=", "", []byte(nil))
	f.Add(http.MethodPost, "t=&s=00", "out_of_band", []byte(nil))
	f.Add(http.MethodPost, "t=99999999999999999999&s="+strings.Repeat("0", 64), "", []byte("{}"))
	f.Add(http.MethodPost, "t=-9223372036854775808&s="+strings.Repeat("0", 64), "", []byte("{}"))
	f.Add(http.MethodPost, strings.ReplaceAll(good, "&", ";"), "", []byte("{}"))
	f.Add(http.MethodPost, "%zz", "", []byte("\xff"))
	f.Add(http.MethodPost, "t="+strings.Repeat("1", 1000)+"&s="+strings.Repeat("0", 1000), "", []byte(strings.Repeat("[", 1000)))
	config := cloud
	config.AllowUnsignedSync = false
	app := newFuzzed(f, config)
	f.Fuzz(func(t *testing.T, method, signature, syncKind string, body []byte) {
		for _, query := range []string{"fnId=app-fn", "probe=trust"} {
			req := withHeader(request(method, query, string(body)), "X-Inngest-Signature", signature)
			s := &seen{}
			resp := app.do(t, s, withHeader(req, "X-Inngest-Sync-Kind", syncKind))
			require.False(t, s.ran)
			require.Empty(t, s.registered)
			switch method {
			case http.MethodGet, http.MethodHead:
				want := http.StatusOK
				if query == "fnId=app-fn" || len(body) > 0 {
					want = http.StatusBadRequest // a call or a sync before a redirect
				}
				require.Equal(t, want, resp.Status)
				require.NotContains(t, string(resp.Body), "app_id")
			case http.MethodPost, http.MethodPut:
				require.Equal(t, http.StatusUnauthorized, resp.Status)
				require.Empty(t, resp.Header.Get("X-Inngest-Sdk"))
			default:
				require.Equal(t, http.StatusMethodNotAllowed, resp.Status)
			}
			require.Empty(t, resp.Header.Get("X-Inngest-Signature"), "strangers get no signed response")
			for _, secret := range []string{signingKey[13:], fallbackKey[13:], "an-event-key"} {
				require.NotContains(t, string(resp.Body), secret)
			}
		}
	})
}

// Only the query, as url.ParseQuery decodes it, decides which function is called. In a
// sync it becomes part of the announced URL.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"fnId=app-fn&stepId=step", "fnId=app-fn&stepId=" + hashed("a"), "fnId=app%2Dfn", "fnId=fn", "fnId=app-fn&fnId=x", "",
		"fnId=%zz", "fnId=app-fn;x", "probe=trust", "probe=trust&fnId=app-fn", "deployId=1&x=%00", "stepId=%ff", "x=\x00", "&&=&",
	} {
		f.Add(query, "/api/inngest", "app.test")
	}
	f.Add("a=b", "//evil.test/%2f", "evil.test:99999")
	f.Add("a=b", "", "")
	f.Add("a=b", "\x00\xff?#", "a/b@c")
	app := newFuzzed(f, inngestkit.Config{Dev: true, BaseURL: "http://inngest.test"})
	body := signUpEnvelope(user{ID: "u1"}).json(f)
	f.Fuzz(func(t *testing.T, query, path, host string) {
		s := &seen{}
		resp := app.do(t, s, request(http.MethodPost, query, body))
		values, err := url.ParseQuery(query)
		switch {
		case err != nil:
			require.Equal(t, http.StatusBadRequest, resp.Status)
		case values.Get("probe") == "trust" && !values.Has("fnId"):
			require.Equal(t, "{}", string(resp.Body))
		case values.Get("fnId") != "app-fn":
			require.Equal(t, http.StatusGone, resp.Status)
		}
		require.Equal(t, err == nil && values.Get("fnId") == "app-fn", s.ran)

		req := request(http.MethodPut, query, "")
		req.Path, req.Host = path, host
		resp = app.do(t, s, req)
		if resp.Status != http.StatusOK {
			return
		}
		var registered struct {
			URL       string `json:"url"`
			Functions []struct {
				Steps map[string]struct {
					Runtime struct {
						URL string `json:"url"`
					} `json:"runtime"`
				} `json:"steps"`
			} `json:"functions"`
		}
		require.NoError(t, json.Unmarshal(s.registered, &registered))
		last, _ := app.LastSync()
		require.Equal(t, last.URL, registered.URL)
		if u, err := url.Parse(registered.Functions[0].Steps["step"].Runtime.URL); err == nil {
			require.Equal(t, []string{"app-fn"}, u.Query()["fnId"], "the server calls the function under its own ID")
		}
	})
}
