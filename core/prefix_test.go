package inngestkit_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

const otherPath = "Start, Sync and CheckEndpoint use a different path than the one received"

// The first request of the server shows a prefix that the router has not told the app.
func TestAPrefixThatTheRouterHides(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config    inngestkit.Config
		mounted   string
		received  string
		forwarded string
		want      string // the path in the log, "" for no line
	}{
		"none":                      {inngestkit.Config{}, "/api/inngest", "/api/inngest", "", ""},
		"none, with a slash":        {inngestkit.Config{}, "/api/inngest", "/api/inngest/", "", ""},
		"a prefix":                  {inngestkit.Config{}, "/api/inngest", "/v1/api/inngest", "", "/v1/api/inngest"},
		"with a slash":              {inngestkit.Config{}, "/api/inngest", "/v1/api/inngest/", "", "/v1/api/inngest"},
		"with escapes":              {inngestkit.Config{}, "/api/inngest", "/v 1/api/inngest", "", "/v%201/api/inngest"},
		"the root":                  {inngestkit.Config{}, "/", "/v1/", "", "/v1"},
		"none, at the root":         {inngestkit.Config{}, "/", "/", "", ""},
		"two slashes":               {inngestkit.Config{}, "/api/inngest", "//api/inngest", "", ""},
		"another path, by hand":     {inngestkit.Config{}, "/api/inngest", "/by/hand", "", ""},
		"a parameter":               {inngestkit.Config{}, "/{tenant}/api/inngest", "/acme/api/inngest", "", ""},
		"ServePath":                 {inngestkit.Config{ServePath: "/public"}, "/api/inngest", "/v1/api/inngest", "", ""},
		"not mounted":               {inngestkit.Config{}, "", "/v1/api/inngest", "", ""},
		"a proxy":                   {inngestkit.Config{TrustProxy: true}, "/api/inngest", "/api/inngest", "/shop", "/shop/api/inngest"},
		"a proxy that is not known": {inngestkit.Config{}, "/api/inngest", "/api/inngest", "/shop", ""},
	} {
		for _, dev := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", dev mode", false: ", cloud mode"}[dev], func(t *testing.T) {
				t.Parallel()
				config := tc.config
				if config.Dev = dev; !dev {
					config.SigningKey = signingKey
				}
				app, l := newAppWith(t, config, onSignUp(hello))
				if tc.mounted != "" {
					app.MountedAt("test", tc.mounted)
				}
				for range 2 {
					req := signedCall(t)
					req.Path = tc.received
					withHeader(req, "X-Forwarded-Prefix", tc.forwarded)
					require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
				}
				if tc.want == "" {
					require.NotContains(t, l.String(), otherPath)
					return
				}
				require.Equal(t, 1, strings.Count(l.String(), otherPath), "once")
				require.Contains(t, l.String(), "announced="+tc.mounted+" received="+tc.want+"\n")
			})
		}
	}
}

func signedCall(t *testing.T) *adapter.Request {
	t.Helper()
	req := callRequest(t, signUpEnvelope(user{ID: "u1"}))
	body := signUpEnvelope(user{ID: "u1"}).json(t)
	return withHeader(req, "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
}

// Several paths were announced when the app was mounted.
func TestAPrefixOfOneOfSeveralPaths(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	app.MountedAt("test", "/v1/api/inngest")
	req := signedCall(t)
	req.Path = "/v1/api/inngest"
	require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
	require.NotContains(t, l.String(), otherPath)
}

// In cloud mode strangers cannot make the app log a path of their choice. In dev mode the
// developer may open the endpoint in a browser.
func TestAPrefixThatAStrangerRequests(t *testing.T) {
	t.Parallel()
	for _, dev := range []bool{true, false} {
		config := inngestkit.Config{Dev: dev}
		if !dev {
			config.SigningKey = signingKey
		}
		app, l := newAppWith(t, config, onSignUp(hello))
		app.MountedAt("test", "/api/inngest")
		for _, req := range []*adapter.Request{
			request(http.MethodGet, "", ""), request(http.MethodPut, "", ""),
			request(http.MethodPost, "fnId=app-fn", "{}"), request(http.MethodPost, "probe=trust", ""),
		} {
			req.Path = "/evil/api/inngest"
			if dev && req.Method != http.MethodGet {
				withHeader(req, "Origin", "https://evil.test")
			}
			app.Do(t.Context(), req)
		}
		require.Equal(t, dev, strings.Contains(l.String(), otherPath))
	}
}

// Once a request has shown the path, the check of the endpoint names it.
func TestCheckEndpointNamesTheReceivedPath(t *testing.T) {
	t.Parallel()
	app, l := served(t, inngestkit.Config{SigningKey: signingKey}, func(app http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/v1/", http.StripPrefix("/v1", app))
		return mux
	})
	require.ErrorContains(t, app.CheckEndpoint(t.Context()), "below http.StripPrefix, in a sub-router or behind a proxy set ServePath")
	req := signedCall(t)
	req.Path = "/v1/api/inngest"
	require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
	require.Contains(t, l.String(), otherPath)
	require.ErrorContains(t, app.CheckEndpoint(t.Context()),
		"the app has received a request at /v1/api/inngest; set ServePath (INNGEST_SERVE_PATH) to that path")
}

// An app that looks for its own port requests its path at every port, so other apps get
// those requests, too.
func TestAPrefixThatAnotherAppRequests(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	get := func(header string) {
		req := &adapter.Request{Method: http.MethodGet, Scheme: "http", Host: "a.test", Path: "/v1/api/inngest", Header: http.Header{}}
		withHeader(req, header, "token")
		require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
	}
	get("X-Inngestkit-Self")
	require.NotContains(t, l.String(), otherPath)
	get("X-Other")
	require.Contains(t, l.String(), otherPath)
}
