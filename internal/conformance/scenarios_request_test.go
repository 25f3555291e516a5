package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// requestScenarios show the requests that the server makes for a run.
var requestScenarios = []scenario{
	{
		name: "fetch",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("fetch", "user/fetch", func(ctx context.Context, in input) (any, error) {
				base := in.Event.Data.URL
				found, err := step.Fetch(ctx, "get", step.FetchRequest{URL: base + "/found?page=2", Header: map[string]string{"X-Trace": "t1"}})
				if err != nil {
					return nil, err
				}
				var body user
				if err := found.Decode(&body); err != nil {
					return nil, err
				}
				broken, err := step.Fetch(ctx, "post", step.FetchRequest{
					Method: http.MethodPost, URL: base + "/broken", Body: `{"number":9007199254740993}`,
				})
				return []any{found.StatusCode, found.Header["X-Served-By"], body, broken.StatusCode, broken.Body}, err
			}, flow.Retries(2))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			web := serveWeb(t, map[string]answer{
				"/found":  {http.StatusOK, `{"id":"u1","number":9007199254740993}`},
				"/broken": {http.StatusInternalServerError, "<h1>oh</h1>"},
			})
			run := s.run(t, userEvent("user/fetch").New(user{URL: web.URL}))
			require.JSONEq(t, `[200, "web", {"id":"u1","number":9007199254740993}, 500, "<h1>oh</h1>"]`, string(run.Output))
			seen := web.seen()
			require.Len(t, seen, 2, "no status is retried")
			require.Equal(t, []string{"GET", "/found?page=2", ""}, []string{seen[0].method, seen[0].url, string(seen[0].body)})
			require.Equal(t, "t1", seen[0].header.Get("X-Trace"))
			require.Equal(t, []string{"POST", "/broken", `{"number":9007199254740993}`},
				[]string{seen[1].method, seen[1].url, string(seen[1].body)})
		},
	},
	{
		name: "fetch from a closed port",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("fetch-nobody", "user/fetch-nobody", func(ctx context.Context, in input) (string, error) {
				_, err := step.Fetch(ctx, "get", step.FetchRequest{URL: in.Event.Data.URL})
				if failed, ok := errors.AsType[step.Error](err); ok {
					return failed.Name, nil
				}
				return "", err
			}, flow.Retries(0))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			listener := testsite.Listen(t, "")
			require.NoError(t, listener.Close())
			run := s.run(t, userEvent("user/fetch-nobody").New(user{URL: "http://" + listener.Addr().String()}))
			require.Equal(t, `"GatewayError"`, string(run.Output))
		},
	},
	{
		name: "infer",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("infer", "user/infer", func(ctx context.Context, in input) (any, error) {
				request := step.InferRequest{
					URL: in.Event.Data.URL + "/v1/chat/completions", Format: step.FormatOpenAIChat, AuthKey: "sk-test",
					Header: map[string]string{"OpenAI-Organization": "org"},
					Body:   chat{Model: "small", Messages: []chatMessage{{"user", "hi"}}, Seed: big},
				}
				typed, err := step.Infer[completion](ctx, "typed", request)
				if err != nil {
					return nil, err
				}
				request.Format = ""
				untyped, err := step.Infer[any](ctx, "untyped", request)
				return []any{typed.Choices[0].Message.Content, untyped.(map[string]any)["id"]}, err
			})}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			web := serveWeb(t, map[string]answer{"/v1/chat/completions": {http.StatusOK,
				`{"id":"c1","choices":[{"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{}}`}})
			run := s.run(t, userEvent("user/infer").New(user{URL: web.URL}))
			require.JSONEq(t, `["hello", "c1"]`, string(run.Output))
			seen := web.seen()
			require.Len(t, seen, 2)
			for _, request := range seen {
				require.Equal(t, "Bearer sk-test", request.header.Get("Authorization"))
				require.Equal(t, "org", request.header.Get("Openai-Organization"))
				require.Equal(t, http.MethodPost, request.method)
				body := decoded[chat](t, request.body)
				require.Equal(t, "small", body.Model)
				require.Equal(t, []chatMessage{{"user", "hi"}}, body.Messages)
			}
		},
	},
	{
		name: "infer from a model that fails",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("infer-fails", "user/infer-fails", func(ctx context.Context, in input) (string, error) {
				_, err := step.Infer[completion](ctx, "ask", step.InferRequest{URL: in.Event.Data.URL, AuthKey: "sk-test", Body: chat{}})
				if failed, ok := errors.AsType[step.Error](err); ok {
					return failed.Name + string(failed.Data), nil
				}
				return "no step.Error", err
			}, flow.Retries(1))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			web := serveWeb(t, map[string]answer{
				"/json": {http.StatusTooManyRequests, `{"error":"slow down"}`},
				"/html": {http.StatusBadGateway, "<h1>oh</h1>"},
			})
			run := s.run(t, userEvent("user/infer-fails").New(user{URL: web.URL + "/json"}))
			require.JSONEq(t, `"AIGatewayError{\"error\":\"slow down\"}"`, string(run.Output))
			run = s.run(t, userEvent("user/infer-fails").New(user{URL: web.URL + "/html"}))
			require.Equal(t, `"Errornull"`, string(run.Output), "the server does not store such an error")
			require.Len(t, web.seen(), 4, "each has two attempts")
			require.Equal(t, devserver.RunCompleted, run.Status)
		},
	},
}

// chat and completion are the parts of the OpenAI API that the tests use.
type chat struct {
	Model    string        `json:"model"`
	Messages []chatMessage `json:"messages"`
	Seed     int64         `json:"seed,omitempty"`
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type completion struct {
	Choices []struct {
		Message chatMessage `json:"message"`
	} `json:"choices"`
}

// answer is the response of a web server on a path.
type answer struct {
	status int
	body   string
}

// web is a web server that records the requests it gets.
type web struct {
	*httptest.Server

	mu       sync.Mutex
	requests []webRequest
}

type webRequest struct {
	method, url string
	header      http.Header
	body        []byte
}

func serveWeb(t *testing.T, answers map[string]answer) *web {
	t.Helper()
	w := &web{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, ok := answers[r.URL.Path]; !ok { // from a server that still looks for an app that had this port
			http.NotFound(rw, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.requests = append(w.requests, webRequest{r.Method, r.URL.String(), r.Header, body})
		w.mu.Unlock()
		rw.Header().Set("X-Served-By", "web")
		rw.WriteHeader(answers[r.URL.Path].status)
		_, _ = io.WriteString(rw, answers[r.URL.Path].body)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *web) seen() []webRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests
}

func decoded[T any](t *testing.T, raw json.RawMessage) (value T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(raw, &value), "%s", raw)
	return value
}
