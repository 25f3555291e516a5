package inngestkit_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// listening starts an app that listens at localhost:8080.
func (n *network) listening(t *testing.T) (*inngestkit.App, *log) {
	t.Helper()
	app, handler, l := n.located(t, inngestkit.Config{}, "[::]:8080")
	n.listen("localhost:8080", handler)
	require.NoError(t, app.AwaitSync(t.Context()))
	return app, l
}

const hereURL, otherURL = "http://localhost:8080/api/inngest", "http://localhost:8081/api/inngest"

// Start also compares where the server calls the app.
func TestStartChecksWhereTheServerCallsTheApp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, n *network)
		syncs  int
		warns  string // "" for none
	}{
		{"under another name of this machine", func(_ *testing.T, n *network) { n.url = "http://127.0.0.1:8080/api/inngest" }, 1, ""},
		{"through a proxy", func(_ *testing.T, n *network) {
			n.url = otherURL
			n.listen("localhost:8081", n.at("localhost:8080"))
		}, 1, ""},
		{"where an instance that is gone has announced it", func(_ *testing.T, n *network) { n.url = otherURL }, 2,
			"at another URL, where it is not; announcing it again"},
		{"where something else answers", func(_ *testing.T, n *network) {
			n.url = otherURL
			n.listen("localhost:8081", http.NotFoundHandler())
		}, 2, "at another URL, where it is not; announcing it again"},
		{"where another program with the same ID is", func(t *testing.T, n *network) {
			n.url = otherURL
			n.listen("localhost:8081", another(t))
		}, 1, "of two programs with one AppID, each gets runs of the other"},
		{"twice, on an old server", func(_ *testing.T, n *network) { n.others = []string{otherURL} }, 1,
			`remove="curl -X DELETE 'http://127.0.0.1:8288/fn/remove?url=http%3A%2F%2Flocalhost%3A8081%2Fapi%2Finngest'"`},
		{"twice, and both are there", func(t *testing.T, n *network) {
			n.others = []string{otherURL}
			n.listen("localhost:8081", another(t))
		}, 1, "of two programs with one AppID"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{}
				app, l := n.listening(t)
				n.set(func(*devServer) { tc.change(t, n) })
				time.Sleep(aMinute)
				syncs, _ := n.seen()
				require.Equal(t, tc.syncs, syncs, l.String())
				warnings := 0
				if tc.warns != "" {
					require.Contains(t, l.String(), tc.warns)
					warnings = 1
				}
				require.Equal(t, warnings, strings.Count(l.String(), "level=WARN"), l.String())
				require.NoError(t, app.Shutdown(t.Context()))
			})
		})
	}
}

// The responses of the server about the app: it is reachable or not. Other apps have errors of
// their own.
const (
	wellApp        = `{"data":{"apps":[{"externalID":"app","url":"` + hereURL + `","error":null},{"externalID":"b","url":"` + hereURL + `","error":"unreachable"}]}}`
	unreachableApp = `{"data":{"apps":[{"externalID":"app","url":"http://127.0.0.1:8080/api/inngest","error":"unreachable"}]}}`
)

// A server in a container is on this machine, but its localhost is not.
func TestStartWarnsOfAServerThatCannotReachTheApp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		n.apps = wellApp
		app, l := n.listening(t)
		time.Sleep(aMinute)
		n.set(func(s *devServer) { s.apps = unreachableApp })
		time.Sleep(5 * time.Second)
		n.set(func(s *devServer) { s.apps = wellApp }) // it called while the app was restarting
		time.Sleep(aMinute)
		require.NotContains(t, l.String(), "level=WARN")

		n.set(func(s *devServer) { s.apps = unreachableApp })
		time.Sleep(11 * time.Second)
		require.Contains(t, l.String(), "set ServeHost (INNGEST_SERVE_HOST)")
		require.Contains(t, l.String(), `url=`+hereURL+` listening=yes error="the server says: unreachable"`)
		time.Sleep(aMinute)
		require.Equal(t, 1, strings.Count(l.String(), "level=WARN"), l.String())

		n.listen("localhost:8080", nil)
		n.set(func(s *devServer) { s.apps = wellApp })
		time.Sleep(10 * time.Second)
		n.set(func(s *devServer) { s.apps = unreachableApp })
		time.Sleep(aMinute)
		require.Equal(t, 1, strings.Count(l.String(), "level=WARN"), "an app that does not listen is logged elsewhere")
		require.NoError(t, app.Shutdown(t.Context()))
	})
}
