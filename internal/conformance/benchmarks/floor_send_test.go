package benchmarks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A server in memory answers every request with the same JSON.
type memoryServer struct{ answer string }

func (s *memoryServer) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(s.answer)),
		Body: io.NopCloser(strings.NewReader(s.answer)), Request: r,
	}, nil
}

// BenchmarkFloorSend is BenchmarkFloor for sends: at least the events are encoded once, sent in a
// request, and the IDs in the response decoded. The server answers from memory.
func BenchmarkFloorSend(b *testing.B) {
	for _, tc := range []struct{ events, size int }{{1, 1 << 10}, {100, 1 << 10}, {1, 64 << 10}, {1, 1 << 20}} {
		b.Run(fmt.Sprintf("events=%d/size=%dKiB", tc.events, tc.size>>10), func(b *testing.B) {
			ids := strings.TrimSuffix(strings.Repeat(`"01J0000000000000000000000",`, tc.events), ",")
			server := &memoryServer{answer: `{"ids":[` + ids + `],"status":200}`}
			data, definition := itemsOf(tc.size), inngestkit.DefineEvent[benchData]("bench")
			events, sdks := make([]inngestkit.AnyEvent, tc.events), make([]any, tc.events)
			for i := range events {
				event := definition.New(data)
				events[i], sdks[i] = event, event
			}
			passOn := inngestkit.Middleware{Send: func(next inngestkit.SendHandler) inngestkit.SendHandler { return next }}
			plain, with, client := sender(b, server), sender(b, server, passOn), sdkClient(b, inngestgo.ClientOpts{HTTPClient: &http.Client{Transport: server}}, 0)
			inTurn(b, []string{"floor", "ours", "middleware", "sdk"}, []func(){
				func() { floorOfSend(b, server, sdks) },
				func() { sends(b, plain, events) },
				func() { sends(b, with, events) },
				func() {
					_, err := client.SendMany(b.Context(), sdks)
					ok(b, err)
				},
			})
		})
	}
}

func sender(b *testing.B, server *memoryServer, use ...inngestkit.Middleware) *inngestkit.App {
	b.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: benchAppID, Dev: true, HTTPClient: &http.Client{Transport: server}, Logger: benchLogger()})
	require.NoError(b, err)
	app.Use(use...)
	return app
}

func sends(b *testing.B, app *inngestkit.App, events []inngestkit.AnyEvent) {
	b.Helper()
	_, err := app.Send(b.Context(), events...)
	ok(b, err)
}

func floorOfSend(b *testing.B, server *memoryServer, events []any) {
	b.Helper()
	body, err := json.Marshal(events)
	ok(b, err)
	var answer struct {
		IDs []string `json:"ids"`
	}
	postJSON(b, &http.Client{Transport: server}, "http://127.0.0.1:8288/e/key", body, &answer)
	if len(answer.IDs) != len(events) {
		b.Fatal(answer)
	}
}

// postJSON sends a request, and decodes the response.
func postJSON(b *testing.B, client *http.Client, url string, body []byte, answer any) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
	ok(b, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	ok(b, err)
	text, err := io.ReadAll(resp.Body)
	ok(b, err)
	ok(b, resp.Body.Close())
	ok(b, json.Unmarshal(text, answer))
}

// BenchmarkFloorSync is BenchmarkFloor for syncs that the server requests: at least the functions
// are encoded, and sent in a request.
func BenchmarkFloorSync(b *testing.B) {
	http.DefaultClient.Transport = closing{}
	b.Cleanup(func() { http.DefaultClient.Transport = nil })
	for _, functions := range []int{1, 100, 1_000} {
		b.Run(fmt.Sprintf("functions=%d", functions), func(b *testing.B) {
			var body []byte
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ = io.ReadAll(r.Body)
				_, _ = io.WriteString(w, `{"ok":true,"modified":true}`)
			}))
			b.Cleanup(server.Close)
			app, err := inngestkit.New(inngestkit.Config{AppID: benchAppID, Dev: true, BaseURL: server.URL, Logger: benchLogger()})
			require.NoError(b, err)
			for i := range functions {
				require.NoError(b, app.Register(inngestkit.OnEvent(functionName(i), inngestkit.DefineEvent[benchData]("bench"), done)))
			}
			ours, theirs := mounted(app), gin.New()
			theirs.Any(path, gin.WrapH(sdkClient(b, inngestgo.ClientOpts{APIBaseURL: &server.URL}, functions).Serve()))
			syncOnce(b, ours)
			var announced manifest
			require.NoError(b, json.Unmarshal(body, &announced))
			require.Len(b, announced.Functions, functions)
			inTurn(b, []string{"floor", "ours", "sdk"}, []func(){
				func() { floorOfSync(b, server, announced) },
				func() { syncOnce(b, ours) },
				func() { syncOnce(b, theirs) },
			})
		})
	}
}

// closing closes the responses to the SDK, which leaves them open and would run out of
// file descriptors.
type closing struct{}

func (closing) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp, nil
}

// manifest has the essential parts of what a sync announces.
type manifest struct {
	AppName   string             `json:"appName"`
	SDK       string             `json:"sdk"`
	URL       string             `json:"url"`
	V         string             `json:"v"`
	Functions []manifestFunction `json:"functions"`
}

type manifestFunction struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Triggers []struct {
		Event string `json:"event"`
	} `json:"triggers"`
	Steps map[string]struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Runtime struct {
			Type string `json:"type"`
			URL  string `json:"url"`
		} `json:"runtime"`
	} `json:"steps"`
}

func floorOfSync(b *testing.B, server *httptest.Server, announced manifest) {
	b.Helper()
	body, err := json.Marshal(announced)
	ok(b, err)
	var answer struct{ OK bool }
	postJSON(b, server.Client(), server.URL, body, &answer)
	if !answer.OK {
		b.Fatal("not synced")
	}
	_, err = json.Marshal(map[string]any{"message": "synced", "modified": true})
	ok(b, err)
}

func syncOnce(b *testing.B, handler http.Handler) {
	b.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPut, path, http.NoBody))
	if w.Code != http.StatusOK {
		b.Fatal(w.Body)
	}
}

func sdkClient(b *testing.B, options inngestgo.ClientOpts, functions int) inngestgo.Client {
	b.Helper()
	options.AppID, options.Dev, options.EventKey, options.Logger = benchAppID, new(true), new("key"), benchLogger()
	client, err := inngestgo.NewClient(options)
	require.NoError(b, err)
	for i := range functions {
		_, err := inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: functionName(i)}, inngestgo.EventTrigger("bench", nil), done)
		require.NoError(b, err)
	}
	return client
}
