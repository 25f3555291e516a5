package conformance

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// The server follows redirects, and a 301 turns a call into a GET. The app's description of
// itself would then become the result of the function.
func TestRedirectedRunIsNotCompleted(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	var c counter
	function := inngestkit.OnEvent("fn", signedUp, func(context.Context, input) (string, error) {
		c.Add("fn")
		return "done", nil
	}, flow.Retries(0))
	moved := adapter{name: "moved", serve: func(app *inngestkit.App) testsite.Server {
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		mux.Handle("/moved", http.RedirectHandler(app.Path(), http.StatusMovedPermanently))
		return testsite.HTTP(mux)
	}}
	config := inngestkit.Config{AppID: "shop", Dev: true, BaseURL: server.URL(), ServePath: "/moved"}
	i := serveConfig(t, moved, config, testsite.Listen(t, ""), function)
	eventID := testsite.Send(t, i.app, signedUp.New(user{}))
	run := testsite.Ended(t, server, eventID, testsite.Timeout)
	require.Equal(t, devserver.RunFailed, run.Status, "%s", run.Output)
	require.Contains(t, string(run.Output), "a redirect has made GET of a call")
	require.Zero(t, c.Of("fn"))
}
