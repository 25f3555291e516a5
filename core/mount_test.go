package inngestkit_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Anyone can send these headers, so they count only if the configuration states that a proxy
// overwrites them.
func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		config  inngestkit.Config
		headers map[string]string
		url     string // announced, "" if refused
		refusal string
	}{
		{
			"not trusted", inngestkit.Config{},
			map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.test", "X-Forwarded-Prefix": "/x"},
			"http://app.test/api/inngest", "",
		},
		{
			"all", inngestkit.Config{TrustProxy: true},
			map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.test:8443", "X-Forwarded-Prefix": "/shop/"},
			"https://shop.test:8443/shop/api/inngest", "",
		},
		{
			"the scheme alone", inngestkit.Config{TrustProxy: true}, map[string]string{"X-Forwarded-Proto": "HTTPS"},
			"https://app.test/api/inngest", "",
		},
		{
			"several proxies", inngestkit.Config{TrustProxy: true},
			map[string]string{"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "shop.test , inner.test"},
			"https://shop.test/api/inngest", "",
		},
		{
			"no proxy", inngestkit.Config{TrustProxy: true}, map[string]string{"X-Forwarded-Host": " "},
			"http://app.test/api/inngest", "",
		},
		{
			"what is configured takes precedence", inngestkit.Config{TrustProxy: true, ServeHost: "https://fix.test", ServePath: "/fix"},
			map[string]string{"X-Forwarded-Proto": "http", "X-Forwarded-Host": "shop.test", "X-Forwarded-Prefix": "/x"},
			"https://fix.test/fix", "",
		},
		{
			"another scheme", inngestkit.Config{TrustProxy: true}, map[string]string{"X-Forwarded-Proto": "ftp"},
			"", `X-Forwarded-Proto is "ftp"; it must be http or https`,
		},
		{
			"no host", inngestkit.Config{TrustProxy: true}, map[string]string{"X-Forwarded-Host": "shop.test/path"},
			"", `X-Forwarded-Host is "shop.test/path", which is not a host`,
		},
		{
			"a user", inngestkit.Config{TrustProxy: true}, map[string]string{"X-Forwarded-Host": "user@shop.test"},
			"", `X-Forwarded-Host is "user@shop.test", which is not a host`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, synced)
			tc.config.Dev, tc.config.BaseURL = true, server.URL
			app, _ := newAppWith(t, tc.config, onSignUp(hello))
			req := request(http.MethodPut, "", "")
			for key, value := range tc.headers {
				withHeader(req, key, value)
			}
			resp := app.Do(t.Context(), req)
			last, ok := app.LastSync()
			require.Equal(t, tc.url, last.URL)
			if tc.refusal != "" {
				require.False(t, ok)
				require.Equal(t, http.StatusBadRequest, resp.Status)
				require.Contains(t, message(t, resp), tc.refusal)
			}
		})
	}
}

// HTTP/1.0 needs no Host header, but a URL without a host cannot be announced.
func TestSyncWithoutHost(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(hello))
	req := request(http.MethodPut, "", "")
	req.Host = ""
	resp := app.Do(t.Context(), req)
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Contains(t, message(t, resp), "no Host header")
}

// Adapters also serve the endpoint with a trailing slash. Both forms announce the same URL.
func TestSyncWithASlash(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ mounted, requested, announced string }{
		"the path":                {"/api/inngest", "/api/inngest/", "/api/inngest"},
		"an unknown prefix":       {"/api/inngest", "/v1/api/inngest/", "/v1/api/inngest"},
		"the root of a group":     {"/v1", "/v1/", "/v1"},
		"the root":                {"/", "/", "/"},
		"by hand, with the slash": {"/by/hand/", "/by/hand/", "/by/hand/"},
		"not mounted":             {"", "/api/inngest/", "/api/inngest/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, synced)
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(hello))
			if tc.mounted != "" {
				app.MountedAt("test", tc.mounted)
			}
			req := request(http.MethodPut, "", "")
			req.Path = tc.requested
			require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
			last, _ := app.LastSync()
			require.Equal(t, "http://app.test"+tc.announced, last.URL)
		})
	}
}

// An app may be mounted at several paths. The log names the one that is announced.
func TestMountedAtSeveralPaths(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		paths     []string
		servePath string
		logs      int
		announced string
	}{
		"one":                  {[]string{"/a"}, "", 0, "/a"},
		"one on two routers":   {[]string{"/a", "/a"}, "", 0, "/a"},
		"two":                  {[]string{"/a", "/b"}, "", 1, "/a"},
		"three":                {[]string{"/a", "/b", "/c"}, "", 2, "/a"},
		"two and a choice":     {[]string{"/a", "/b"}, "/b/", 0, "/b"},
		"the root is a choice": {[]string{"/a", "/b"}, "/", 0, "/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, synced)
			app, l := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, ServePath: tc.servePath}, onSignUp(hello))
			for _, path := range tc.paths {
				app.MountedAt("test", path)
			}
			require.Equal(t, tc.logs, strings.Count(l.String(), "ServePath (INNGEST_SERVE_PATH) announces it at another"), l.String())
			if tc.logs > 0 {
				require.Contains(t, l.String(), "announced=/a also=/b")
			}
			require.NoError(t, app.Sync(t.Context()))
			last, _ := app.LastSync()
			require.Equal(t, "http://localhost:3000"+tc.announced, last.URL)
			require.NoError(t, app.Shutdown(t.Context()))
		})
	}
}

// Some frameworks know the full path of a router only when it is mounted.
func TestMountedAtFunc(t *testing.T) {
	t.Parallel()
	server := newAPI(t, synced)
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(hello))
	path := ""
	app.MountedAtFunc("test", func() string { return path })
	path = "/late/api/inngest"
	require.NoError(t, app.Sync(t.Context()))
	last, _ := app.LastSync()
	require.Equal(t, "http://localhost:3000/late/api/inngest", last.URL)
	require.NoError(t, app.Shutdown(t.Context()))
}
