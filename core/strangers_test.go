package inngestkit_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// The app reads nothing of a body before the signature header is well formed and recent.
func TestUnsignedBodiesAreNotRead(t *testing.T) {
	t.Parallel()
	config := cloud
	config.AllowUnsignedSync, config.ServeHost = true, "https://shop.test"
	app, _ := newAppWith(t, config, onSignUp(hello))
	now := time.Now()
	for name, signature := range map[string]string{
		"missing": "", "malformed": "t=1", "stale": sign(t, signingKey, "", now.Add(-time.Hour)), "from the future": sign(t, signingKey, "", now.Add(time.Hour)),
	} {
		for _, target := range []struct{ method, query string }{
			{http.MethodPost, "fnId=app-fn"}, {http.MethodPost, "probe=trust"}, {http.MethodPut, ""},
		} {
			req := withHeader(request(target.method, target.query, ""), "X-Inngest-Signature", signature)
			withHeader(req, "X-Inngest-Sync-Kind", "in_band")
			req.Body, req.ContentLength = panicReader{}, 8<<20
			require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), req).Status, "%s, %v", name, target)
		}
	}
}

// A website that the developer visits cannot make the app execute functions.
func TestBrowsersAreRefusedInDevMode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		key, value string
		status     int
	}{
		{"Origin", "https://evil.test", 403},
		{"Origin", "null", 403},
		{"Origin", "http://app.test", 403}, // DNS rebinding
		{"Sec-Fetch-Site", "cross-site", 403},
		{"Sec-Fetch-Site", "same-site", 403},
		{"Sec-Fetch-Site", "same-origin", 403},
		{"Sec-Fetch-Site", "none", 200}, // a user typed the URL
		{"User-Agent", "Inngest", 200},
	} {
		server := newAPI(t, synced)
		app, l := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(hello))
		for _, req := range []*adapter.Request{
			callRequest(t, signUpEnvelope(user{})), request(http.MethodPost, "probe=trust", "{}"), request(http.MethodPut, "", ""),
		} {
			resp := app.Do(t.Context(), withHeader(req, tc.key, tc.value))
			require.Equal(t, tc.status, resp.Status, "%s: %s, %s", tc.key, tc.value, resp.Body)
		}
		require.Equal(t, tc.status != 200, strings.Contains(l.String(), "this comes from a browser"))
		get := withHeader(request(http.MethodGet, "", ""), tc.key, tc.value)
		require.Equal(t, http.StatusOK, app.Do(t.Context(), get).Status)
	}
	app, _ := newAppWith(t, cloud, onSignUp(hello))
	body := signUpEnvelope(user{}).json(t)
	signed := withHeader(request(http.MethodPost, "fnId=app-fn", body), "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
	require.Equal(t, http.StatusOK, app.Do(t.Context(), withHeader(signed, "Origin", "https://evil.test")).Status, "a signature outweighs Origin")
}

// A flood of requests does not become a flood of log lines.
func TestRefusalsAreLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, l := newAppWith(t, cloud, onSignUp(hello))
		flood := func() {
			for range 1000 {
				app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn", "{}"))
				app.Do(t.Context(), withHeader(request(http.MethodPut, "", "{}"), "X-Inngest-Signature", "x"))
			}
		}
		lines := func() int { return strings.Count(l.String(), "\n") }
		flood()
		require.Equal(t, 2, lines(), "one per cause: %s", l)
		require.Contains(t, l.String(), "is missing")
		require.Contains(t, l.String(), "is malformed")
		time.Sleep(time.Minute - time.Nanosecond)
		flood()
		require.Equal(t, 2, lines())
		time.Sleep(time.Nanosecond)
		flood()
		require.Equal(t, 4, lines())
		require.Equal(t, 2, strings.Count(l.String(), "not_logged_since=1999"))
		require.NoError(t, app.Shutdown(t.Context()))
		require.NoError(t, app.Shutdown(t.Context()))
		require.Equal(t, 5, lines(), "nothing is lost at the end")
		require.Contains(t, l.String(), "not_logged_since=1998")
	})
}

// Every refusal of a signed request is logged.
func TestRefusalsOfTheServerAreAllLogged(t *testing.T) {
	t.Parallel()
	app, l := newAppWith(t, cloud)
	for n := range 3 {
		req := withHeader(request(http.MethodPost, fmt.Sprintf("fnId=app-%d", n), `{"ctx":{},"event":{}}`), "X-Inngest-Signature",
			sign(t, signingKey, `{"ctx":{},"event":{}}`, time.Now()))
		resp := app.Do(t.Context(), req)
		require.Equal(t, http.StatusGone, resp.Status)
		require.Contains(t, message(t, resp), "after all its instances have been replaced")
		require.Contains(t, l.String(), fmt.Sprintf("app-%d", n))
	}
}

// The log advises what to do about an unsigned request, depending on its sender.
func TestAdviceOnUnsignedRequests(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		method, serverKind string
		app                bool
	}{{http.MethodPost, "", false}, {http.MethodPut, "dev", false}, {http.MethodPut, "", true}, {http.MethodPut, "cloud", true}} {
		app, l := newAppWith(t, cloud, onSignUp(hello))
		resp := app.Do(t.Context(), withHeader(request(tc.method, "", ""), "X-Inngest-Server-Kind", tc.serverKind))
		require.Equal(t, http.StatusUnauthorized, resp.Status)
		for _, text := range []string{message(t, resp), l.String()} {
			require.Contains(t, text, "the app is in cloud mode; for the dev server set INNGEST_DEV=1")
		}
		require.NotContains(t, message(t, resp), "AllowUnsignedSync", "strangers do not configure the app")
		require.Equal(t, tc.app, strings.Contains(l.String(), "use App.Sync"))
		require.Equal(t, tc.app, strings.Contains(l.String(), "INNGEST_ENABLE_UNAUTHED_SYNC"))
	}
}

// The server follows redirects that turn a POST or PUT into a GET, and treats every response
// with status 200 as success.
func TestRedirectedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		method, query, body string
		want                int
	}{
		{http.MethodGet, "", "", http.StatusOK},
		{http.MethodHead, "", "", http.StatusOK},
		{http.MethodGet, "a;b&x=%zz", "", http.StatusOK},
		{http.MethodGet, "fnId=app-fn&stepId=step", "", http.StatusBadRequest},
		{http.MethodHead, "fnId=app-fn&stepId=step", "", http.StatusBadRequest},
		{http.MethodGet, "x=%zz&fnId=app-fn", "", http.StatusBadRequest},
		{http.MethodGet, "", `{"url":"http://app.test/api/inngest"}`, http.StatusBadRequest},
	} {
		app, l := newApp(t, onSignUp(hello))
		resp := app.Do(t.Context(), request(tc.method, tc.query, tc.body))
		require.Equal(t, tc.want, resp.Status, "%s %s %s", tc.method, tc.query, tc.body)
		require.Equal(t, tc.want != http.StatusOK, strings.Contains(l.String(), "a redirect has made "+tc.method))
	}
}
