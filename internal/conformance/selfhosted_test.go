package conformance

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A self-hosted server signs its calls: an app in cloud mode is synced by it and
// runs, and nobody else can call it.
func TestSelfHostedServerSigns(t *testing.T) {
	t.Parallel()
	const (
		key      = "0123456789abcdef0123456789abcdef"
		eventKey = "0123456789abcdef"
	)
	eachAdapter(t, func(t *testing.T, with adapter) {
		var c counter
		ordered := inngestkit.NewEvent[user]("order/placed")
		listener := testsite.Listen(t, "")
		addr := listener.Addr().String()
		server := inngesttest.NewServer(t, inngesttest.ServerConfig{
			SigningKey: key, EventKey: eventKey, AppURLs: []string{"http://" + addr + with.path},
		})
		i := serveConfig(t, with, inngestkit.Config{
			AppID: "signed", SigningKey: key, EventKey: eventKey, BaseURL: server.URL(),
		}, listener, inngestkit.OnEvent("order", ordered, func(ctx context.Context, in input) (string, error) {
			if _, err := c.Counted(ctx, "one"); err != nil {
				return "", err
			}
			return step.Run(ctx, "two", func(context.Context) (string, error) { return in.Event.Data.ID, nil })
		}))
		require.NoError(t, server.AwaitFunctions(testsite.Within(t), "signed-order"))
		run := (&site{i, server}).run(t, ordered.New(user{ID: "o1"}))
		require.Equal(t, inngesttest.Completed, run.Status)
		require.Equal(t, `"o1"`, string(run.Output))
		require.Equal(t, 1, c.Of("one"))

		req, err := http.NewRequestWithContext(testsite.Within(t), http.MethodPost, "http://"+addr+with.path+"?fnId=signed-order",
			strings.NewReader(`{"ctx":{},"event":{"data":{}}}`))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		http.DefaultClient.CloseIdleConnections()
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	})
}
