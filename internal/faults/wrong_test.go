package faults_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// The laboratory notices an app that breaks a promise.
func TestWrongApps(t *testing.T) {
	t.Parallel()
	for wrong, broken := range map[app.Wrong]string{
		app.Forgetful: "after its result has reached the server",
		app.Hasty:     "is completed, and its step one has not finished",
		app.Silent:    "has not ended",
	} {
		t.Run(string(wrong), func(t *testing.T) {
			t.Parallel()
			cfg := lab.Config{Framework: "nethttp", App: func(_ int, cfg *app.Config) { cfg.Wrong = wrong }}
			if wrong == app.Silent {
				cfg.Patience = 3 * time.Second // its run never ends
			}
			l := lab.New(t, cfg)
			l.Send(app.Steps, 1)
			v := l.Judge()
			require.NotEmpty(t, v.Broken)
			require.Contains(t, v.Broken[0], broken)
		})
	}
}
