package mistakes

import (
	"net/http"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// syncs returns what Sync says if the server answers so.
func syncs(config inngestkit.Config, status int, answer string) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		config := config
		config.HTTPClient = &http.Client{Transport: answering(status, answer)}
		app, _ := newApp(t, config, onUser())
		app.MountedAt("gin", "/api/inngest")
		return fails(t, app.Sync(t.Context()))
	}
}

var syncing = []mistake{
	{"Sync in cloud mode without ServeHost", syncs(inngestkit.Config{AppID: "shop", SigningKey: signingKey}, http.StatusOK, `{"ok":true}`)},
}
