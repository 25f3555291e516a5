package inngestlambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// Each service gets a response in its own form.
func TestResponses(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"Content-Type": {"text/plain"}, "X-Several": {"1", "2, 3"}, "Set-Cookie": {"a=1", "b=2"},
		"Connection": {"close"}, "Transfer-Encoding": {"chunked"}, "Content-Length": {"7"},
	}
	const lists = `{"Content-Type":["text/plain"],"X-Several":["1","2, 3"],"Set-Cookie":["a=1","b=2"]}`
	const v1 = `{"statusCode":503,"headers":null,"multiValueHeaders":` + lists + `,"body":"<é>"}`
	const v2 = `{"statusCode":503,"headers":{"Content-Type":"text/plain","X-Several":"1, 2, 3"},"multiValueHeaders":null,"body":"<é>",` +
		`"cookies":["a=1","b=2"]}`
	for event, want := range map[string]string{
		"rest-api":     v1,
		"http-api-1":   v1,
		"http-api-2":   v2,
		"function-url": v2,
		"alb-multi-value": `{"statusCode":503,"statusDescription":"503 Service Unavailable","headers":null,` +
			`"multiValueHeaders":` + lists + `,"body":"<é>","isBase64Encoded":false}`,
		"alb": `{"statusCode":503,"statusDescription":"503 Service Unavailable",` +
			`"headers":{"Content-Type":"text/plain","X-Several":"1, 2, 3","Set-Cookie":"a=1"},"multiValueHeaders":null,"body":"<é>","isBase64Encoded":false}`,
	} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			body := []byte("<é>")
			handler := inngestlambda.Handler(routed(t, func(context.Context, *adapter.Request) *adapter.Response {
				return &adapter.Response{Status: http.StatusServiceUnavailable, Header: header, Body: body}
			}))
			got, err := handler.Invoke(t.Context(), eventOf(t, event))
			require.NoError(t, err)
			require.JSONEq(t, want, string(got))
			require.Contains(t, string(got), "<é>", "without escapes for HTML")

			body = []byte{0x1f, 0x8b, 0xff} // not UTF-8
			got, err = handler.Invoke(t.Context(), eventOf(t, event))
			require.NoError(t, err)
			require.Contains(t, string(got), `"body":"H4v/"`)
			require.Contains(t, string(got), `"isBase64Encoded":true`)
			require.Len(t, header, 6, "the response of the route is unchanged")
		})
	}
}

// A response that a service would not accept fails the call, with a reason. AWS would only
// say that something is wrong.
func TestResponsesTooLarge(t *testing.T) {
	t.Parallel()
	for event, limit := range map[string]int{"rest-api": 6_291_556, "http-api-2": 6_291_556, "function-url": 6_291_556, "alb": 1 << 20} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			var body []byte
			var logged bytes.Buffer
			app, err := inngestkit.New(inngestkit.Config{
				AppID: "shop", Path: "/endpoint", Dev: true, Logger: slog.New(slog.NewTextHandler(&logged, nil)),
			})
			require.NoError(t, err)
			require.NoError(t, app.AddRoutes(adapter.Route{Path: "/api/inngest", Do: func(context.Context, *adapter.Request) *adapter.Response {
				return &adapter.Response{Status: http.StatusOK, Header: http.Header{"X-Kept": {"yes"}}, Body: body}
			}}))
			handler := inngestlambda.Handler(app)
			body = []byte("x")
			smallest, err := handler.Invoke(t.Context(), eventOf(t, event))
			require.NoError(t, err)
			body = bytes.Repeat(body, limit-len(smallest)+1)
			full, err := handler.Invoke(t.Context(), eventOf(t, event))
			require.NoError(t, err)
			require.Len(t, full, limit)
			require.Empty(t, logged.String())

			body = append(body, 'x')
			got, err := handler.Invoke(t.Context(), eventOf(t, event))
			require.NoError(t, err)
			var resp response
			require.NoError(t, json.Unmarshal(got, &resp))
			require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
			require.Contains(t, resp.Body, `"name":"Error"`)
			require.Contains(t, resp.Body, "more than the")
			for _, header := range []string{"X-Kept", "X-Inngest-No-Retry"} {
				require.Contains(t, string(got), header)
			}
			require.Contains(t, logged.String(), "response refused")
			require.Contains(t, logged.String(), "keep large data elsewhere")
		})
	}
}

// The emulated services refuse what AWS refuses.
func TestGatewayLimits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind lambdatest.Kind
		size int
		want int
	}{
		{lambdatest.ALB, 1 << 20, http.StatusOK},
		{lambdatest.ALB, 1<<20 + 1, http.StatusRequestEntityTooLarge},
		{lambdatest.HTTPAPI, 4 << 20, http.StatusOK},
		{lambdatest.HTTPAPI, 5 << 20, http.StatusRequestEntityTooLarge}, // as base64 it has more than 6 MiB
		{lambdatest.RESTAPI, 11 << 20, http.StatusRequestEntityTooLarge},
		{lambdatest.FunctionURL, 5 << 20, http.StatusRequestEntityTooLarge},
	} {
		app := routed(t, func(context.Context, *adapter.Request) *adapter.Response {
			return &adapter.Response{Status: http.StatusOK, Header: http.Header{}}
		})
		gateway := &lambdatest.Gateway{Kind: tc.kind, Handler: inngestlambda.Handler(app)}
		got := post(t, gateway, strings.Repeat("x", tc.size))
		require.Equal(t, tc.want, got.Code, "%d: %d bytes", tc.kind, tc.size)
	}
}
