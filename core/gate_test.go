package inngestkit_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

const (
	signingKey  = "signkey-test-0123456789abcdef0123456789abcdef"
	fallbackKey = "signkey-test-fedcba9876543210fedcba9876543210"
	wrongKey    = "signkey-test-00000000000000000000000000000000"
)

var cloud = inngestkit.Config{SigningKey: signingKey, SigningKeyFallback: fallbackKey, EventKey: "an-event-key"}

func hello[T any](context.Context, inngestkit.Input[T]) (string, error) { return "hello", nil }

// sign signs the exact bytes, as the server does for calls.
func sign(tb testing.TB, key, body string, at time.Time) string {
	tb.Helper()
	mac := hmac.New(sha256.New, []byte(strings.TrimPrefix(key, "signkey-test-")))
	fmt.Fprintf(mac, "%s%d", body, at.Unix())
	return fmt.Sprintf("t=%d&s=%x", at.Unix(), mac.Sum(nil))
}

// signCanonical signs the canonical form, as the server does for syncs.
func signCanonical(tb testing.TB, key, body string, at time.Time) string {
	tb.Helper()
	signature, err := inngestgo.Sign(tb.Context(), at, []byte(key), []byte(body))
	require.NoError(tb, err)
	return signature
}

// signedSync returns a sync as servers request it.
func signedSync(tb testing.TB, key string) *adapter.Request {
	tb.Helper()
	const body = `{"url":"http://app.test/api/inngest"}`
	return withHeader(request(http.MethodPut, "", body), "X-Inngest-Signature", sign(tb, key, body, time.Now()))
}

func TestSignature(t *testing.T) {
	t.Parallel()
	// The body is in canonical form: its keys are sorted.
	body := `{"ctx":{"attempt":0,"run_id":"r"},"event":{"data":{"id":"u1"},"name":"user/signed-up"},"events":[],"steps":{}}`
	reformatted := `{ "steps": {}, "events": [], "event": {"name":"user/signed-up","data":{"id":"u1"}}, "ctx": {"run_id":"r","attempt":0} }`
	large := strings.Replace(body, "u1", strings.Repeat("u", 1<<20), 1)
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // the start of a synctest bubble
	for _, tc := range []struct {
		name      string
		body      string
		signature string
		status    int
		message   string
	}{
		{"good", body, sign(t, signingKey, body, now), 200, ""},
		{"fallback key", body, sign(t, fallbackKey, body, now), 200, ""},
		{"another layout", reformatted, sign(t, signingKey, body, now), 401, "check that no proxy or middleware changes bodies"},
		{"another number that is the same as a float64", strings.Replace(body, `"u1"`, "1000000000000000064", 1),
			sign(t, signingKey, strings.Replace(body, `"u1"`, "1000000000000000000", 1), now), 401, "does not match"},
		{"a key twice", strings.Replace(body, `"id":"u1"`, `"id":"u1","id":"u2"`, 1), sign(t, signingKey, body, now), 401, "does not match"},
		{"almost too old", body, sign(t, signingKey, body, now.Add(-5*time.Minute)), 200, ""},
		{"almost too new", body, sign(t, signingKey, body, now.Add(5*time.Minute)), 200, ""},
		{"wrong key", body, sign(t, wrongKey, body, now), 401, "does not match"},
		{"tampered body", strings.Replace(body, "u1", "u2", 1), sign(t, signingKey, body, now), 401, "does not match"},
		{"other time", body, strings.Replace(sign(t, signingKey, body, now), "t=", "t=1&x=", 1), 401, "too old or from the future"},
		{"stale", body, sign(t, signingKey, body, now.Add(-5*time.Minute-time.Second)), 401, "too old or from the future"},
		{"future", body, sign(t, signingKey, body, now.Add(5*time.Minute+time.Second)), 401, "too old or from the future"},
		{"missing", body, "", 401, "in cloud mode; for the dev server set INNGEST_DEV=1"},
		{"large body", large, sign(t, signingKey, large, now), 200, ""},
		{"without time", body, "s=" + strings.Repeat("0", 64), 401, "malformed"},
		{"without sum", body, fmt.Sprintf("t=%d", now.Unix()), 401, "malformed"},
		{"sum is not hex", body, fmt.Sprintf("t=%d&s=%s", now.Unix(), strings.Repeat("x", 64)), 401, "malformed"},
		{"not a query", body, "%zz", 401, "malformed"},
		{"signed garbage", "garbage", sign(t, signingKey, "garbage", now), 400, "not JSON"},
		{"raw bytes of another layout", reformatted, sign(t, signingKey, reformatted, now), 200, ""},
		{"body read by a middleware", "", sign(t, signingKey, body, now), 401, "a middleware in front of the endpoint has read it"},
		{"unsigned garbage", "garbage", "", 401, "is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				req := withHeader(request(http.MethodPost, "fnId=app-fn&stepId=step", tc.body), "X-Inngest-Signature", tc.signature)
				requireResponse(t, req, tc.status, tc.message)
			})
		})
	}
}

// requireResponse requires this response of an app in cloud mode, and that neither the
// response nor the log contains a secret.
func requireResponse(t *testing.T, req *adapter.Request, status int, text string) {
	t.Helper()
	app, l := newAppWith(t, cloud, onSignUp(hello))
	resp := app.Do(t.Context(), req)
	require.Equal(t, status, resp.Status, "%s", resp.Body)
	if status != http.StatusOK {
		require.Contains(t, message(t, resp), text)
	}
	if status == http.StatusUnauthorized {
		require.Empty(t, resp.Header.Get("X-Inngest-Sdk"), "the SDK's version is hidden from strangers")
		require.Empty(t, resp.Header.Get("X-Inngest-Req-Version"))
		require.Equal(t, "true", resp.Header.Get("X-Inngest-Sdk-Handled"))
	}
	for _, secret := range []string{signingKey, fallbackKey, signingKey[13:], fallbackKey[13:], "an-event-key"} {
		require.NotContains(t, string(resp.Body), secret)
		require.NotContains(t, l.String(), secret)
	}
}

// The error does not call a body empty that has no canonical form, or is too large to be
// converted to it.
func TestWronglySignedSync(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, cloud, onSignUp(hello))
	for _, body := range []string{`{"url":"http://app.test"}`, "garbage", `{"url":"http://app.test/` + strings.Repeat("x", 5<<10) + `"}`} {
		req := withHeader(request(http.MethodPut, "", body), "X-Inngest-Signature", sign(t, wrongKey, body, time.Now()))
		resp := app.Do(t.Context(), req)
		require.Equal(t, http.StatusUnauthorized, resp.Status)
		require.Contains(t, message(t, resp), "compare INNGEST_SIGNING_KEY")
	}
	req := withHeader(request(http.MethodPut, "", ""), "X-Inngest-Signature", sign(t, wrongKey, "{}", time.Now()))
	require.Contains(t, message(t, app.Do(t.Context(), req)), "the body is empty")
}

// Without a fallback key, the empty key, which anyone has, is not accepted as one.
func TestSignatureWithAnEmptyKey(t *testing.T) {
	t.Parallel()
	config := cloud
	config.SigningKeyFallback = ""
	app, _ := newAppWith(t, config, onSignUp(hello))
	for method, body := range map[string]string{
		http.MethodPost: signUpEnvelope(user{}).json(t), http.MethodPut: `{"url":"http://app.test/api/inngest"}`,
	} {
		req := withHeader(request(method, "fnId=app-fn", body), "X-Inngest-Signature", sign(t, "", body, time.Now()))
		require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), req).Status, method)
	}
}

func TestUnsignedCallsExecuteOnlyInDevMode(t *testing.T) {
	for _, tc := range []struct {
		dev    string
		status int
	}{{"1", 200}, {"true", 200}, {"http://127.0.0.1:9999", 200}, {"0", 401}, {"false", 401}, {"", 401}} {
		t.Run("INNGEST_DEV="+tc.dev, func(t *testing.T) {
			t.Setenv("INNGEST_DEV", tc.dev)
			t.Setenv("INNGEST_SIGNING_KEY", signingKey)
			config, err := inngestkit.ConfigFromEnv()
			require.NoError(t, err)
			app, _ := newAppWith(t, config, onSignUp(hello))
			require.Equal(t, tc.status, callFn(t.Context(), t, app, signUpEnvelope(user{})).Status)
		})
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, MaxBodyBytes: 1 << 10}, onSignUp(hello))
	good := signUpEnvelope(user{}).json(t)
	for _, tc := range []struct {
		name    string
		req     *adapter.Request
		status  int
		message string
	}{
		{"empty", request(http.MethodPost, "fnId=app-fn", ""), 400, "the body is empty; if the server sent one, a middleware"},
		{"no body", func() *adapter.Request { r := request(http.MethodPost, "fnId=app-fn", ""); r.Body = nil; return r }(), 400, "the body is empty"},
		{"garbage", request(http.MethodPost, "fnId=app-fn", "\x00\xff garbage"), 400, "not JSON"},
		{"truncated", request(http.MethodPost, "fnId=app-fn", good[:len(good)/2]), 400, "not JSON"},
		{"last byte missing", request(http.MethodPost, "fnId=app-fn", good[:len(good)-1]), 400, "not JSON"},
		{"deeply nested", request(http.MethodPost, "fnId=app-fn", strings.Repeat("[", 1<<10)), 400, "not JSON"},
		{"array", request(http.MethodPost, "fnId=app-fn", "[]"), 400, "not a JSON object"},
		{"string", request(http.MethodPost, "fnId=app-fn", `"x"`), 400, "not a JSON object"},
		{"empty object", request(http.MethodPost, "fnId=app-fn", "{}"), 400, `no "event" or no "ctx"`},
		{"ctx of another type", request(http.MethodPost, "fnId=app-fn", `{"event":{},"ctx":[]}`), 400, `"ctx"`},
		{"steps of another type", request(http.MethodPost, "fnId=app-fn", `{"event":{},"ctx":{},"steps":[]}`), 400, ""},
		{"event of another type", request(http.MethodPost, "fnId=app-fn", `{"event":5,"ctx":{}}`), 400, "does not fit"},
		{"unknown function", request(http.MethodPost, "fnId=app-other", good), 410, `function "app-other" is not registered in app "app"`},
		{"no function", request(http.MethodPost, "", good), 410, `function "" is not registered`},
		{"malformed query", request(http.MethodPost, "fnId=%zz", good), 400, "query"},
		{"oversize", request(http.MethodPost, "fnId=app-fn", strings.Repeat(" ", 1<<10+1)), 413, "larger than 1024 bytes"},
		{"oversize, length unknown", unknownLength(request(http.MethodPost, "fnId=app-fn", strings.Repeat(" ", 1<<10+1))), 413, "larger than 1024 bytes"},
		{"oversize, by its length", func() *adapter.Request {
			r := request(http.MethodPost, "fnId=app-fn", "")
			r.Body, r.ContentLength = panicReader{}, 1<<10+1
			return r
		}(), 413, "larger than 1024 bytes"},
		{"cut off", func() *adapter.Request {
			r := request(http.MethodPost, "fnId=app-fn", good)
			r.Body = io.MultiReader(strings.NewReader(good[:100]), iotest.ErrReader(io.ErrUnexpectedEOF))
			return r
		}(), 400, "could not be read"},
		{"state left out", request(http.MethodPost, "fnId=app-fn", `{"event":{},"ctx":{},"use_api":true}`), 500, "has no valid run ID"},
		{"DELETE", request(http.MethodDelete, "", ""), 405, "DELETE is not allowed"},
		{"PATCH", request(http.MethodPatch, "fnId=app-fn", good), 405, "PATCH is not allowed"},
		{"OPTIONS", request(http.MethodOptions, "", ""), 405, "OPTIONS is not allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			resp := app.Do(t.Context(), tc.req)
			require.Equal(t, tc.status, resp.Status, "%s", resp.Body)
			require.Contains(t, message(t, resp), tc.message)
			require.Equal(t, "go:v0.16.0", resp.Header.Get("X-Inngest-Sdk"))
			if tc.status == http.StatusMethodNotAllowed {
				require.Equal(t, "GET, HEAD, POST, PUT", resp.Header.Get("Allow"))
			}
		})
	}
}

// No defer recovers from a stack overflow.
func TestDeepNesting(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(hello))
	for _, body := range []string{strings.Repeat("[", 8<<20), strings.Repeat(`{"a":`, 8<<20/5)} {
		require.Equal(t, http.StatusBadRequest, app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn", body)).Status)
	}
}

func unknownLength(r *adapter.Request) *adapter.Request {
	r.ContentLength = -1
	return r
}

// A panic below Do, here in a reader, causes a 500 and a log record.
func TestDoNeverPanics(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(hello))
	req := request(http.MethodPost, "fnId=app-fn", "")
	req.Body = panicReader{}
	resp := app.Do(t.Context(), req)
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Equal(t, "internal error; see the app's log", message(t, resp))
	require.Contains(t, l.String(), "reader panicked")
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("reader panicked") }

func TestBodyAtTheLimit(t *testing.T) {
	t.Parallel()
	body := signUpEnvelope(user{}).json(t)
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, MaxBodyBytes: int64(len(body))}, onSignUp(hello))
	require.Equal(t, 200, app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn", body)).Status)
	require.Equal(t, 200, app.Do(t.Context(), unknownLength(request(http.MethodPost, "fnId=app-fn", body))).Status)
}

func TestTrustProbe(t *testing.T) {
	t.Parallel()
	probe := func(app *inngestkit.App, signature string) *adapter.Response {
		return app.Do(t.Context(), withHeader(request(http.MethodPost, "probe=trust", "{}"), "X-Inngest-Signature", signature))
	}
	app, _ := newAppWith(t, cloud)
	resp := probe(app, sign(t, fallbackKey, "{}", time.Now()))
	require.Equal(t, http.StatusOK, resp.Status)
	ok, err := inngestgo.ValidateResponseSignature(t.Context(), resp.Header.Get("X-Inngest-Signature"), []byte(fallbackKey), resp.Body)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, http.StatusUnauthorized, probe(app, "").Status)
	require.Equal(t, http.StatusUnauthorized, probe(app, sign(t, wrongKey, "{}", time.Now())).Status)

	dev, _ := newApp(t)
	require.Equal(t, http.StatusOK, probe(dev, "").Status)
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, cloud, onSignUp(hello))
	get := func(signature string) map[string]any {
		resp := app.Do(t.Context(), withHeader(request(http.MethodGet, "", ""), "X-Inngest-Signature", signature))
		require.Equal(t, http.StatusOK, resp.Status)
		for _, secret := range []string{signingKey[13:], fallbackKey[13:], "an-event-key"} {
			require.False(t, bytes.Contains(resp.Body, []byte(secret)))
		}
		var body map[string]any
		require.NoError(t, json.Unmarshal(resp.Body, &body))
		return body
	}

	unsigned := get("")
	require.Equal(t, map[string]any{
		"schema_version": "2024-05-24", "authentication_succeeded": nil, "function_count": 1.0, "mode": "cloud",
		"has_event_key": true, "has_signing_key": true, "has_signing_key_fallback": true,
		"capabilities": map[string]any{"connect": "v1", "in_band_sync": "v1", "trust_probe": "v1"},
	}, unsigned)

	badlySigned := get(sign(t, wrongKey, "", time.Now()))
	require.Equal(t, false, badlySigned["authentication_succeeded"])
	require.NotContains(t, badlySigned, "app_id")

	signed := get(sign(t, signingKey, "", time.Now()))
	require.Equal(t, true, signed["authentication_succeeded"])
	require.Equal(t, "app", signed["app_id"])
	require.Equal(t, "https://api.inngest.com", signed["api_origin"])
	require.Equal(t, "https://inn.gs", signed["event_api_origin"])
	require.Equal(t, "test", signed["framework"])

	head := app.Do(t.Context(), request(http.MethodHead, "", ""))
	require.Equal(t, http.StatusOK, head.Status)
	require.Empty(t, head.Body)
}

func TestErrorsAreNotSecrets(t *testing.T) {
	t.Parallel()
	config := cloud
	config.BaseURL = "http://user:a-password@127.0.0.1:1"
	app, l := newAppWith(t, config, onSignUp(hello))
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("enough"))
	defer cancel()
	_, err := app.Send(ctx, signedUp.New(user{}))
	require.Error(t, err)
	put := app.Do(t.Context(), withHeader(signedSync(t, signingKey), "X-Inngest-Sync-Kind", "out_of_band"))
	require.Equal(t, http.StatusInternalServerError, put.Status)
	said := err.Error() + string(put.Body) + l.String()
	require.Regexp(t, `user:x+@127\.0\.0\.1:1`, said)
	require.NotContains(t, said, "a-password")
	printed, err := json.Marshal(map[string]any{"key": config.SigningKey, "event": config.EventKey})
	require.NoError(t, err)
	all := said + string(printed) + fmt.Sprintf("%v %+v %#v", config, config, config)
	for _, secret := range []string{signingKey[13:], fallbackKey[13:], "an-event-key"} {
		require.NotContains(t, all, secret)
	}
}
