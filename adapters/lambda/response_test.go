package inngestlambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
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
				return &adapter.Response{Status: http.StatusOK, Header: http.Header{"X-Inngest-Sdk": {"go"}}, Body: body}
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
			for _, header := range []string{"X-Inngest-Sdk", "X-Inngest-No-Retry"} {
				require.Contains(t, string(got), header)
			}
			require.Contains(t, logged.String(), "response refused")
			require.Contains(t, logged.String(), "keep large data elsewhere")
		})
	}
}

// A refused response keeps only the headers of the SDK. The others may be what is too large,
// or may not fit the new body.
func TestResponsesTooLargeKeepHeadersOfTheSDK(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("x"), 7<<20)
	sdk := http.Header{"X-Inngest-Sdk": {"go:v1"}, "X-Inngest-Sdk-Handled": {"true"}, "X-Inngest-Req-Version": {"2"}, "X-Inngest-Framework": {"x"}}
	refused := http.Header{"Content-Type": {"application/json"}, "X-Inngest-No-Retry": {"true"}}
	for name, tc := range map[string]struct {
		body    []byte
		header  http.Header // beside those of the SDK
		dropped string      // of the SDK's headers
	}{
		"nothing else": {body: large},
		"headers for the old body": {body: large, header: http.Header{
			"Content-Encoding": {"gzip"}, "Cache-Control": {"max-age=60"}, "Set-Cookie": {"a=1"}, "Etag": {`"1"`},
			"X-Inngest-Signature": {"t=1&s=00"}, "X-Inngest-Sync-Kind": {"in_band"}, "X-Inngest-No-Retry": {"false"}, "Retry-After": {"1"},
			"Content-Type": {"text/html"},
		}},
		"a large header":            {header: http.Header{"X-Large": {string(large)}}},
		"a large header of the SDK": {header: http.Header{"X-Inngest-Framework": {string(large)}}, dropped: "X-Inngest-Framework"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header, want := sdk.Clone(), sdk.Clone()
			maps.Copy(header, tc.header)
			maps.Copy(want, refused)
			want.Del(tc.dropped)
			for _, event := range []string{"rest-api", "alb-multi-value"} {
				got := refusedResponse(t, event, &adapter.Response{Status: http.StatusOK, Header: header, Body: tc.body})
				require.Equal(t, want, got)
			}
		})
	}
	require.Equal(t, refused, refusedResponse(t, "rest-api", &adapter.Response{Status: http.StatusOK, Body: large}), "a nil Header")
}

// refusedResponse returns the headers of the response that replaces one that is too large.
func refusedResponse(t *testing.T, event string, resp *adapter.Response) http.Header {
	t.Helper()
	handler := inngestlambda.Handler(routed(t, func(context.Context, *adapter.Request) *adapter.Response { return resp }))
	encoded, err := handler.Invoke(t.Context(), eventOf(t, event))
	require.NoError(t, err)
	require.Less(t, len(encoded), 2048)
	var got struct {
		response

		MultiValueHeaders http.Header `json:"multiValueHeaders"`
	}
	require.NoError(t, json.Unmarshal(encoded, &got))
	require.Equal(t, http.StatusInternalServerError, got.StatusCode)
	require.Contains(t, got.Body, "keep large data elsewhere")
	return got.MultiValueHeaders
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
