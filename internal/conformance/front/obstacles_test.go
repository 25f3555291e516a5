package front

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// An obstacle is middleware of one framework that breaks calls.
type obstacle struct {
	name string
	// build returns an application with the obstacle in front of /other and, unless fixed,
	// of the endpoint.
	build func(app *inngestkit.App, fixed bool) server
	// fix is the rest of the fix.
	fix func(config *inngestkit.Config)

	// size is the size of the call's body, before the number of requests before it.
	size, before int
	// status is the status of the call without the fix, 0 if it is not reliable.
	status int
	// finding is what CheckEndpoint reports without the fix, "" for nothing, and log what
	// the first request logs.
	finding, log string
	// other is the status of a request to /other.
	other int
}

// test shows the obstacle and the fix.
func (tc obstacle) test(t *testing.T) {
	t.Helper()
	t.Run(tc.name, func(t *testing.T) {
		t.Parallel()
		t.Run("without the fix", func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server { return tc.build(app, false) })
			for range tc.before {
				s.call(t, "fn", 0)
			}
			status, sdk, _ := s.call(t, "fn", tc.size)
			if tc.status != 0 {
				require.Equal(t, tc.status, status)
				require.False(t, sdk, "the response is not the app's")
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
		t.Run("with the fix", func(t *testing.T) {
			t.Parallel()
			var config inngestkit.Config
			if tc.fix != nil {
				tc.fix(&config)
			}
			s := run(t, config, func(app *inngestkit.App) server { return tc.build(app, true) })
			for range tc.before {
				s.call(t, "fn", 0)
			}
			if tc.fix == nil { // otherwise the announced path differs
				s.callSucceeds(t, tc.size)
			}
			require.NoError(t, s.app.CheckEndpoint(t.Context()))
			require.NotContains(t, s.log.String(), "level=")
			for range tc.before {
				s.request(t, http.MethodPost, "/other", "{}", nil)
			}
			status, _, _ := s.request(t, http.MethodPost, "/other", "{}", nil)
			require.Equal(t, tc.other, status, "other routes stay protected")
		})
	})
}
