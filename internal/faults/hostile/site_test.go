package hostile

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// What strangers must not see.
const (
	signingKey  = "signkey-prod-4d1f0b2a93c8e7564d1f0b2a93c8e7564d1f0b2a93c8e7564d1f0b2a93c8e756"
	fallbackKey = "signkey-prod-77a0c3d2e1f4b5a677a0c3d2e1f4b5a677a0c3d2e1f4b5a677a0c3d2e1f4b5a6"
	eventKey    = "an-event-key-that-nobody-may-see"
	appID       = "warehouse"
	functionID  = "charge-card"

	// No request mentions these, so a response that contains one reveals it.
	otherFunctionID = "refund-order"
	otherEvent      = "order/refunded"
	stepID          = "a-secret-step"
	apiURL          = "http://127.0.0.1:1"
)

// endpoint is the path of the app, and target that of a call of its function.
const (
	endpoint = "/api/inngest"
	target   = endpoint + "?fnId=" + appID + "-" + functionID + "&stepId=step"
)

// hiddenPath is a route that counts its requests. Malformed requests contain requests to
// it, which must not be served.
const hiddenPath = "/hidden"

// call is the body of a call.
const call = `{"ctx":{"run_id":"r","attempt":0,"max_attempts":4},"event":{"name":"card/charged","data":{}},"events":[{"name":"card/charged","data":{}}],"steps":{}}`

// site is an app in cloud mode, with health checks, on one framework.
type site struct {
	framework string
	addr      string
	calls     atomic.Int64 // how often the function was executed
	hidden    atomic.Int64 // how often hiddenPath was served
}

// newApp returns the app of a site.
func newApp(s *site, logger *slog.Logger) (*inngestkit.App, error) {
	app, err := inngestkit.New(inngestkit.Config{
		AppID: appID, SigningKey: signingKey, SigningKeyFallback: fallbackKey, EventKey: eventKey,
		BaseURL: apiURL, ServeHost: "https://warehouse.test", Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	err = app.Register(inngestkit.OnEvent(functionID, inngestkit.DefineEvent[any]("card/charged"),
		func(ctx context.Context, _ inngestkit.Input[any]) (string, error) {
			s.calls.Add(1)
			return step.Run(ctx, stepID, func(context.Context) (string, error) { return "charged", nil })
		}),
		inngestkit.OnEvent(otherFunctionID, inngestkit.DefineEvent[any](otherEvent),
			func(context.Context, inngestkit.Input[any]) (any, error) { s.calls.Add(1); return nil, nil }))
	if err != nil {
		return nil, err
	}
	if _, err := inngesthealth.Install(app); err != nil {
		return nil, err
	}
	return app, app.AddRoutes(adapter.Route{Path: hiddenPath, Do: func(context.Context, *adapter.Request) *adapter.Response {
		s.hidden.Add(1)
		return &adapter.Response{Status: http.StatusOK, Header: http.Header{}}
	}})
}

// newSite serves a site until the end of the test.
func newSite(t *testing.T, framework string) *site {
	t.Helper()
	s := &site{framework: framework}
	app, err := newApp(s, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	const short = 2 * time.Second // so that tests with slow clients are short
	server := within(short, testsite.Frameworks[framework](app))
	listener := testsite.Listen(t, "")
	s.addr = listener.Addr().String()
	testsite.ServeApp(t, app, server, listener)
	return s
}

// eachFramework runs a test on a site of each framework.
func eachFramework(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	for framework := range testsite.Frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			test(t, newSite(t, framework))
		})
	}
}

// exchanged is what a server wrote on a connection before it closed it.
type exchanged struct {
	responses []response
	rest      string // what is not a response
	raw       string
}

// response is one response.
type response struct {
	status int
	header http.Header
	body   string
}

// exchange sends bytes on a connection of its own, closes it for writing, and reads until
// the server closes it.
func (s *site) exchange(t *testing.T, request []byte, method string) exchanged {
	t.Helper()
	conn := s.dial(t)
	defer func() { _ = conn.Close() }()
	sent := make(chan struct{})
	go func() { // the server may respond and hang up before it has read everything
		defer close(sent)
		_, _ = conn.Write(request)
		_ = conn.CloseWrite()
	}()
	raw, err := io.ReadAll(conn)
	<-sent
	if timedOut, ok := errors.AsType[net.Error](err); ok {
		require.False(t, timedOut.Timeout(), "the server neither responds nor hangs up; it wrote %q", raw)
	}
	return parse(raw, method)
}

func (s *site) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(testsite.Timeout)))
	return conn.(*net.TCPConn)
}

// parse splits what a server wrote into responses. Informational ones do not count.
func parse(raw []byte, method string) exchanged {
	e := exchanged{raw: string(raw)}
	reader := bufio.NewReader(bytes.NewReader(raw))
	for {
		if _, err := reader.Peek(1); err != nil {
			return e
		}
		resp, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			e.rest = err.Error()
			return e
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			e.rest = err.Error()
			return e
		}
		if resp.StatusCode >= http.StatusOK {
			e.responses = append(e.responses, response{resp.StatusCode, resp.Header, string(body)})
			method = http.MethodGet
		}
	}
}

// head returns the head of a request with the headers.
func head(method, target string, headers ...string) string {
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: warehouse.test"}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// length returns the header Content-Length for a body.
func length(body string) string { return "Content-Length: " + strconv.Itoa(len(body)) }

// forged returns a signature that is well formed, recent and wrong.
func forged() string {
	return fmt.Sprintf("X-Inngest-Signature: t=%d&s=%s", time.Now().Unix(), strings.Repeat("0", 2*sha256.Size))
}

// signed returns the header with the signature of a body.
func signed(body string) string {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(strings.TrimPrefix(signingKey, "signkey-prod-")))
	mac.Write([]byte(body + now))
	return "X-Inngest-Signature: t=" + now + "&s=" + hex.EncodeToString(mac.Sum(nil))
}

// works fails the test unless the site executes a call of the server.
func (s *site) works(t *testing.T) {
	t.Helper()
	s.executes(t, call)
}

// executes fails the test unless the site executes the call of the server with the body.
func (s *site) executes(t *testing.T, body string) {
	t.Helper()
	key, value, _ := strings.Cut(signed(body), ": ")
	status, answer, err := testsite.Request(testsite.Within(t), testsite.NewClient(t), http.MethodPost, "http://"+s.addr+target, body, http.Header{key: {value}})
	require.NoError(t, err)
	require.Equal(t, http.StatusPartialContent, status, answer)
}
