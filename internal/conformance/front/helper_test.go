package front

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2/utils"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	utils.StartTimeStampUpdater() // Fiber's clock, which runs for ever
	testsite.VerifyTestMain(m,
		// Fiber and fasthttp never end these goroutines, one per process or per middleware.
		goleak.IgnoreTopFunction("github.com/valyala/fasthttp/stackless.funcWorker"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/middleware/cache.New.func2"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/internal/memory.(*Storage).gc"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v3/internal/memory.(*Storage).gc"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v3/internal/storage/memory.(*Storage).gc"),
		goleak.IgnoreAnyFunction("github.com/gofiber/utils/v2.StartTimeStampUpdater.func1"),
		goleak.IgnoreCurrent())
}

const (
	signingKey = "signkey-test-0123456789abcdef0123456789abcdef"
	endpoint   = "/api/inngest"
	// largest is the maximum size of the server's bodies.
	largest = 4 << 20
	// short is the timeout that interrupts slow calls.
	short = 250 * time.Millisecond
	slow  = 3 * short
)

type user struct {
	ID string `json:"id"`
}

// server is an application of a framework.
type server = testsite.Server

// A site is a running application with an app in it.
type site struct {
	app *inngestkit.App
	log *testsite.Log
	url string

	server  server
	running chan struct{} // of the function deaf
	stop    func()        // stops like a program; at the end of the test at the latest
}

// run serves an application. Its app is in cloud mode by default, so calls are signed
// as in production.
func run(t *testing.T, config inngestkit.Config, build func(app *inngestkit.App) server) *site {
	t.Helper()
	listener := testsite.Listen(t, "")
	s := &site{log: &testsite.Log{}, url: "http://" + listener.Addr().String(), running: make(chan struct{}, 1)}
	config.AppID, config.ServeHost = "app", s.url
	if !config.Dev {
		config.SigningKey = signingKey
	}
	config.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	s.app = app
	signedUp := inngestkit.DefineEvent[user]("user/signed-up")
	require.NoError(t, s.app.Register(
		inngestkit.OnEvent("fn", signedUp, func(context.Context, inngestkit.Input[user]) (string, error) { return "done", nil }),
		inngestkit.OnEvent("slow", signedUp, func(ctx context.Context, _ inngestkit.Input[user]) (string, error) {
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(slow):
				return "done", nil
			}
		}),
		inngestkit.OnEvent("deaf", signedUp, func(context.Context, inngestkit.Input[user]) (string, error) {
			select {
			case s.running <- struct{}{}:
			default:
			}
			time.Sleep(slow)
			return "done", nil
		})))
	s.server = build(s.app)
	s.stop = testsite.ServeApp(t, s.app, s.server, listener)
	return s
}

// call calls a function like the server, with a body of the given size, or of the
// smallest size for 0. Without a response, status is 0.
func (s *site) call(t *testing.T, function string, size int) (status int, sdk bool, body string) {
	t.Helper()
	status, header, body := send(s.signed(t, function, size))
	return status, header.Get("X-Inngest-Sdk") != "", body
}

// callSucceeds requires that a call of the function fn, with a body of the given size,
// reaches the app and returns its result.
func (s *site) callSucceeds(t *testing.T, size int) {
	t.Helper()
	status, sdk, body := s.call(t, "fn", size)
	require.Equal(t, http.StatusOK, status, body)
	require.True(t, sdk, "the response is the app's")
	require.Equal(t, `"done"`, body)
}

// signed returns the signed request of a call.
func (s *site) signed(t *testing.T, function string, size int) *http.Request {
	t.Helper()
	const head, tail = `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{"id":"`, `"}}}`
	payload := head + strings.Repeat("x", max(0, size-len(head)-len(tail))) + tail
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("0123456789abcdef0123456789abcdef"))
	_, _ = io.WriteString(mac, payload+timestamp)
	return s.newRequest(t, http.MethodPost, endpoint+"?fnId=app-"+function, payload, http.Header{
		"X-Inngest-Signature": {fmt.Sprintf("t=%s&s=%s", timestamp, hex.EncodeToString(mac.Sum(nil)))},
		"Content-Type":        {"application/json"},
	})
}

// request sends a request. Without a response, the status is 0.
func (s *site) request(t *testing.T, method, path, body string, header http.Header) (int, http.Header, string) {
	t.Helper()
	return send(s.newRequest(t, method, path, body, header))
}

func (s *site) newRequest(t *testing.T, method, path, body string, header http.Header) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(t, err)
	maps.Copy(req.Header, header)
	return req
}

// send sends a request unchanged, and does not follow redirects.
func send(req *http.Request) (status int, header http.Header, body string) {
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, ""
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, ""
	}
	return resp.StatusCode, resp.Header, string(answer)
}
