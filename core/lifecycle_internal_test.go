package inngestkit

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"

	"github.com/stretchr/testify/require"
)

// lockedBuffer is a buffer that several goroutines may use.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// Start continues after a panic.
func TestStartGoesOnAfterAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged lockedBuffer
		a, err := New(Config{AppID: "app", Dev: true, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		require.NoError(t, err)
		require.NoError(t, a.Register(OnCron("fn", "0 9 * * *", func(_ context.Context, _ CronInput) (any, error) { return nil, nil })))
		a.MountedAt("test", "/")
		a.config.HTTPClient, a.api = nil, nil
		a.syncs.record(Sync{}) // so the check begins
		began := time.Now()
		a.endpoint = a.newEndpointChecker(func() []netip.AddrPort {
			if time.Since(began) > locatePatience {
				panic("oh no")
			}
			return nil
		})
		require.NoError(t, a.Start(t.Context()))
		time.Sleep(locatePatience + 2*watchEvery + time.Second)
		require.Equal(t, 3, logged.count("inngest: the sync with the dev server panicked"))
		require.Equal(t, 1, logged.count("inngest: the check of the endpoint panicked"))
		require.Equal(t, 1, logged.count("inngest: the search for the port of the app panicked"))
		require.NotZero(t, logged.count("inngest: a request of the app to itself panicked"))
		a.config.HTTPClient = httpclient.New() // Shutdown closes it
		require.NoError(t, a.Shutdown(t.Context()))
	})
}
