package routers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) { testsite.VerifyTestMain(m) }

const (
	signingKey = "signkey-test-0123456789abcdef0123456789abcdef"
	endpoint   = "/api/inngest"
	// slow is how long the function slow takes, longer than a timeout of short.
	short = 250 * time.Millisecond
	slow  = 3 * short
)

type user struct {
	ID string `json:"id"`
}

var signedUp = inngestkit.DefineEvent[user]("user/signed-up")

// A site is a running application with an app in it.
type site struct {
	app *inngestkit.App
	log *testsite.Log
	url string
	// running gets a value when the function slow begins.
	running chan struct{}
}

// run serves an application, and announces its app at the right port. The app is in cloud
// mode unless config says otherwise.
func run(t *testing.T, config inngestkit.Config, build func(app *inngestkit.App) http.Handler) *site {
	t.Helper()
	listener := testsite.Listen(t, "")
	config.ServeHost = "http://" + listener.Addr().String()
	return runOn(t, listener, config, build)
}

// runOn is run on a listener. If config has no ServeHost, the app looks for its port.
func runOn(t *testing.T, listener net.Listener, config inngestkit.Config, build func(app *inngestkit.App) http.Handler) *site {
	t.Helper()
	s := &site{log: &testsite.Log{}, url: "http://" + listener.Addr().String(), running: make(chan struct{}, 1)}
	if config.AppID == "" {
		config.AppID = "app"
	}
	if !config.Dev {
		config.SigningKey = signingKey
	}
	config.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	s.app = app
	require.NoError(t, app.Register(
		inngestkit.OnEvent("fn", signedUp, func(context.Context, inngestkit.Input[user]) (string, error) { return "done", nil }),
		inngestkit.OnEvent("slow", signedUp, func(ctx context.Context, _ inngestkit.Input[user]) (string, error) {
			s.running <- struct{}{}
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(slow):
				return "done", nil
			}
		})))
	server := &http.Server{Handler: build(app), ReadHeaderTimeout: testsite.Timeout, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	testsite.ServeApp(t, app, server, listener)
	return s
}

// callSucceeds requires that a call at the usual path reaches the app and returns its result.
func (s *site) callSucceeds(t *testing.T) {
	t.Helper()
	s.callSucceedsAt(t, endpoint)
}

func (s *site) callSucceedsAt(t *testing.T, path string) {
	t.Helper()
	status, sdk, body := s.callAt(t, path)
	require.Equal(t, http.StatusOK, status, body)
	require.True(t, sdk, "the response is the app's")
	require.Equal(t, `"done"`, body)
}

// callAt calls the function fn like the server, at a path.
func (s *site) callAt(t *testing.T, path string) (status int, sdk bool, body string) {
	t.Helper()
	status, header, body := send(t, s.signed(t, path))
	return status, header.Get("X-Inngest-Sdk") != "", body
}

const smallCall = `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{"id":"u1"}}}`

// signed returns the signed request of a call of the function fn.
func (s *site) signed(t *testing.T, path string) *http.Request {
	t.Helper()
	return s.signedCall(t, path, "fn", http.MethodPost, smallCall)
}

func (s *site) signedCall(t *testing.T, path, function, method, payload string) *http.Request {
	t.Helper()
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("0123456789abcdef0123456789abcdef"))
	_, _ = io.WriteString(mac, payload+timestamp)
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path+"?fnId=app-"+function, strings.NewReader(payload))
	require.NoError(t, err)
	req.Header.Set("X-Inngest-Signature", fmt.Sprintf("t=%s&s=%s", timestamp, hex.EncodeToString(mac.Sum(nil))))
	req.Header.Set("Content-Type", "application/json")
	return req
}

// request sends a request without a body.
func (s *site) request(t *testing.T, method, path string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, nil)
	require.NoError(t, err)
	return send(t, req)
}

// send sends a request unchanged, and does not follow redirects.
func send(t *testing.T, req *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	status, header, body, err := roundTrip(req)
	require.NoError(t, err)
	return status, header, body
}

func roundTrip(req *http.Request) (status int, header http.Header, body string, err error) {
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(answer), err
}

// sending returns an app whose events get a response that the app does not retry, and the
// bodies of the events.
func sending(t *testing.T, status int, body string) (app *inngestkit.App, sent <-chan string) {
	t.Helper()
	bodies := make(chan string, 1)
	inngest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if strings.HasPrefix(r.URL.Path, "/e/") { // the port may be one where a server still looks for an app that has ended
			select {
			case bodies <- string(raw):
			default:
			}
		}
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(inngest.Close)
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "app", Dev: true, BaseURL: inngest.URL, HTTPClient: inngest.Client(), Logger: testsite.Logger(t),
	})
	require.NoError(t, err)
	return app, bodies
}

// appIDOf returns an ID for the app of a test.
func appIDOf(test string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(test))
}

func echo(_ context.Context, in inngestkit.Input[user]) (string, error) { return in.Event.Data.ID, nil }
