package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// largeResult is the result of a step in the tests of large runs, 1.5 MiB: after the third,
// the state exceeds the 4 MiB that the server sends with a call.
func largeResult(step int) string { return strings.Repeat(strconv.Itoa(step), 3<<19) }

const largeSteps = 4

// large returns a function in which every step returns a large result.
func large(c *counter, event inngestkit.EventType[user]) inngestkit.Function {
	return inngestkit.OnEvent("large", event, func(ctx context.Context, in input) (string, error) {
		out := []string{in.Event.Data.ID, in.Event.Data.Plan}
		for i := range largeSteps {
			id := fmt.Sprint("step ", i)
			result, err := step.Run(ctx, id, func(context.Context) (string, error) {
				c.Add(id)
				return largeResult(i), nil
			})
			if err != nil {
				return "", err
			}
			if result != largeResult(i) {
				return "", fmt.Errorf("%s: %d bytes differ from the result", id, len(result))
			}
			out = append(out, result[:1])
		}
		return strings.Join(out, " "), nil
	})
}

// countingStates runs a proxy in front of the server that counts how often an app fetches
// the state that the server has omitted from a call.
func countingStates(t *testing.T, server *devserver.Server, c *counter) (url string) {
	t.Helper()
	target, err := neturl.Parse(server.URL())
	require.NoError(t, err)
	transport := &http.Transport{}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if strings.HasSuffix(r.Request.URL.Path, "/actions") && r.StatusCode == http.StatusOK {
				c.Add("use_api")
			}
			return nil
		},
	})
	t.Cleanup(func() {
		proxy.Close()
		transport.CloseIdleConnections()
	})
	return proxy.URL
}

// The server omits the state of large runs from its calls, and steps must not run again
// because of that.
func TestStateAbove4MiB(t *testing.T) {
	t.Parallel()
	event := inngestkit.DefineEvent[user]("user/large")
	check := func(t *testing.T, s *site, c *counter) {
		t.Helper()
		id := s.send(t, event.New(user{ID: "u1", Plan: "pro"}))
		// This much data takes time on machines with few processors.
		runs, err := s.server.AwaitRuns(testsite.WithinTime(t, 2*time.Minute), id, 1)
		require.NoError(t, err)
		require.Equal(t, devserver.RunCompleted, runs[0].Status, "%s", runs[0].Output)
		require.Equal(t, `"u1 pro 0 1 2 3"`, string(runs[0].Output))
		for i := range largeSteps {
			require.Equal(t, 1, c.Of(fmt.Sprint("step ", i)))
		}
		require.GreaterOrEqual(t, c.Of("use_api"), 2, "the server did not omit the state")
	}
	t.Run("dev server", func(t *testing.T) {
		t.Parallel()
		var c counter
		server := testsite.NewServer(t)
		config := inngestkit.Config{AppID: "shop", Dev: true, BaseURL: countingStates(t, server, &c)}
		check(t, &site{serveConfig(t, adapters[0], config, testsite.Listen(t, ""), large(&c, event)), server}, &c)
	})
	for _, with := range []adapter{adapters[0], onFiber, onFiberV3} {
		t.Run("self-hosted server, which requires the signing key/"+with.name, func(t *testing.T) {
			t.Parallel()
			const key, eventKey = "0123456789abcdef0123456789abcdef", "0123456789abcdef"
			var c counter
			listener := testsite.Listen(t, "")
			server := devserver.New(t, devserver.Config{
				SigningKey: key, EventKey: eventKey, AppURLs: []string{"http://" + listener.Addr().String() + with.path},
			})
			i := serveConfig(t, with, inngestkit.Config{
				// Only the API refuses the first key: calls are signed with the second.
				AppID: "shop", SigningKey: "fedcba9876543210", SigningKeyFallback: key, EventKey: eventKey,
				BaseURL: countingStates(t, server, &c),
			}, listener, large(&c, event))
			require.NoError(t, server.AwaitFunctions(testsite.Within(t), "shop-large"))
			check(t, &site{i, server}, &c)
		})
	}
}
