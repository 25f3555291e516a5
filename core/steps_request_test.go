package inngestkit_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/step"
)

func TestFetch(t *testing.T) {
	t.Parallel()
	op := only(t, func(ctx context.Context) (any, error) {
		return step.Fetch(ctx, "s", step.FetchRequest{
			Method: http.MethodPut, URL: "https://api.test/users?page=2",
			Header: map[string]string{"X-Trace": "t1"}, Body: `{"n":9007199254740993}`,
		})
	})
	require.Equal(t, "Gateway", op["op"])
	require.Equal(t, map[string]any{
		"method": "PUT", "url": "https://api.test/users?page=2",
		"headers": map[string]any{"X-Trace": "t1"}, "body": `{"n":9007199254740993}`,
	}, op["opts"])

	op = only(t, func(ctx context.Context) (any, error) {
		return step.Fetch(ctx, "s", step.FetchRequest{URL: "https://api.test/"})
	})
	require.Equal(t, map[string]any{"method": "GET", "url": "https://api.test/", "body": ""}, op["opts"])
}

func TestFetchResponse(t *testing.T) {
	t.Parallel()
	var got any
	k := kind{call: func(ctx context.Context) (any, error) {
		return step.Fetch(ctx, "s", step.FetchRequest{URL: "https://api.test/"})
	}}
	for _, tc := range []struct {
		body    string
		number  int64
		decodes bool
	}{
		{`{"number":9007199254740993}`, 1<<53 + 1, true},
		{``, 0, false},
		{`<html>&amp;</html>`, 0, false},
		{`"a string"`, 0, false},
	} {
		e := signUpEnvelope(user{}).done("s", map[string]any{
			"status_code": 503, "headers": map[string]string{"Content-Type": "text/html", "X-Two": "a,b"},
			"body": tc.body, "url": "https://api.test/",
		})
		require.Equal(t, http.StatusOK, callFn(t.Context(), t, newKindApp(t, k, &got), e).Status)
		response := got.(step.FetchResponse)
		require.Equal(t, step.FetchResponse{
			StatusCode: 503, Header: map[string]string{"Content-Type": "text/html", "X-Two": "a,b"},
			Body: tc.body, URL: "https://api.test/",
		}, response)
		var decoded user
		require.Equal(t, tc.decodes, response.Decode(&decoded) == nil)
		require.Equal(t, tc.number, decoded.Number)
	}
}

func TestInfer(t *testing.T) {
	t.Parallel()
	type chat struct {
		Model string `json:"model"`
		Seed  int64  `json:"seed"`
	}
	op := only(t, func(ctx context.Context) (any, error) {
		return step.Infer[greeted](ctx, "s", step.InferRequest{
			URL: "https://ai.test/v1/messages", Format: step.FormatAnthropic, AuthKey: "key",
			Header: map[string]string{"Anthropic-Version": "2023-06-01"}, Body: chat{Model: "m", Seed: 1<<53 + 1},
		})
	})
	require.Equal(t, "AIGateway", op["op"])
	require.Equal(t, map[string]any{
		"url": "https://ai.test/v1/messages", "format": "anthropic", "auth_key": "key",
		"headers": map[string]any{"Anthropic-Version": "2023-06-01"},
		"body":    map[string]any{"model": "m", "seed": float64(1<<53 + 1)},
	}, op["opts"])

	resp := callFn(t.Context(), t, newKindApp(t, kind{call: func(ctx context.Context) (any, error) {
		return step.Infer[any](ctx, "s", step.InferRequest{URL: "https://ai.test/", Body: chat{Seed: 1<<53 + 1}})
	}}, nil), signUpEnvelope(user{}))
	require.Contains(t, string(resp.Body), `"seed":9007199254740993`)
}

// The key is only in the request to the server.
func TestInferKeyIsNotLogged(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		request := step.InferRequest{URL: "https://ai.test/?key=s3cret", AuthKey: "s3cret", Body: func() {}}
		return step.Infer[any](ctx, "s", request)
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.NotContains(t, string(resp.Body)+l.String(), "s3cret")
}

// Guard for hazard 26: the SDK's Infer panics for any, and for other interfaces.
func TestInferredTypes(t *testing.T) {
	t.Parallel()
	kept := signUpEnvelope(user{}).done("s", map[string]any{"text": "hi", "big": 1<<53 + 1})
	request := step.InferRequest{URL: "https://ai.test/"}
	for name, tc := range map[string]struct {
		call func(ctx context.Context) (any, error)
		want any
	}{
		"any": {func(ctx context.Context) (any, error) { return step.Infer[any](ctx, "s", request) },
			map[string]any{"text": "hi", "big": float64(1 << 53)}},
		"struct": {func(ctx context.Context) (any, error) { return step.Infer[greeted](ctx, "s", request) },
			greeted{Text: "hi", Big: 1<<53 + 1}},
		"pointer": {func(ctx context.Context) (any, error) { return step.Infer[*greeted](ctx, "s", request) },
			&greeted{Text: "hi", Big: 1<<53 + 1}},
		"map": {func(ctx context.Context) (any, error) { return step.Infer[map[string]any](ctx, "s", request) },
			map[string]any{"text": "hi", "big": float64(1 << 53)}},
		"raw": {func(ctx context.Context) (any, error) { return step.Infer[json.RawMessage](ctx, "s", request) },
			json.RawMessage(`{"big":9007199254740993,"text":"hi"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got any
			require.Equal(t, http.StatusOK, callFn(t.Context(), t, newKindApp(t, kind{call: tc.call}, &got), kept).Status)
			require.Equal(t, tc.want, got)

			got = nil
			adopted, _ := adopt(t, func(ctx context.Context, _ input) (_ any, err error) {
				got, err = tc.call(ctx)
				return nil, err
			})
			require.Equal(t, http.StatusOK, callFn(t.Context(), t, adopted, kept).Status)
			require.Equal(t, tc.want, got, "in an adopted function")
		})
	}
}

func TestInvalidRequests(t *testing.T) {
	t.Parallel()
	infer := func(request step.InferRequest) string {
		return refused(t, func(ctx context.Context) (any, error) { return step.Infer[any](ctx, "s", request) })
	}
	for _, url := range []string{"", "api.test/users", "/users", "ftp://api.test/", "http://", "https://a b/", "http://[::1"} {
		const want = `step "s": the server cannot make a request to this URL`
		require.Contains(t, infer(step.InferRequest{URL: url}), want)
		require.Contains(t, refused(t, func(ctx context.Context) (any, error) {
			return step.Fetch(ctx, "s", step.FetchRequest{URL: url})
		}), want)
	}
	for _, method := range []string{"get", "BREW"} {
		require.Contains(t, refused(t, func(ctx context.Context) (any, error) {
			return step.Fetch(ctx, "s", step.FetchRequest{Method: method, URL: "https://api.test/"})
		}), `step "s": the server does not support method "`+method)
	}
	const ai = "https://ai.test/"
	require.Contains(t, infer(step.InferRequest{URL: ai, Body: math.Inf(1)}), `step "s": the request body cannot be encoded as JSON`)
	most := strings.Repeat("x", 4<<20-16<<10-2) // and two quotes
	require.Contains(t, infer(step.InferRequest{URL: ai, Body: most + "x"}),
		"the request body has 4177921 bytes as JSON, and the limit is 4177920")
	require.Equal(t, most, only(t, func(ctx context.Context) (any, error) {
		return step.Infer[any](ctx, "s", step.InferRequest{URL: ai, Body: most})
	})["opts"].(map[string]any)["body"])
}
