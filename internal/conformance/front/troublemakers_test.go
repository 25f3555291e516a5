package front

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// trouble is a troublemaker in one framework.
type trouble struct {
	name string
	// build makes an application with the troublemaker in front of /other and, but
	// with the cure, of the endpoint.
	build func(app *inngestkit.App, cured bool) server
	// cure is what else the cure is.
	cure func(config *inngestkit.Config)

	// size is that of the body of the call; before is how many requests come before it.
	size, before int
	// status is what the call gets without the cure, 0 for no answer that can be
	// relied on.
	status int
	// finding is what CheckEndpoint says without the cure, "" for nothing, and log
	// what the first request logs.
	finding, log string
	// other is what a request to /other gets.
	other int
}

// test shows the trouble and the cure.
func (tc trouble) test(t *testing.T) {
	t.Helper()
	t.Run(tc.name, func(t *testing.T) {
		t.Parallel()
		t.Run("without the cure", func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server { return tc.build(app, false) })
			for range tc.before {
				s.call(t, "fn", 0)
			}
			status, sdk, _ := s.call(t, "fn", tc.size)
			if tc.status != 0 {
				require.Equal(t, tc.status, status)
				require.False(t, sdk, "it is not the app that answers")
			} else {
				require.NotEqual(t, http.StatusOK, status)
			}
			if err := s.app.CheckEndpoint(t.Context()); tc.finding != "" {
				require.ErrorContains(t, err, tc.finding)
			} else {
				require.NoError(t, err)
			}
			if tc.log != "" {
				require.Contains(t, s.log.String(), tc.log)
			} else {
				require.NotContains(t, s.log.String(), "level=ERROR")
			}
			status, _, _ = s.request(t, http.MethodPost, "/other", "{}", nil)
			require.Equal(t, tc.other, status)
		})
		t.Run("with the cure", func(t *testing.T) {
			t.Parallel()
			var config inngestkit.Config
			if tc.cure != nil {
				tc.cure(&config)
			}
			s := run(t, config, func(app *inngestkit.App) server { return tc.build(app, true) })
			for range tc.before {
				s.call(t, "fn", 0)
			}
			if tc.cure == nil { // else the server is told another path
				status, sdk, body := s.call(t, "fn", tc.size)
				require.Equal(t, http.StatusOK, status, body)
				require.True(t, sdk)
				require.Equal(t, `"done"`, body)
			}
			require.NoError(t, s.app.CheckEndpoint(t.Context()))
			require.NotContains(t, s.log.String(), "level=")
			for range tc.before {
				s.request(t, http.MethodPost, "/other", "{}", nil)
			}
			status, _, _ := s.request(t, http.MethodPost, "/other", "{}", nil)
			require.Equal(t, tc.other, status, "the protection of other routes stays")
		})
	})
}
