package mistakes

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

// syncs returns a test that syncs with a server that sends this response, and returns the
// error.
func syncs(config inngestkit.Config, status int, answer string) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		config := config
		config.HTTPClient = &http.Client{Transport: answering(status, answer)}
		app, _ := newApp(t, config, onUser(flow.Priority("1 +")))
		app.MountedAt("gin", "/api/inngest")
		return fails(t, app.Sync(t.Context()))
	}
}

// starts returns a test that starts an app on a network and returns a line of its log.
func starts(config inngestkit.Config, network transport, text string) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		config := config
		config.HTTPClient = &http.Client{Transport: network}
		app, l := newApp(t, config, onUser())
		app.MountedAt("gin", "/api/inngest")
		require.NoError(t, app.Start(t.Context()))
		return l.Await(t, text)
	}
}

// onPort returns a configuration with the app's address.
func onPort() inngestkit.Config {
	return with(func(c *inngestkit.Config) { c.ServePort = 8080 })
}

// serverAlone simulates a network on which the dev server responds and the app does not
// listen.
var serverAlone transport = func(r *http.Request) (*http.Response, error) {
	if r.URL.Port() == "8288" {
		return answering(http.StatusOK, `{"ok":true}`)(r)
	}
	return refused(r)
}

var syncing = []mistake{
	{"The dev server does not run", starts(onPort(), refused, "not synced yet")},
	{"The app does not listen at PORT", starts(onPort(), serverAlone, "does not listen yet")},
	{"The dev server runs in a container or on another host", starts(with(func(c *inngestkit.Config) {
		c.BaseURL = "http://inngest:8288"
	}), serverAlone, "localhost")},
	{"Sync in cloud mode without ServeHost", syncs(inngestkit.Config{AppID: "shop", SigningKey: signingKey}, http.StatusOK, `{"ok":true}`)},
	{"Sync with a wrong signing key", syncs(cloud(), http.StatusUnauthorized, `{"error":"unauthorized"}`)},
	{"Sync with something that is not an Inngest server", syncs(with(func(c *inngestkit.Config) {
		c.BaseURL = "http://localhost:3000"
	}), http.StatusNotFound, "404 page not found")},
	{"The server refuses an expression", syncs(dev(), http.StatusBadRequest, `{"error":"At least one function is invalid"}`)},
}
