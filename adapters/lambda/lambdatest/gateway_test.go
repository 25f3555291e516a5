package lambdatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type handlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

// Invoke implements lambda.Handler.
func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// serve returns the response of a gateway to a request.
func serve(t *testing.T, g *lambdatest.Gateway, method, target, body string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if header != nil {
		r.Header = header
	}
	g.ServeHTTP(w, r)
	return w
}

// An app is served below a stage or base path, and announced where its client has called.
func TestStagesAndBasePaths(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true,"modified":true}`)
	}))
	t.Cleanup(server.Close)
	for name, tc := range map[string]struct {
		gateway lambdatest.Gateway
		path    string
		want    string // "" if it is path
	}{
		"no stage of a REST API":            {lambdatest.Gateway{Kind: lambdatest.RESTAPI}, "/api/inngest", ""},
		"a stage of a REST API":             {lambdatest.Gateway{Kind: lambdatest.RESTAPI, Stage: "prod"}, "/prod/api/inngest", ""},
		"a base path of a REST API":         {lambdatest.Gateway{Kind: lambdatest.RESTAPI, Stage: "prod", BasePath: "/shop"}, "/shop/api/inngest", ""},
		"a stage of an HTTP API":            {lambdatest.Gateway{Stage: "dev"}, "/dev/api/inngest", "/api/inngest"}, // as on a custom domain
		"a base path of an HTTP API":        {lambdatest.Gateway{Stage: "dev", BasePath: "/shop/v1"}, "/shop/v1/api/inngest", "/api/inngest"},
		"a stage with payload 1.0":          {lambdatest.Gateway{Kind: lambdatest.HTTPAPIv1, Stage: "dev"}, "/dev/api/inngest", ""},
		"a base path with payload 1.0":      {lambdatest.Gateway{Kind: lambdatest.HTTPAPIv1, Stage: "dev", BasePath: "/shop"}, "/shop/api/inngest", ""},
		"a load balancer":                   {lambdatest.Gateway{Kind: lambdatest.ALB}, "/api/inngest", ""},
		"a load balancer, without multiple": {lambdatest.Gateway{Kind: lambdatest.ALBSingleValue}, "/api/inngest", ""},
		"a function URL":                    {lambdatest.Gateway{Kind: lambdatest.FunctionURL}, "/api/inngest", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, BaseURL: server.URL, Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			defer func() { require.NoError(t, app.Shutdown(context.WithoutCancel(t.Context()))) }()
			tc.gateway.Handler = inngestlambda.Handler(app)
			got := serve(t, &tc.gateway, http.MethodPut, "http://shop.example.com"+tc.path, "", nil)
			require.Equal(t, http.StatusOK, got.Code, got.Body)
			if tc.want == "" {
				tc.want = tc.path
			}
			sync, _ := app.LastSync()
			require.Equal(t, "http://shop.example.com"+tc.want, sync.URL)
		})
	}
}

// What the services put into an event.
func TestEvents(t *testing.T) {
	t.Parallel()
	type event struct {
		Version                         string              `json:"version"`
		RawPath                         string              `json:"rawPath"`
		RawQueryString                  string              `json:"rawQueryString"`
		Cookies                         []string            `json:"cookies"`
		Headers                         map[string]string   `json:"headers"`
		MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
		QueryStringParameters           map[string]string   `json:"queryStringParameters"`
		MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
		Body                            string              `json:"body"`
		IsBase64Encoded                 bool                `json:"isBase64Encoded"`
	}
	events := map[lambdatest.Kind]event{}
	for kind := lambdatest.HTTPAPI; kind <= lambdatest.ALBSingleValue; kind++ {
		var got event
		gateway := &lambdatest.Gateway{Kind: kind, Handler: handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
			invocation, ok := lambdacontext.FromContext(ctx)
			require.True(t, ok)
			require.NotEmpty(t, invocation.AwsRequestID)
			return []byte(`{"statusCode":200}`), json.Unmarshal(payload, &got)
		})}
		serve(t, gateway, http.MethodPost, "http://shop.example.com/a%20b?Q=1%2B1&Q=+&flag", "{}", http.Header{
			"Content-Type": {"application/json"}, "X-Many": {"1", "2"}, "Cookie": {"a=1; b=2"},
			"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"203.0.113.7"},
		})
		require.Equal(t, "{}", got.Body)
		require.False(t, got.IsBase64Encoded)
		events[kind] = got
	}
	for _, kind := range []lambdatest.Kind{lambdatest.HTTPAPI, lambdatest.FunctionURL} {
		v2 := events[kind]
		require.Equal(t, "2.0", v2.Version)
		require.Equal(t, "/a b", v2.RawPath)
		require.Equal(t, "Q=1%2B1&Q=+&flag", v2.RawQueryString)
		require.Equal(t, map[string]string{"Q": "1+1, ", "flag": ""}, v2.QueryStringParameters)
		require.Equal(t, []string{"a=1", "b=2"}, v2.Cookies)
		require.Equal(t, "1,2", v2.Headers["x-many"])
		require.NotContains(t, v2.Headers, "cookie")
		require.Nil(t, v2.MultiValueHeaders)
	}
	require.Equal(t, []string{"1", "2"}, events[lambdatest.RESTAPI].MultiValueHeaders["X-Many"])
	require.Equal(t, []string{"1", "2"}, events[lambdatest.HTTPAPIv1].MultiValueHeaders["x-many"])
	require.Equal(t, []string{"1+1", " "}, events[lambdatest.RESTAPI].MultiValueQueryStringParameters["Q"])
	require.Equal(t, []string{"1%2B1", "+"}, events[lambdatest.ALB].MultiValueQueryStringParameters["Q"])
	require.Nil(t, events[lambdatest.ALB].Headers)
	require.Equal(t, "2", events[lambdatest.ALBSingleValue].Headers["x-many"])
	require.Equal(t, "+", events[lambdatest.ALBSingleValue].QueryStringParameters["Q"])
	require.Nil(t, events[lambdatest.ALBSingleValue].MultiValueHeaders)
	// Clients cannot choose their scheme.
	require.Equal(t, "http", events[lambdatest.ALBSingleValue].Headers["x-forwarded-proto"])
	require.Equal(t, "203.0.113.7, 192.0.2.1", events[lambdatest.ALBSingleValue].Headers["x-forwarded-for"])
}

// Bodies are text or base64.
func TestBodies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		header   http.Header
		isBase64 bool
	}{
		{http.Header{"Content-Type": {"application/json; charset=utf-8"}}, false},
		{http.Header{"Content-Type": {"text/plain"}}, false},
		{http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, true},
		{http.Header{"Content-Type": {"application/octet-stream"}}, true},
		{http.Header{}, true},
	} {
		got := serve(t, &lambdatest.Gateway{Handler: handlerFunc(echo)}, http.MethodPost, "/", "body", tc.header)
		require.Equal(t, "body", got.Body.String())
		require.Equal(t, tc.isBase64, got.Header().Get("X-Base64") == "true")
	}
}

// echo responds with the body of the event as it was encoded.
func echo(_ context.Context, payload []byte) ([]byte, error) {
	var event struct {
		Body            string `json:"body"`
		IsBase64Encoded bool   `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	headers := map[string]string{}
	if event.IsBase64Encoded {
		headers["x-base64"] = "true"
	}
	return json.Marshal(map[string]any{
		"statusCode": http.StatusOK, "body": event.Body, "isBase64Encoded": event.IsBase64Encoded, "headers": headers,
	})
}

// A function that fails gets no response through, as on AWS. The Gateway says why.
func TestFailures(t *testing.T) {
	t.Parallel()
	returns := func(response string) handlerFunc {
		return func(context.Context, []byte) ([]byte, error) { return []byte(response), nil }
	}
	for want, handler := range map[string]handlerFunc{
		"a \x01 that %q would not write as JSON": func(context.Context, []byte) ([]byte, error) {
			return nil, errors.New("a \x01 that %q would not write as JSON")
		},
		"broken":                             func(context.Context, []byte) ([]byte, error) { return nil, errors.New("broken") },
		"panicked: oh no":                    func(context.Context, []byte) ([]byte, error) { panic("oh no") },
		"ended its goroutine":                func(context.Context, []byte) ([]byte, error) { runtime.Goexit(); return nil, nil },
		"not JSON":                           returns("<html>"),
		"statusCode of the response is 0":    returns(`{"statusCode":null}`),
		"statusCode of the response is -200": returns(`{"statusCode":-200}`),
		"statusCode of the response is 99":   returns(`{"statusCode":99}`),
		"statusCode of the response is 600":  returns(`{"statusCode":600}`),
		"the form that the service expects":  returns(`{"statusCode":"ok"}`),
		"not base64":                         returns(`{"statusCode":200,"body":"%","isBase64Encoded":true}`),
		"Lambda accepts 6291556":             func(context.Context, []byte) ([]byte, error) { return make([]byte, 6_291_557), nil },
		"balancer accepts 1048576":           func(context.Context, []byte) ([]byte, error) { return make([]byte, 1<<20+1), nil },
	} {
		gateway := &lambdatest.Gateway{Handler: handler}
		if strings.HasPrefix(want, "balancer") {
			gateway.Kind = lambdatest.ALB
		}
		got := serve(t, gateway, http.MethodGet, "/", "", nil)
		require.Equal(t, http.StatusBadGateway, got.Code, want)
		var body map[string]string
		require.NoError(t, json.Unmarshal(got.Body.Bytes(), &body))
		require.Equal(t, "Internal Server Error", body["message"])
		require.Contains(t, body["reason"], want)
	}
}

// With payload 2.0, JSON without a statusCode is a body. The other services refuse it.
func TestResponsesWithoutStatusCode(t *testing.T) {
	t.Parallel()
	for _, response := range []string{`{"message":"hello"}`, `{}`, `"hello"`, `[1]`, `null`, `{"body":"hello","headers":{"x":1}}`} {
		for kind := lambdatest.HTTPAPI; kind <= lambdatest.ALBSingleValue; kind++ {
			got := serve(t, &lambdatest.Gateway{Kind: kind, Handler: handlerFunc(func(context.Context, []byte) ([]byte, error) {
				return []byte(response), nil
			})}, http.MethodGet, "/", "", nil)
			require.Equal(t, "application/json", got.Header().Get("Content-Type"))
			if kind == lambdatest.HTTPAPI || kind == lambdatest.FunctionURL {
				require.Equal(t, http.StatusOK, got.Code)
				require.Equal(t, response, got.Body.String())
			} else {
				require.Equal(t, http.StatusBadGateway, got.Code)
			}
		}
	}
}

// The client gets a response when the function's time is up.
func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		gateway := &lambdatest.Gateway{Timeout: 3 * time.Second, Handler: handlerFunc(func(context.Context, []byte) ([]byte, error) {
			time.Sleep(time.Minute)
			return nil, nil
		})}
		got := serve(t, gateway, http.MethodGet, "/", "", nil)
		require.Equal(t, http.StatusBadGateway, got.Code)
		require.Contains(t, got.Body.String(), "the function has timed out after 3s")
		require.Equal(t, 3*time.Second, time.Since(started))
		time.Sleep(time.Minute) // until the handler returns
	})
}

// Fields of a response that a service does not know are not used.
func TestResponses(t *testing.T) {
	t.Parallel()
	handler := handlerFunc(func(context.Context, []byte) ([]byte, error) {
		return []byte(`{"statusCode":201,"headers":{"x-one":"1"},"multiValueHeaders":{"x-many":["1","2"]},"cookies":["a=1","b=2"],"body":"ok"}`), nil
	})
	one, many, cookies := []string{"1"}, []string{"1", "2"}, []string{"a=1", "b=2"}
	for kind, want := range map[lambdatest.Kind][3][]string{
		lambdatest.HTTPAPI: {one, nil, cookies}, lambdatest.FunctionURL: {one, nil, cookies}, lambdatest.RESTAPI: {one, many, nil},
		lambdatest.HTTPAPIv1: {one, many, nil}, lambdatest.ALB: {nil, many, nil}, lambdatest.ALBSingleValue: {one, nil, nil},
	} {
		got := serve(t, &lambdatest.Gateway{Kind: kind, Handler: handler}, http.MethodGet, "/", "", nil)
		require.Equal(t, http.StatusCreated, got.Code)
		require.Equal(t, "ok", got.Body.String())
		require.Equal(t, "2", got.Header().Get("Content-Length"))
		require.Equal(t, want, [3][]string{got.Header()["X-One"], got.Header()["X-Many"], got.Header()["Set-Cookie"]}, kind)
	}
}
