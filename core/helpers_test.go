package inngestkit_test

import (
	"bytes"
	"context"
	"crypto/sha1" // the protocol names steps by their SHA-1
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type user struct {
	ID     string `json:"id"`
	Number int64  `json:"number,omitempty"`
}

type input = inngestkit.Input[user]

var signedUp = inngestkit.DefineEvent[user]("user/signed-up")

// log records what an app under test logs.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newApp returns an app in dev mode with functions, and its log.
func newApp(tb testing.TB, functions ...inngestkit.Function) (*inngestkit.App, *log) {
	tb.Helper()
	return newAppWith(tb, inngestkit.Config{Dev: true}, functions...)
}

func newAppWith(tb testing.TB, config inngestkit.Config, functions ...inngestkit.Function) (*inngestkit.App, *log) {
	tb.Helper()
	var l log
	config.AppID = "app"
	config.Logger = slog.New(slog.NewTextHandler(&l, nil))
	app, err := inngestkit.New(config)
	require.NoError(tb, err)
	inngestkit.ListensAt(app, nowhere)
	require.NoError(tb, app.Register(functions...))
	return app, &l
}

// nowhere returns the addresses of a program that does not listen.
func nowhere() []netip.AddrPort { return nil }

// onSignUp returns a function with the ID fn.
func onSignUp[R any](handler func(context.Context, input) (R, error), options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent("fn", signedUp, handler, options...)
}

// request returns a request with a body.
func request(method, query, body string) *adapter.Request {
	header := http.Header{}
	return &adapter.Request{
		Method: method, Scheme: "http", Host: "app.test", Path: "/api/inngest", RawQuery: query,
		Header: header, Body: strings.NewReader(body), ContentLength: int64(len(body)), Framework: "test",
	}
}

// withHeader adds a header to a request.
func withHeader(req *adapter.Request, key, value string) *adapter.Request {
	req.Header.Set(key, value)
	return req
}

// envelope is the body of a call as the server sends it.
type envelope struct {
	Event   any            `json:"event"`
	Events  []any          `json:"events"`
	Steps   map[string]any `json:"steps"`
	Context map[string]any `json:"ctx"`
	UseAPI  bool           `json:"use_api"`
}

func signUpEnvelope(data any) envelope {
	event := map[string]any{"id": "e1", "name": "user/signed-up", "data": data, "ts": 1700000000000, "user": map[string]any{}}
	return envelope{
		Event: event, Events: []any{event}, Steps: map[string]any{},
		Context: map[string]any{
			"fn_id": "6a1e4d3b-4d2c-4f0e-9a55-0c6a2c5d1f10", "run_id": "01J0000000000000000000000", "step_id": "step",
			"attempt": 0, "max_attempts": 4, "env": "dev", "disable_immediate_execution": false,
			"stack": map[string]any{"stack": []string{}, "current": 0},
		},
	}
}

func (e envelope) json(tb testing.TB) string {
	tb.Helper()
	b, err := json.Marshal(e)
	require.NoError(tb, err)
	return string(b)
}

// done memoizes the result of a step.
func (e envelope) done(stepID string, data any) envelope {
	e.Steps[hashed(stepID)] = map[string]any{"data": data}
	return e
}

func hashed(stepID string) string {
	sum := sha1.Sum([]byte(stepID))
	return hex.EncodeToString(sum[:])
}

// callRequest returns a call of the function fn.
func callRequest(tb testing.TB, e envelope) *adapter.Request {
	tb.Helper()
	return request(http.MethodPost, "fnId=app-fn&stepId=step", e.json(tb))
}

// callFn calls the function fn of the app.
func callFn(ctx context.Context, tb testing.TB, app *inngestkit.App, e envelope) *adapter.Response {
	tb.Helper()
	return app.Do(ctx, callRequest(tb, e))
}

// message returns the message of an error response.
func message(tb testing.TB, resp *adapter.Response) string {
	tb.Helper()
	var body struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	}
	require.NoError(tb, json.Unmarshal(resp.Body, &body), "%s", resp.Body)
	require.Equal(tb, "application/json", resp.Header.Get("Content-Type"))
	require.NotEmpty(tb, body.Message)
	require.NotEmpty(tb, body.Name)
	return body.Message
}

// ops returns the operations in a response with status 206.
func ops(tb testing.TB, resp *adapter.Response) []map[string]any {
	tb.Helper()
	require.Equal(tb, http.StatusPartialContent, resp.Status, "%s", resp.Body)
	var all []map[string]any
	require.NoError(tb, json.Unmarshal(resp.Body, &all))
	return all
}

// serveSDK returns the response of a client of the bare SDK to a call of its function fn.
func serveSDK(tb testing.TB, client inngestgo.Client, e envelope) (status int, body string) {
	tb.Helper()
	req := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/?fnId=bare-fn&stepId=step", strings.NewReader(e.json(tb)))
	recorded := httptest.NewRecorder()
	client.Serve().ServeHTTP(recorded, req)
	return recorded.Code, recorded.Body.String()
}
