package inngestkit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A captured signature can be sent again for five minutes. What was signed for one kind of
// request is not valid for another.
func TestCapturedSignaturesCannotSync(t *testing.T) {
	t.Parallel()
	server := newAPI(t, synced)
	config := cloud
	config.BaseURL = server.URL
	app, _ := newAppWith(t, config, onSignUp(hello))
	now := time.Now()
	probe := app.Do(t.Context(), withHeader(request(http.MethodPost, "probe=trust", "{}"), "X-Inngest-Signature", sign(t, signingKey, "{}", now)))
	require.Equal(t, http.StatusOK, probe.Status)
	call := signUpEnvelope(user{}).json(t)
	for _, captured := range []struct{ name, signature, body string }{
		{"the app's response to a probe", probe.Header.Get("X-Inngest-Signature"), string(probe.Body)},
		{"an inspection", sign(t, signingKey, "", now), ""},
		{"a call", sign(t, signingKey, call, now), call},
	} {
		for _, kind := range []string{"in_band", "out_of_band", ""} {
			req := withHeader(request(http.MethodPut, "", captured.body), "X-Inngest-Signature", captured.signature)
			resp := app.Do(t.Context(), withHeader(req, "X-Inngest-Sync-Kind", kind))
			require.Equal(t, http.StatusBadRequest, resp.Status, "%s: %s", captured.name, resp.Body)
			require.NotContains(t, string(resp.Body), "app-fn")
		}
	}
	req := withHeader(request(http.MethodPost, "fnId=app-fn", string(probe.Body)), "X-Inngest-Signature", probe.Header.Get("X-Inngest-Signature"))
	require.Equal(t, http.StatusBadRequest, app.Do(t.Context(), req).Status)
	requests, _ := server.seen()
	require.Empty(t, requests)
}

// A captured sync announces the URL that the server signed, even if the rest is changed.
func TestSignedSyncsAnnounceWhatTheServerCalls(t *testing.T) {
	t.Parallel()
	for _, trust := range []bool{false, true} {
		server := newAPI(t, synced)
		config := cloud
		config.BaseURL, config.TrustProxy = server.URL, trust
		app, _ := newAppWith(t, config, onSignUp(hello))
		req := withHeader(signedSync(t, signingKey), "X-Inngest-Sync-Kind", "out_of_band")
		req.Host, req.Scheme, req.Path, req.RawQuery = "evil.test", "https", "/x", "probe=trust&deployId=d1"
		withHeader(withHeader(req, "X-Forwarded-Host", "evil.test"), "X-Forwarded-Prefix", "/y")
		require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
		last, _ := app.LastSync()
		require.Equal(t, "http://app.test/api/inngest", last.URL)
		requests, _ := server.seen()
		require.Equal(t, "deployId=d1", requests[0].URL.RawQuery)
	}
}

// The body of a signed sync contains the URL of the app.
func TestSignedSyncsWithoutAURL(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, cloud, onSignUp(hello))
	for _, body := range []string{
		`{}`, `{"url":""}`, `{"url":"/api/inngest"}`, `{"url":"//app.test/api/inngest"}`, `{"url":"ftp://app.test/api/inngest"}`,
		`{"url":"http:///api/inngest"}`, `{"url":"http://[::1"}`,
	} {
		for _, kind := range []string{"in_band", "out_of_band"} {
			req := withHeader(request(http.MethodPut, "", body), "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
			resp := app.Do(t.Context(), withHeader(req, "X-Inngest-Sync-Kind", kind))
			require.Equal(t, http.StatusBadRequest, resp.Status, "%s, %s", kind, body)
			require.Contains(t, message(t, resp), `the body of the sync has no "url"`)
		}
	}
}

// The specification allows syncs without a body, which no server sends.
func TestSignedSyncsWithoutABody(t *testing.T) {
	t.Parallel()
	for host, status := range map[string]int{"": http.StatusBadRequest, "https://shop.test": http.StatusOK} {
		server := newAPI(t, synced)
		config := cloud
		config.BaseURL, config.ServeHost = server.URL, host
		app, _ := newAppWith(t, config, onSignUp(hello))
		req := withHeader(request(http.MethodPut, "", ""), "X-Inngest-Signature", sign(t, signingKey, "", time.Now()))
		req.Host = "evil.test"
		require.Equal(t, status, app.Do(t.Context(), withHeader(req, "X-Inngest-Sync-Kind", "out_of_band")).Status)
		if last, ok := app.LastSync(); ok {
			require.Equal(t, "https://shop.test/api/inngest", last.URL)
		}
	}
}

// The server signs the canonical form of a sync's body and sends what encoding/json
// makes of it (Ping in its pkg/deploy).
func TestServersSignTheCanonicalFormOfSyncs(t *testing.T) {
	t.Parallel()
	server := newAPI(t, synced)
	config := cloud
	config.BaseURL = server.URL
	app, _ := newAppWith(t, config, onSignUp(hello))
	sent, err := json.Marshal(map[string]string{"url": "http://app.test/api/inngest?a=1&b=<"})
	require.NoError(t, err)
	require.Contains(t, string(sent), `\u0026`)
	for _, key := range []string{signingKey, fallbackKey} {
		req := withHeader(request(http.MethodPut, "a=1&b=<", string(sent)), "X-Inngest-Signature", signCanonical(t, key, string(sent), time.Now()))
		resp := app.Do(t.Context(), withHeader(req, "X-Inngest-Server-Kind", "cloud"))
		require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
		last, _ := app.LastSync()
		require.Equal(t, "http://app.test/api/inngest?a=1&b=%3C", last.URL)
	}
	req := withHeader(request(http.MethodPut, "", string(sent)), "X-Inngest-Signature", signCanonical(t, wrongKey, string(sent), time.Now()))
	require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), req).Status)
}

// The server would treat the response to a probe as the result of a function.
func TestCallsAreNotProbes(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(hello))
	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&probe=trust", signUpEnvelope(user{}).json(t)))
	require.Equal(t, `"hello"`, string(resp.Body))
}

// Middleware and the function see the same data, or neither sees any.
func TestEventWithDataTwice(t *testing.T) {
	t.Parallel()
	ran := false
	for _, second := range []string{`"data"`, `"Data"`, `"d\u0061ta"`} {
		app, _ := newApp(t, onSignUp(hello))
		app.Use(inngestkit.Middleware{Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				if _, err := call.Events(); err != nil {
					return nil, err
				}
				ran = true
				return next(ctx, call)
			}
		}})
		resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn",
			`{"ctx":{},"event":{"name":"user/signed-up","data":{"id":"u1"},`+second+`:{"number":2}}}`))
		require.Equal(t, http.StatusBadRequest, resp.Status)
		require.Contains(t, message(t, resp), `it has "data" twice`)
		require.False(t, ran)
	}
}
