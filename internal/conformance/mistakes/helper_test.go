package mistakes

import (
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
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

const signingKey = "signkey-prod-0123456789abcdef0123456789abcdef"

type user struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

var userCreated = inngestkit.DefineEvent[user]("user/created")

func hello[T any](context.Context, inngestkit.Input[T]) (string, error) { return "hello", nil }

// dev returns a configuration for the dev server.
func dev() inngestkit.Config { return inngestkit.Config{AppID: "shop", Dev: true} }

// cloud returns a configuration for Inngest Cloud.
func cloud() inngestkit.Config {
	return inngestkit.Config{AppID: "shop", SigningKey: signingKey, EventKey: "event-key", ServeHost: "https://shop.example.com"}
}

// fails returns the message of an error.
func fails(t *testing.T, err error) string {
	t.Helper()
	require.Error(t, err)
	return err.Error()
}

// panics returns the text of f's panic.
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

// newApp returns an app and its log, which has no times.
func newApp(t *testing.T, config inngestkit.Config, functions ...inngestkit.Function) (*inngestkit.App, *testsite.Log) {
	t.Helper()
	var l testsite.Log
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

// answering returns a transport with the same response for all requests.
func answering(status int, body string) transport {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status, Request: r,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

// refused simulates a network on which nothing listens.
var refused transport = func(r *http.Request) (*http.Response, error) {
	port, _ := strconv.Atoi(r.URL.Port())
	return nil, &net.OpError{
		Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port},
		Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
	}
}

// register returns a test that registers functions and returns the error.
func register(functions ...inngestkit.Function) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		app, err := inngestkit.New(dev())
		require.NoError(t, err)
		return fails(t, app.Register(functions...))
	}
}

// onUser defines a function with options.
func onUser(options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent("welcome", userCreated, hello, options...)
}

// request returns a request of the server for the function welcome.
func request(method, body string) *adapter.Request {
	return &adapter.Request{
		Method: method, Scheme: "http", Host: "localhost:3000", Path: "/api/inngest", RawQuery: "fnId=shop-welcome&stepId=step",
		Header: http.Header{}, Body: strings.NewReader(body), ContentLength: int64(len(body)),
	}
}

const call = `{"ctx":{"run_id":"01","attempt":0},"event":{"name":"user/created","data":{"userId":"u1"}},"steps":{}}`

// calls returns a test that calls a function like the server, and returns the message
// of the error in the response.
func calls(handler func(ctx context.Context, in inngestkit.Input[user]) (any, error)) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		app, _ := newApp(t, dev(), inngestkit.OnEvent("welcome", userCreated, handler))
		return messageOf(t, app.Do(t.Context(), request(http.MethodPost, call)))
	}
}

// messageOf returns the message of a response, or of the only step that it reports.
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
