package sdkconnect_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	connectproto "github.com/inngest/inngest/proto/gen/connect/v1"
	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/sdkconnect"
)

func TestMain(m *testing.M) {
	// Five seconds after each reply, the SDK checks whether it was acknowledged.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/inngest/inngestgo/connect.(*messageBuffer).addPending.func1"))
}

const (
	timeout = 10 * time.Second
	hint    = "If a new version of inngestgo fails here, read what its package connect logs and when, " +
		"and adapt the constants in log.go and the types in invoke.go."
)

// handler is a Handler that responds as a test says.
type handler struct {
	call         func(functionID, stepID string, header http.Header, body []byte) sdkconnect.Response
	acknowledged chan struct{}
	notConnected chan error
}

func newHandler() *handler {
	return &handler{acknowledged: make(chan struct{}, 10), notConnected: make(chan error, 10)}
}

func (h *handler) Call(functionID, stepID string, header http.Header, body []byte) sdkconnect.Response {
	return h.call(functionID, stepID, header, body)
}

func (h *handler) Acknowledged() { h.acknowledged <- struct{}{} }

func (h *handler) NotConnected(err error) { h.notConnected <- err }

func open(t *testing.T, g *gateway, h *handler, options sdkconnect.Options) *sdkconnect.Conn {
	t.Helper()
	options.AppID, options.APIBaseURL = "app", g.URL
	conn, err := sdkconnect.Open(t.Context(), options, h)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

// A call is passed on with its IDs, its reply reaches the server, and the server's
// acknowledgement is reported. This runs the SDK's own code from end to end.
func TestCall(t *testing.T) {
	t.Parallel()
	g, h := newGateway(t), newHandler()
	open(t, g, h, sdkconnect.Options{Dev: true, MaxConcurrency: 1})
	receive(t, g.hello)
	later := time.Now().Add(time.Hour).Truncate(time.Second)
	for name, tc := range map[string]struct {
		resp       sdkconnect.Response
		status     connectproto.SDKResponseStatus
		body       string // contained
		noRetry    bool
		retryAfter *time.Time
	}{
		"done": {
			resp:   sdkconnect.Response{Status: http.StatusOK, Body: []byte(`{"n":9007199254740993,"s":"<&>"}`)},
			status: connectproto.SDKResponseStatus_DONE, body: `{"n":9007199254740993,`,
		},
		"yielded": {
			resp: sdkconnect.Response{Status: http.StatusPartialContent, Body: []byte(
				`[{"op":"InvokeFunction","id":"i1","name":"other","opts":{"n":9007199254740993}},{"op":"Sleep","id":"i2","name":"1h"}]`)},
			status: connectproto.SDKResponseStatus_NOT_COMPLETED, body: `9007199254740993`,
		},
		"a step failed": {
			resp: sdkconnect.Response{
				Status: http.StatusPartialContent, Body: []byte(`[{"op":"StepError","id":"i1","error":{"name":"E","message":"flaky"}}]`),
				Header: http.Header{"Retry-After": {later.Format(time.RFC3339)}},
			},
			status: connectproto.SDKResponseStatus_NOT_COMPLETED, body: `"flaky"`, retryAfter: &later,
		},
		"a step failed for good": {
			resp:   sdkconnect.Response{Status: http.StatusPartialContent, Body: []byte(`[{"op":"StepFailed","id":"i1","error":{"message":"no"}}]`)},
			status: connectproto.SDKResponseStatus_NOT_COMPLETED, body: `"StepFailed"`,
		},
		"failed": {
			resp:   sdkconnect.Response{Status: http.StatusInternalServerError, Body: []byte(`{"name":"Error","message":"flaky"}`)},
			status: connectproto.SDKResponseStatus_ERROR, body: "flaky",
		},
		"failed for good": {
			resp: sdkconnect.Response{
				Status: http.StatusBadRequest, Body: []byte(`{"message":"no"}`), Header: http.Header{"X-Inngest-No-Retry": {"true"}},
			},
			status: connectproto.SDKResponseStatus_ERROR, body: "no", noRetry: true,
		},
		"failed without a message": {
			resp:   sdkconnect.Response{Status: http.StatusServiceUnavailable},
			status: connectproto.SDKResponseStatus_ERROR, body: "Service Unavailable",
		},
	} {
		ok := t.Run(name, func(t *testing.T) { //nolint:paralleltest // they share the connection
			var functionID, stepID string
			var header http.Header
			var body []byte
			h.call = func(f, s string, h http.Header, b []byte) sdkconnect.Response {
				functionID, stepID, header, body = f, s, h, b
				return tc.resp
			}
			reply := g.call(t, &connectproto.GatewayExecutorRequestData{
				RequestId: "req1", JobId: "job1", AppName: "app", FunctionSlug: "app-fn", StepId: new("step"),
				RequestPayload: []byte(`{"event":{"data":{"n":9007199254740993}},"events":[],"steps":{"a":{"data":1}},
					"ctx":{"run_id":"run1","attempt":2,"max_attempts":4,"qi_id":"q1","env":"e"},"use_api":true}`),
			})
			receive(t, h.acknowledged)
			require.Equal(t, "app-fn", functionID)
			require.Empty(t, stepID)
			require.Equal(t, http.Header{"X-Request-Id": {"req1"}, "X-Inngest-Job-Id": {"job1"}}, header, hint)
			var request struct {
				Event   json.RawMessage            `json:"event"`
				Steps   map[string]json.RawMessage `json:"steps"`
				UseAPI  bool                       `json:"use_api"`
				Context struct {
					RunID       string `json:"run_id"`
					QueueItem   string `json:"qi_id"`
					Attempt     int    `json:"attempt"`
					MaxAttempts int    `json:"max_attempts"`
				} `json:"ctx"`
			}
			require.NoError(t, json.Unmarshal(body, &request))
			require.Contains(t, string(request.Event), "9007199254740993", "no digit is lost")
			require.Equal(t, `{"data":1}`, string(request.Steps["a"]))
			require.True(t, request.UseAPI)
			c := request.Context
			require.Equal(t, []any{"run1", "q1", 2, 4}, []any{c.RunID, c.QueueItem, c.Attempt, c.MaxAttempts})

			require.Equal(t, tc.status, reply.GetStatus())
			require.Contains(t, string(reply.GetBody()), tc.body)
			require.Equal(t, tc.noRetry, reply.GetNoRetry())
			if tc.retryAfter == nil {
				require.Nil(t, reply.RetryAfter)
				return
			}
			at, err := time.Parse(time.RFC3339, reply.GetRetryAfter())
			require.NoError(t, err)
			require.True(t, at.Equal(*tc.retryAfter))
		})
		if !ok {
			return // the connection may be in any state
		}
	}
	require.Empty(t, h.acknowledged, "one acknowledgement for each reply")
	require.Empty(t, h.notConnected)
}

// A step ID reaches the handler, and seconds to wait reach the server.
func TestCallOfOneStep(t *testing.T) {
	t.Parallel()
	g, h := newGateway(t), newHandler()
	open(t, g, h, sdkconnect.Options{Dev: true, MaxConcurrency: 1})
	receive(t, g.hello)
	var stepID string
	h.call = func(_, s string, _ http.Header, _ []byte) sdkconnect.Response {
		stepID = s
		return sdkconnect.Response{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"3600"}}}
	}
	before := time.Now().Truncate(time.Second)
	reply := g.call(t, &connectproto.GatewayExecutorRequestData{
		AppName: "app", FunctionSlug: "app-fn", StepId: new("abc"), RequestPayload: []byte(`{}`),
	})
	receive(t, h.acknowledged)
	require.Equal(t, "abc", stepID)
	at, err := time.Parse(time.RFC3339, reply.GetRetryAfter())
	require.NoError(t, err)
	require.WithinRange(t, at, before.Add(time.Hour), time.Now().Add(time.Hour))
}

// The connection announces what the options have.
func TestAnnouncement(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	conn := open(t, g, newHandler(), sdkconnect.Options{
		AppVersion: "v7", Env: "branch", InstanceID: "worker-1", Platform: "railway", SigningKey: "hashed", MaxConcurrency: 3,
		Capabilities: sdkconnect.Capabilities{Connect: "v1", InBandSync: "v2", TrustProbe: "v3"},
		Functions: []sdkconnect.Function{
			{ID: "app-b", Name: "B", Triggers: inngestgo.EventTrigger("e", nil).Triggers(), Config: inngestgo.FunctionOpts{ID: "ignored"}},
			{ID: "app-a", Name: "A", Triggers: inngestgo.CronTrigger("@daily").Triggers(), Config: inngestgo.FunctionOpts{Retries: new(2)}},
		},
	})
	require.Equal(t, sdkconnect.StateActive, conn.State())
	hello := receive(t, g.hello)
	require.Len(t, hello.GetApps(), 1)
	require.Equal(t, []string{"app", "v7"}, []string{hello.GetApps()[0].GetAppName(), hello.GetApps()[0].GetAppVersion()})
	require.JSONEq(t, `[
		{"id":"app-b","name":"B","triggers":[{"event":"e"}],"Singleton":null,"steps":{"step":
			{"id":"step","name":"B","retries":null,"runtime":{"type":"ws","url":"ws://connect?fnId=app-b&step=step"}}}},
		{"id":"app-a","name":"A","triggers":[{"cron":"@daily"}],"retries":2,"Singleton":null,"steps":{"step":
			{"id":"step","name":"A","retries":{"attempts":2},"runtime":{"type":"ws","url":"ws://connect?fnId=app-a&step=step"}}}}
	]`, string(hello.GetApps()[0].GetFunctions()))
	require.JSONEq(t, `{"connect":"v1","in_band_sync":"v2","trust_probe":"v3"}`, string(hello.GetCapabilities()))
	require.Equal(t, []string{"branch", "railway", "worker-1"}, []string{hello.GetEnvironment(), hello.GetPlatform(), hello.GetInstanceId()})
	require.EqualValues(t, 3, hello.GetMaxWorkerConcurrency())
	require.Equal(t, []string{inngestgo.SDKLanguage, inngestgo.SDKVersion}, []string{hello.GetSdkLanguage(), hello.GetSdkVersion()})
	conn.Close()
	require.Equal(t, sdkconnect.StateClosed, conn.State())
}

// The connection omits what is not configured, and does not read it from the environment.
func TestAnnouncementOfNothing(t *testing.T) {
	t.Setenv("INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", "5")
	g := newGateway(t)
	open(t, g, newHandler(), sdkconnect.Options{Dev: true})
	hello := receive(t, g.hello)
	require.Nil(t, hello.Environment)
	require.Nil(t, hello.Platform)
	require.Nil(t, hello.GetApps()[0].AppVersion)
	require.EqualValues(t, 0, hello.GetMaxWorkerConcurrency())
	require.NotEmpty(t, hello.GetInstanceId(), "the host name")
}

// The reason for a failure to connect is reported: a key that the server rejects, and a
// missing key.
func TestOpenFails(t *testing.T) {
	t.Parallel()
	keys := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Authorization")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(func() {
		server.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections() // the SDK's requests go through it
	})
	h := newHandler()
	_, err := sdkconnect.Open(t.Context(), sdkconnect.Options{AppID: "app", APIBaseURL: server.URL, SigningKey: "k"}, h)
	require.ErrorContains(t, err, "could not establish connection")
	require.ErrorContains(t, receive(t, h.notConnected), "authentication failed", hint)
	require.Equal(t, "Bearer k", <-keys)
	_, err = sdkconnect.Open(t.Context(), sdkconnect.Options{AppID: "app", APIBaseURL: server.URL}, h)
	require.ErrorContains(t, err, "signing key is required")
	require.Empty(t, keys)
}

// A connection that opens when nobody wants it any more is closed.
func TestOpenWithADoneContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("not needed"))
	_, err := sdkconnect.Open(ctx, sdkconnect.Options{AppID: "app", APIBaseURL: "http://127.0.0.1:1", Dev: true}, newHandler())
	require.Error(t, err)
}

// A gateway that asks to be replaced sends no more calls. The connection counts as lost until
// there is another one.
func TestGatewayIsReplaced(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	conn := open(t, g, newHandler(), sdkconnect.Options{Dev: true})
	receive(t, g.hello)
	is := func(state sdkconnect.State) func() bool { return func() bool { return conn.State() == state } }
	require.Eventually(t, is(sdkconnect.StateActive), timeout, time.Millisecond)
	g.starts.Lock()
	replace := sync.OnceFunc(g.starts.Unlock)
	t.Cleanup(replace)
	send(t.Context(), g.ws, connectproto.GatewayMessageType_GATEWAY_CLOSING, nil)
	require.Eventually(t, is(sdkconnect.StateReconnecting), timeout, time.Millisecond, hint)
	replace()
	receive(t, g.hello)
	require.Eventually(t, is(sdkconnect.StateActive), timeout, time.Millisecond, hint)
}

// Only the messages that are needed leave the SDK's log.
func TestLog(t *testing.T) {
	t.Parallel()
	h := newHandler()
	log := slog.New(sdkconnect.LogHandler(h)).With("mode", "connect").WithGroup("g")
	log.Debug("received gateway request", "kind", "GATEWAY_HEARTBEAT")
	log.Debug("received gateway request")
	log.Debug("something else", "kind", "WORKER_REPLY_ACK")
	require.Empty(t, h.acknowledged)
	for range 3 {
		log.Debug("received gateway request", "kind", "WORKER_REPLY_ACK")
	}
	require.Len(t, h.acknowledged, 3)

	log.Error("could not establish connection", "err", errors.New("refused"), "url", "http://user:password@server")
	require.EqualError(t, <-h.notConnected, "refused")
	log.Error("could not establish connection", "err", (*url.Error)(nil))
	require.ErrorContains(t, <-h.notConnected, "the transport returned a nil *url.Error")
	log.Error("failed to read message", "err", errors.New("EOF")) // how a connection ends
	log.Error("could not establish connection", "err", context.Canceled)
	log.Error("could not establish connection", "error", errors.New("again"))
	require.Empty(t, h.notConnected)
}
