package conformance

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A self-hosted server signs its calls. It syncs and calls an app in cloud mode, and nobody
// else can call it.
func TestSelfHostedServerSigns(t *testing.T) {
	t.Parallel()
	const (
		key      = "0123456789abcdef0123456789abcdef"
		eventKey = "0123456789abcdef"
	)
	eachAdapter(t, func(t *testing.T, with adapter) {
		var c counter
		ordered, packed := inngestkit.DefineEvent[user]("order/placed"), inngestkit.DefineEvent[user]("order/packed")
		listener := testsite.Listen(t, "")
		addr := listener.Addr().String()
		// With & in its URL, the server sends its sync in another form than it signs.
		server := devserver.New(t, devserver.Config{
			SigningKey: key, EventKey: eventKey, AppURLs: []string{"http://" + addr + with.path + "?a=1&b=2"},
		})
		i := serveConfig(t, with, inngestkit.Config{
			AppID: "signed", SigningKey: key, EventKey: eventKey, BaseURL: server.URL(),
		}, listener, inngestkit.OnEvent("order", ordered, func(ctx context.Context, in input) (string, error) {
			if _, err := c.Counted(ctx, "one"); err != nil {
				return "", err
			}
			return step.Run(ctx, "two", func(context.Context) (string, error) { return in.Event.Data.ID, nil })
		}), inngestkit.OnEvent("pack", packed, func(ctx context.Context, in input) (string, error) {
			c.Add("pack called")
			if _, err := c.Counted(ctx, "pack one"); err != nil {
				return "", err
			}
			if _, err := c.Counted(ctx, "pack two"); err != nil {
				return "", err
			}
			return in.Event.Data.ID, nil
		}, flow.Checkpoint()))
		require.NoError(t, server.AwaitFunctions(testsite.Within(t), "signed-order"))
		run := (&site{i, server}).completed(t, ordered.New(user{ID: "o1"}))
		require.Equal(t, `"o1"`, string(run.Output))
		require.Equal(t, 1, c.Of("one"))
		// The server also requires the key for checkpoints.
		require.Equal(t, `"o2"`, string((&site{i, server}).run(t, packed.New(user{ID: "o2"})).Output))
		require.Equal(t, []int{1, 1}, []int{c.Of("pack one"), c.Of("pack two")})
		if server.Version() != devserver.OldestVersion { // it does not support checkpoints
			require.Equal(t, 1, c.Of("pack called"))
		}

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
