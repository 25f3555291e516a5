package mistakes

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// secret is the part of the signing key that signs.
const secret = "0123456789abcdef0123456789abcdef"

// signed returns a call that is signed at a time with a secret.
func signed(t *testing.T, at time.Time, secret string) *adapter.Request {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	_, err := fmt.Fprintf(mac, "%s%d", call, at.Unix())
	require.NoError(t, err)
	req := request(http.MethodPost, call)
	req.Header.Set("X-Inngest-Signature", fmt.Sprintf("t=%d&s=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil))))
	return req
}

var serving = []mistake{
	{"The server calls a function that no longer exists", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		req := request(http.MethodPost, call)
		req.RawQuery = "fnId=shop-goodbye&stepId=step"
		return messageOf(t, app.Do(t.Context(), req))
	}},
	{"The dev server calls an app in cloud mode", func(t *testing.T) string {
		app, l := newApp(t, cloud(), onUser())
		require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), request(http.MethodPost, call)).Status)
		return l.Await(t, "request refused")
	}},
	{"An unsigned sync in cloud mode", func(t *testing.T) string {
		app, l := newApp(t, cloud(), onUser())
		require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), request(http.MethodPut, "")).Status)
		return l.Await(t, "request refused")
	}},
	{"The server has another signing key", func(t *testing.T) string {
		app, _ := newApp(t, cloud(), onUser())
		return messageOf(t, app.Do(t.Context(), signed(t, time.Now(), "0123456789abcdef0123456789abcdee")))
	}},
	{"The clocks differ", func(t *testing.T) string {
		app, _ := newApp(t, cloud(), onUser())
		return messageOf(t, app.Do(t.Context(), signed(t, time.Now().Add(-time.Hour), secret)))
	}},
	{"A browser calls an app in dev mode", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		req := request(http.MethodPost, call)
		req.Header.Set("Origin", "https://example.com")
		return messageOf(t, app.Do(t.Context(), req))
	}},
	{"A redirect turns a call into a GET", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		return messageOf(t, app.Do(t.Context(), request(http.MethodGet, "")))
	}},
	{"A method that Inngest does not use", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		return messageOf(t, app.Do(t.Context(), request(http.MethodDelete, "")))
	}},
	{"A body above MaxBodyBytes", func(t *testing.T) string {
		config := dev()
		config.MaxBodyBytes = 64
		app, _ := newApp(t, config, onUser())
		return messageOf(t, app.Do(t.Context(), request(http.MethodPost, call+strings.Repeat(" ", 64))))
	}},
	{"Fiber's BodyLimit is too low", func(t *testing.T) string {
		app, l := newApp(t, dev(), onUser())
		req := request(http.MethodPost, call)
		req.BodyLimit = 1 << 20
		require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
		return l.Await(t, "BodyLimit")
	}},
	{"A timeout around the endpoint", func(t *testing.T) string {
		app, l := newApp(t, dev(), onUser())
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.Equal(t, http.StatusOK, app.Do(ctx, request(http.MethodPost, call)).Status)
		return l.Await(t, "timeout")
	}},
	{"A WriteTimeout that cannot be lifted", func(t *testing.T) string {
		app, l := newApp(t, dev(), onUser())
		req := request(http.MethodPost, call)
		req.WriteTimeout = 10 * time.Second
		require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
		return l.Await(t, "WriteTimeout")
	}},
	{"A call while the app shuts down", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		require.NoError(t, app.Shutdown(t.Context()))
		return messageOf(t, app.Do(t.Context(), request(http.MethodPost, call)))
	}},
}
