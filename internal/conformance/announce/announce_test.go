package announce

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// The first minute: an app on any port, with no setting but dev mode and Start, works at once,
// whether it starts before or after its server listens.
func TestTheFirstMinute(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	for name, serve := range testsite.Frameworks {
		for _, order := range []string{"Start first", "listens first"} {
			t.Run(name+", "+order, func(t *testing.T) {
				t.Parallel()
				id := name + "-" + strings.Fields(order)[0]
				app, l := newApp(t, inngestkit.Config{AppID: id, BaseURL: server.URL()})
				listener, port := everywhere(t)
				site := serve(app)
				if order == "Start first" {
					require.NoError(t, app.Start(t.Context()))
				}
				t.Cleanup(testsite.Serve(t, site, listener))
				if order == "listens first" {
					require.NoError(t, app.Start(t.Context()))
				}
				require.NoError(t, app.AwaitSync(testsite.Within(t)))

				run := testsite.Ended(t, server, testsite.Send(t, app, started(id).New(user{ID: "u1"})), testsite.Timeout)
				require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
				require.Equal(t, `"u1"`, string(run.Output))
				require.Contains(t, l.String(), "url=http://localhost:"+port+"/api/inngest")
				require.Contains(t, l.String(), "listening=yes functions=1")
				require.NotContains(t, l.String(), "level=WARN")
				require.Equal(t, []string{"http://localhost:" + port + "/api/inngest"}, urlsOf(t, server, id))
			})
		}
	}
}

// urlsOf lists the URLs at which the server calls an app.
func urlsOf(t *testing.T, server *devserver.Server, appID string) []string {
	t.Helper()
	apps, err := server.Apps(testsite.Within(t))
	require.NoError(t, err)
	var urls []string
	for _, app := range apps {
		if app.Name == appID {
			urls = append(urls, app.URL)
		}
	}
	return urls
}

// An app that listens late is announced at the default port first. The server does not
// continue to call it there.
func TestAnAppThatListensLate(t *testing.T) {
	t.Parallel()
	server := devserver.New(t, devserver.Config{})
	app, l := newApp(t, inngestkit.Config{AppID: "late", BaseURL: server.URL()})
	site := testsite.Frameworks["gin"](app)
	require.NoError(t, app.Start(t.Context()))
	require.NoError(t, app.AwaitSync(testsite.Within(t)))
	require.Contains(t, l.String(), "set ServePort (PORT) or ServeHost (INNGEST_SERVE_HOST)")
	require.Equal(t, []string{"http://localhost:3000/api/inngest"}, urlsOf(t, server, "late"))

	listener, port := everywhere(t)
	t.Cleanup(testsite.Serve(t, site, listener))
	testsite.Eventually(t, 100*time.Millisecond, func() bool {
		return slices.Equal(urlsOf(t, server, "late"), []string{"http://localhost:" + port + "/api/inngest"})
	})
	run := testsite.Ended(t, server, testsite.Send(t, app, started("late").New(user{ID: "u1"})), testsite.Timeout)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
}

// An instance has announced the app elsewhere and is gone. Servers that know an app by its ID
// get the new URL; for others, the log says how to remove the old one.
func TestAnInstanceThatIsGone(t *testing.T) {
	t.Parallel()
	server := devserver.New(t, devserver.Config{})
	app, l := newApp(t, inngestkit.Config{AppID: "moved", BaseURL: server.URL()})
	listener, port := everywhere(t)
	t.Cleanup(testsite.Serve(t, testsite.Frameworks["nethttp"](app), listener))
	require.NoError(t, app.Start(t.Context()))
	require.NoError(t, app.AwaitSync(testsite.Within(t)))

	gone, _ := newApp(t, inngestkit.Config{AppID: "moved", BaseURL: server.URL(), ServeHost: "http://127.0.0.1:1"})
	gone.MountedAt("test", "/api/inngest")
	require.NoError(t, gone.Sync(t.Context()))
	if server.Version() == devserver.OldestVersion {
		testsite.Eventually(t, 100*time.Millisecond, func() bool {
			return strings.Contains(l.String(), "curl -X DELETE '"+server.URL()+"/fn/remove?url=http%3A%2F%2Flocalhost%3A1%2Fapi%2Finngest'")
		})
		return
	}
	testsite.Eventually(t, 100*time.Millisecond, func() bool {
		return slices.Equal(urlsOf(t, server, "moved"), []string{"http://localhost:" + port + "/api/inngest"})
	})
	require.Contains(t, l.String(), "where it is not; announcing it again")
}

// A server that cannot reach the app reports that only on request.
func TestAServerThatCannotReachTheApp(t *testing.T) {
	t.Parallel()
	server := devserver.New(t, devserver.Config{PollInterval: time.Second})
	app, l := newApp(t, inngestkit.Config{AppID: "unreachable", BaseURL: server.URL(), ServeHost: "http://app.invalid"})
	app.MountedAt("test", "/api/inngest")
	require.NoError(t, app.Start(t.Context()))
	testsite.Eventually(t, 100*time.Millisecond, func() bool {
		return strings.Contains(l.String(), "the dev server cannot reach the app") &&
			strings.Contains(l.String(), `error="the server says: unreachable"`)
	})
}

// The response of the server to a sync that it refuses does not give the reason; the error
// does.
func TestARefusedSyncNamesTheFunction(t *testing.T) {
	t.Parallel()
	server := devserver.New(t, devserver.Config{})
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{
		AppID: "refused", Dev: new(true), APIBaseURL: new(server.URL()), EventAPIBaseURL: new(server.URL()),
	})
	require.NoError(t, err)
	for id, period := range map[string]time.Duration{"fine": time.Minute, "hasty": 7 * time.Millisecond} {
		_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{
			ID: id, Debounce: &inngestgo.ConfigDebounce{Period: period},
		}, inngestgo.EventTrigger("refused/started", nil), func(context.Context, inngestgo.Input[user]) (any, error) { return nil, nil })
		require.NoError(t, err)
	}
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	app.MountedAt("test", "/api/inngest")
	// The server may have fetched the functions meanwhile and stored that result instead.
	testsite.Eventually(t, 10*time.Millisecond, func() bool {
		err = app.Sync(t.Context())
		return !strings.Contains(err.Error(), "the server's log may say more")
	})
	require.ErrorContains(t, err, "400 Bad Request: At least one function is invalid: ")
	require.ErrorContains(t, err, `The debounce period of '7ms' is less than the min of: 1s; it is probably about function "hasty"`)
	require.NoError(t, app.Shutdown(t.Context()))
}
