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

// Sync logs where the app was announced, which options define that, and whether the app
// listens there.
func TestSyncLogs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		config inngestkit.Config
		host   string // where the app listens
		h      func(app *inngestkit.App) http.Handler
		logs   string
	}{
		{inngestkit.Config{ServeHost: "https://shop.test"}, "shop.test", self,
			`url=https://shop.test/api/inngest from="ServeHost (INNGEST_SERVE_HOST)" listening=yes functions=1`},
		{inngestkit.Config{ServeHost: "shop.test", ServePort: 81}, "shop.test:81", func(*inngestkit.App) http.Handler { return another(t) },
			`from="ServeHost (INNGEST_SERVE_HOST) and ServePort (PORT)" listening="yes, this app or another instance" functions=1`},
		{inngestkit.Config{Dev: true, ServePort: 81}, "localhost:81", func(*inngestkit.App) http.Handler { return http.NotFoundHandler() },
			`from="ServePort (PORT)" listening="no: 404 Not Found from something else, or the path is another (ServePath)" functions=1`},
		{inngestkit.Config{Dev: true, ServeHost: "shop.test"}, "localhost:81", self,
			`from="ServeHost (INNGEST_SERVE_HOST), and the default port" listening="no: dial tcp: connection refused" functions=1`},
		{inngestkit.Config{Dev: true}, "localhost:3000", self,
			`from="the default; ServePort (PORT) or ServeHost (INNGEST_SERVE_HOST) set another" listening=yes functions=1`},
	} {
		n := &network{}
		config := tc.config
		config.BaseURL, config.HTTPClient = "http://127.0.0.1:8288", &http.Client{Transport: n}
		if !config.Dev {
			config.SigningKey = signingKey
		}
		app, l := newAppWith(t, config, onSignUp(hello))
		app.MountedAt("test", "/api/inngest")
		n.listen(tc.host, tc.h(app))
		require.NoError(t, app.Sync(t.Context()))
		require.Contains(t, l.String(), `level=INFO msg="inngest: synced" server=http://127.0.0.1:8288`)
		require.Contains(t, l.String(), tc.logs)
	}
}

func self(app *inngestkit.App) http.Handler { return adapter.HTTPHandler("test", app.Do) }

// The URL at which the server calls the app may contain a password, which only the server
// may see.
func TestLastSyncShowsNoPassword(t *testing.T) {
	t.Parallel()
	const body = `{"url":"http://user:a-password@app.test/api/inngest"}`
	for _, kind := range []string{"in_band", "out_of_band"} {
		server := newAPI(t, synced)
		config := cloud
		config.BaseURL = server.URL
		app, l := newAppWith(t, config, onSignUp(hello))
		req := withHeader(request(http.MethodPut, "", body), "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
		resp := app.Do(t.Context(), withHeader(req, "X-Inngest-Sync-Kind", kind))
		require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
		_, bodies := server.seen()
		require.Contains(t, string(resp.Body)+strings.Join(bodies, ""), "http://user:a-password@app.test/api/inngest", kind)
		last, _ := app.LastSync()
		require.Equal(t, redacted(t, "http://user:a-password@app.test/api/inngest"), last.URL, kind)
		require.NotContains(t, l.String(), "a-password", kind)
	}
}
