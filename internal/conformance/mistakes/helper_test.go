package mistakes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

const signingKey = "signkey-prod-0123456789abcdef0123456789abcdef"

type user struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

var userCreated = inngestkit.DefineEvent[user]("user/created")

func hello(context.Context, inngestkit.Input[user]) (string, error) { return "hello", nil }

// dev is a configuration for the dev server.
func dev() inngestkit.Config { return inngestkit.Config{AppID: "shop", Dev: true} }

// cloud is one for Inngest Cloud.
func cloud() inngestkit.Config {
	return inngestkit.Config{AppID: "shop", SigningKey: signingKey, EventKey: "event-key", ServeHost: "https://shop.example.com"}
}

// fails returns the message of an error.
func fails(t *testing.T, err error) string {
	t.Helper()
	require.Error(t, err)
	return err.Error()
}

// panics returns what f panics with.
func panics(t *testing.T, f func()) (message string) {
	t.Helper()
	defer func() {
		r := recover()
		require.NotNil(t, r, "it does not panic")
		message = fmt.Sprint(r)
	}()
	f()
	return ""
}

// log is what an app has logged, without times.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// line waits for the first line with text in it.
func (l *log) line(t *testing.T, text string) string {
	t.Helper()
	var found string
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for line := range strings.Lines(l.b.String()) {
			if strings.Contains(line, text) {
				found = line
				return true
			}
		}
		return false
	}, time.Minute, time.Millisecond, "%s: %s", text, &l.b)
	return found
}

// newApp returns an app and its log.
func newApp(t *testing.T, config inngestkit.Config, functions ...inngestkit.Function) (*inngestkit.App, *log) {
	t.Helper()
	var l log
	config.Logger = slog.New(slog.NewTextHandler(&l, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	}))
	if config.HTTPClient == nil {
		config.HTTPClient = &http.Client{Transport: answering(http.StatusOK, `{"ok":true}`)}
	}
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(functions...))
	t.Cleanup(func() { require.NoError(t, app.Shutdown(context.WithoutCancel(t.Context()))) })
	return app, &l
}

// transport stands in for the network.
type transport func(r *http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering answers all requests in the same way.
func answering(status int, body string) transport {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status, Request: r,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

// refused is a network on which nothing listens.
var refused transport = func(r *http.Request) (*http.Response, error) {
	port, _ := strconv.Atoi(r.URL.Port())
	return nil, &net.OpError{
		Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port},
		Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
	}
}

// register registers functions with an app for the dev server, which refuses them.
func register(functions ...inngestkit.Function) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		app, err := inngestkit.New(dev())
		require.NoError(t, err)
		return fails(t, app.Register(functions...))
	}
}

// onUser is a function with options.
func onUser(options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent("welcome", userCreated, hello, options...)
}

// request is a request of the server for the function welcome.
func request(method, body string) *adapter.Request {
	return &adapter.Request{
		Method: method, Scheme: "http", Host: "localhost:3000", Path: "/api/inngest", RawQuery: "fnId=shop-welcome&stepId=step",
		Header: http.Header{}, Body: strings.NewReader(body), ContentLength: int64(len(body)),
	}
}

const call = `{"ctx":{"run_id":"01","attempt":0},"event":{"name":"user/created","data":{"userId":"u1"}},"steps":{}}`

// calls has the server call a function, and returns the message of the error that it
// answers.
func calls(handler func(ctx context.Context, in inngestkit.Input[user]) (any, error)) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		app, _ := newApp(t, dev(), inngestkit.OnEvent("welcome", userCreated, handler))
		return messageOf(t, app.Do(t.Context(), request(http.MethodPost, call)))
	}
}

// messageOf is the message of an answer, or of the one step that it reports.
func messageOf(t *testing.T, resp *adapter.Response) string {
	t.Helper()
	type failed struct {
		Message string `json:"message"`
	}
	if resp.Status == http.StatusPartialContent {
		var reported []struct {
			Error failed `json:"error"`
		}
		require.NoError(t, json.Unmarshal(resp.Body, &reported))
		require.Len(t, reported, 1)
		require.NotEmpty(t, reported[0].Error.Message, "%s", resp.Body)
		return reported[0].Error.Message
	}
	var answer failed
	require.NoError(t, json.Unmarshal(resp.Body, &answer), "%d: %s", resp.Status, resp.Body)
	require.NotEmpty(t, answer.Message, "%s", resp.Body)
	return answer.Message
}
