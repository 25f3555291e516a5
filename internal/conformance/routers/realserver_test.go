package routers

import (
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// Below every kind of prefix, an app finds its port, is announced on the real server, and
// runs. If the router does not report the prefix, ServePath must be set.
func TestRunsBelowAPrefix(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	for _, tc := range belowPrefixes {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			listener := testsite.Listen(t, ":0")
			config := inngestkit.Config{AppID: appIDOf(t.Name()), Dev: true, BaseURL: server.URL()}
			if !tc.reports {
				config.ServePath = tc.path
			}
			s := runOn(t, listener, config, tc.build)
			event := inngestkit.DefineEvent[user](config.AppID + "/started")
			require.NoError(t, s.app.Register(inngestkit.OnEvent("echo", event, echo)))
			require.NoError(t, s.app.Start(t.Context()))
			require.NoError(t, s.app.AwaitSync(testsite.Within(t)))

			run := testsite.Ended(t, server, testsite.Send(t, s.app, event.New(user{ID: "u1"})), testsite.Timeout)
			require.Equal(t, devserver.RunCompleted, run.Status, "%s\n%s", run, s.log)
			require.Equal(t, `"u1"`, string(run.Output))
			last, _ := s.app.LastSync()
			require.Contains(t, last.URL, tc.path)
			require.NotContains(t, s.log.String(), "level=WARN")
		})
	}
}
