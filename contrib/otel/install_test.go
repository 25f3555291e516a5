package inngestotel

import (
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Telemetry does not keep unused apps in memory, and forgets them when they are
// collected.
func TestInstallKeepsNothing(t *testing.T) {
	t.Parallel()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(t, err)
	require.NoError(t, Install(app))
	key := weak.Make(app)
	_, noted := installed.Load(key)
	require.True(t, noted)
	runtime.KeepAlive(app)
	require.Eventually(t, func() bool {
		runtime.GC()
		_, noted := installed.Load(key)
		return !noted && key.Value() == nil
	}, time.Minute, time.Millisecond)
}
