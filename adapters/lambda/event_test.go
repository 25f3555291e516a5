package inngestlambda_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// eventOf returns an event of testdata. They have the shapes that AWS documents.
func eventOf(t *testing.T, name string) []byte {
	t.Helper()
	payload, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return payload
}

// response is the part of a response that is the same for all services.
type response struct {
	StatusCode int    `json:"statusCode"`
	Body       string `json:"body"`
}

// changed returns an event with other fields, those of the request context with the
// prefix "requestContext.".
func changed(t *testing.T, payload []byte, fields map[string]any) []byte {
	t.Helper()
	var event map[string]any
	require.NoError(t, json.Unmarshal(payload, &event))
	for path, value := range fields {
		object := event
		names := strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			object = object[name].(map[string]any)
		}
		object[names[len(names)-1]] = value
	}
	payload, err := json.Marshal(event)
	require.NoError(t, err)
	return payload
}

// routed returns an app with one route at /api/inngest, which is not the endpoint.
func routed(t *testing.T, do adapter.Handler) *inngestkit.App {
	t.Helper()
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", Path: "/endpoint", Dev: true, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	require.NoError(t, app.AddRoutes(adapter.Route{Path: "/api/inngest", Do: do}))
	return app
}

// Every event becomes the same request, except for what its service does to requests.
func TestEvents(t *testing.T) {
	t.Parallel()
	const domain, custom = "a1b2c3d4e5.execute-api.us-east-2.amazonaws.com", "api.example.com"
	const raw = "fnId=shop-welcome&stepId=step&q=1%2B1%3D2&q=a%20b%2Fc&empty="
	const encoded = "empty=&fnId=shop-welcome&q=1%2B1%3D2&q=a+b%2Fc&stepId=step"
	const undecoded = "empty=&fnId=shop-welcome&q=1%2B1%3D2&q=a%20b%2Fc&stepId=step"
	many, joined, last := []string{"1", "2", "3"}, []string{"1,2,3"}, []string{"3"}
	for name, want := range map[string]struct {
		host, path, query string
		many              []string
		cookie            string
		limit             int64
	}{
		"rest-api":                 {domain, "/prod/api/inngest", encoded, many, "", 4_718_592},
		"rest-api-base-path":       {custom, "/shop/api/inngest", encoded, many, "", 4_718_592},
		"rest-api-resource":        {domain, "/prod/api/inngest/", encoded, many, "", 4_718_592},
		"http-api-1":               {domain, "/api/inngest", encoded, many, "", 4_718_592},
		"http-api-1-stage":         {domain, "/dev/api/inngest", encoded, many, "", 4_718_592},
		"http-api-1-base-path":     {custom, "/shop/api/inngest", encoded, many, "", 4_718_592},
		"http-api-2":               {domain, "/api/inngest", raw, joined, "a=1; b=2", 4_718_592},
		"http-api-2-stage":         {domain, "/dev/api/inngest", raw, joined, "a=1; b=2", 4_718_592},
		"http-api-2-custom-domain": {custom, "/api/inngest", raw, joined, "a=1; b=2", 4_718_592},
		"function-url": {
			"a1b2c3d4e5f6g7.lambda-url.us-east-2.on.aws", "/api/inngest", raw, joined, "a=1; b=2", 4_718_592,
		},
		"alb-multi-value": {"shop.example.com", "/api/inngest", undecoded, many, "", 1 << 20},
		"alb":             {"shop.example.com", "/api/inngest", strings.Replace(undecoded, "q=1%2B1%3D2&", "", 1), last, "", 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *adapter.Request
			var body []byte
			app := routed(t, func(_ context.Context, req *adapter.Request) *adapter.Response {
				got = req
				body, _ = io.ReadAll(req.Body)
				return &adapter.Response{Status: http.StatusOK, Header: http.Header{}}
			})
			_, err := inngestlambda.Handler(app).Invoke(t.Context(), eventOf(t, name))
			require.NoError(t, err)
			require.NotNil(t, got, "the route was not called")
			require.Equal(t, http.MethodPost, got.Method)
			require.Equal(t, "https", got.Scheme)
			require.Equal(t, want.host, got.Host)
			require.Equal(t, want.path, got.Path)
			require.Equal(t, want.query, got.RawQuery)
			require.Equal(t, want.many, got.Header["X-Many"])
			require.Equal(t, want.cookie, got.Header.Get("Cookie"))
			require.Equal(t, []string{"application/json"}, got.Header["Content-Type"])
			require.NotContains(t, got.Header, "Host")
			require.JSONEq(t, `{"event":{}}`, string(body))
			require.EqualValues(t, len(body), got.ContentLength)
			require.Equal(t, want.limit, got.BodyLimit)
			require.False(t, got.Buffered, "it cannot be streamed")
			require.Equal(t, "aws-lambda", got.Framework)
			query, err := url.ParseQuery(got.RawQuery)
			require.NoError(t, err)
			require.Equal(t, "shop-welcome", query.Get("fnId"))
			require.Equal(t, "a b/c", query["q"][len(query["q"])-1])
		})
	}
}

// A sync in dev mode, or one that AllowUnsignedSync permits, announces what the client has
// requested, with the stage and base path of an API.
func TestAnnouncedURL(t *testing.T) {
	t.Parallel()
	const domain = "https://a1b2c3d4e5.execute-api.us-east-2.amazonaws.com"
	for name, want := range map[string]string{
		"rest-api":                 domain + "/prod/api/inngest",
		"rest-api-base-path":       "https://api.example.com/shop/api/inngest",
		"rest-api-resource":        domain + "/prod/api/inngest",
		"http-api-1-stage":         domain + "/dev/api/inngest",
		"http-api-2-stage":         domain + "/dev/api/inngest",
		"http-api-2-custom-domain": "https://api.example.com/api/inngest",
		"function-url":             "https://a1b2c3d4e5f6g7.lambda-url.us-east-2.on.aws/api/inngest",
		"alb":                      "https://shop.example.com/api/inngest",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"ok":true,"modified":true}`)
			}))
			defer server.Close()
			app, err := inngestkit.New(inngestkit.Config{
				AppID: "shop", Dev: true, BaseURL: server.URL, Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, app.Shutdown(t.Context())) }()
			payload := changed(t, eventOf(t, name), map[string]any{
				"httpMethod": http.MethodPut, "rawQueryString": "", "multiValueQueryStringParameters": nil, "queryStringParameters": nil,
			})
			if strings.HasPrefix(name, "http-api-2") || name == "function-url" {
				payload = changed(t, payload, map[string]any{"requestContext.http.method": http.MethodPut})
			}
			encoded, err := inngestlambda.Handler(app).Invoke(t.Context(), payload)
			require.NoError(t, err)
			require.Contains(t, string(encoded), `"statusCode":200`)
			sync, _ := app.LastSync()
			require.Equal(t, want, sync.URL)
		})
	}
}

// A stage or base path that is part of an app's path is not taken for one that is not.
func TestPathsLikeStages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		event  string
		fields map[string]any
		want   int
	}{
		"a REST API's stage has the first element's name": {
			"rest-api", map[string]any{"requestContext.stage": "api", "requestContext.path": "/api/api/inngest"}, http.StatusOK,
		},
		"an HTTP API's stage, too": {
			"http-api-2-stage", map[string]any{"requestContext.stage": "api", "rawPath": "/api/api/inngest"}, http.StatusOK,
		},
		"a stage that is a prefix of an element": {
			"http-api-2-stage", map[string]any{"requestContext.stage": "ap", "rawPath": "/api/inngest"}, http.StatusOK,
		},
		"a path within a resource": {
			"rest-api", map[string]any{"resource": "/shop/{proxy+}", "path": "/shop/api/inngest"}, http.StatusNotFound,
		},
		"a parameter": {
			"rest-api", map[string]any{"resource": "/{a}/inngest", "pathParameters": map[string]any{"a": "api"}}, http.StatusOK,
		},
		"a parameter that does not fit": {
			"rest-api", map[string]any{"pathParameters": map[string]any{"proxy": "other"}}, http.StatusOK,
		},
		"escapes":              {"http-api-2", map[string]any{"rawPath": "/%61pi/inngest"}, http.StatusOK},
		"a broken escape":      {"http-api-2", map[string]any{"rawPath": "/api/inngest%"}, http.StatusNotFound},
		"two slashes":          {"http-api-2", map[string]any{"rawPath": "//api/inngest"}, http.StatusNotFound},
		"an element before it": {"alb", map[string]any{"path": "/other/api/inngest"}, http.StatusNotFound},
		"no path":              {"http-api-2", map[string]any{"rawPath": ""}, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := routed(t, func(context.Context, *adapter.Request) *adapter.Response {
				return &adapter.Response{Status: http.StatusOK, Header: http.Header{}}
			})
			encoded, err := inngestlambda.Handler(app).Invoke(t.Context(), changed(t, eventOf(t, tc.event), tc.fields))
			require.NoError(t, err)
			var resp response
			require.NoError(t, json.Unmarshal(encoded, &resp))
			require.Equal(t, tc.want, resp.StatusCode)
		})
	}
}

// The host is the domain in the request context and not what clients send, and the path is
// there too, except in events of the API's console.
func TestRequestContext(t *testing.T) {
	t.Parallel()
	for event, field := range map[string]string{
		"rest-api": "multiValueHeaders.Host", "http-api-1": "multiValueHeaders.host", "http-api-2": "headers.host",
	} {
		var got *adapter.Request
		app := routed(t, func(_ context.Context, req *adapter.Request) *adapter.Response {
			got = req
			return &adapter.Response{Status: http.StatusOK, Header: http.Header{}}
		})
		host := any("other.example.com")
		if event != "http-api-2" {
			host = []string{"other.example.com"}
		}
		payload := changed(t, eventOf(t, event), map[string]any{field: host, "requestContext.path": ""})
		_, err := inngestlambda.Handler(app).Invoke(t.Context(), payload)
		require.NoError(t, err)
		require.Equal(t, "a1b2c3d4e5.execute-api.us-east-2.amazonaws.com", got.Host, event)
		require.Equal(t, "/api/inngest", got.Path, event)
	}
}

// Only a load balancer can have been called without TLS.
func TestScheme(t *testing.T) {
	t.Parallel()
	for proto, want := range map[string]string{"http": "http", "https": "https", "": "https", "gopher": "https"} {
		var got string
		app := routed(t, func(_ context.Context, req *adapter.Request) *adapter.Response {
			got = req.Scheme
			return &adapter.Response{Status: http.StatusOK, Header: http.Header{}}
		})
		_, err := inngestlambda.Handler(app).Invoke(t.Context(), changed(t, eventOf(t, "alb"), map[string]any{"headers.x-forwarded-proto": proto}))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestBodyThatIsNotBase64(t *testing.T) {
	t.Parallel()
	app := routed(t, func(context.Context, *adapter.Request) *adapter.Response { panic("called") })
	payload := changed(t, eventOf(t, "http-api-2"), map[string]any{"body": "%"})
	encoded, err := inngestlambda.Handler(app).Invoke(t.Context(), payload)
	require.NoError(t, err)
	require.Contains(t, string(encoded), `"statusCode":400`)
	require.Contains(t, string(encoded), "the body of the event is not base64")
}

// The runtime reuses the memory of a payload for the next one.
func TestPayloadsAreNotRetained(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rest-api", "http-api-2", "alb"} {
		var kept *adapter.Request
		app := routed(t, func(_ context.Context, req *adapter.Request) *adapter.Response {
			kept = req
			return &adapter.Response{Status: http.StatusOK, Header: http.Header{}}
		})
		payload := eventOf(t, name)
		_, err := inngestlambda.Handler(app).Invoke(t.Context(), payload)
		require.NoError(t, err)
		before := kept.Path + kept.Host + kept.RawQuery + kept.Header.Get("X-Many")
		clear(payload)
		require.Equal(t, before, strings.Clone(kept.Path+kept.Host+kept.RawQuery+kept.Header.Get("X-Many")))
	}
}
