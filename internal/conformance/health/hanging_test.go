package health

import (
	"context"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// stubborn is a check that neither returns nor reads its context until it is released.
type stubborn struct {
	begun, now, most atomic.Int64
	release          chan struct{} // a value ends one run
	released         int64
}

func (s *stubborn) check(context.Context) error {
	s.begun.Add(1)
	if now := s.now.Add(1); now > s.most.Load() {
		s.most.Store(now)
	}
	<-s.release
	s.now.Add(-1)
	return nil
}

// letGo ends all runs until enough is closed.
func (s *stubborn) letGo(enough <-chan struct{}) {
	for {
		select {
		case s.release <- struct{}{}:
			s.released++
		case <-enough:
			return
		}
	}
}

// User checks that hang, panic or do not return delay neither the responses nor each other
// nor the end of the app.
func TestHangingChecks(t *testing.T) {
	t.Parallel()
	stuck := stubborn{release: make(chan struct{})}
	var obedient, others testsite.Counter
	s := setup{options: []inngesthealth.Option{inngesthealth.WithInterval(checkEvery), inngesthealth.WithChecks(
		inngesthealth.Check{Name: "stuck", Timeout: checkEvery, Run: stuck.check},
		inngesthealth.Check{Name: "obedient", Timeout: checkEvery, Run: func(ctx context.Context) error {
			<-ctx.Done()
			obedient.Add("ended")
			return ctx.Err()
		}},
		inngesthealth.Check{Name: "panics", Run: func(context.Context) error { panic("oh") }},
		inngesthealth.Check{Name: "exits", Run: func(context.Context) error {
			runtime.Goexit()
			return nil
		}},
		inngesthealth.Check{Name: "healthy", Run: func(context.Context) error {
			others.Add("run")
			return nil
		}},
	)}}.serve(t)

	indicators := func() map[string]inngesthealth.Indicator {
		t.Helper()
		got := s.get(t, report)
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.Equal(t, got.status, s.get(t, ready).status)
		require.Equal(t, http.StatusOK, s.get(t, liveness).status)
		return got.report(t).Error
	}
	messages := map[string]string{
		"stuck":    "no result within 20ms",
		"obedient": "no result within 20ms",
		"panics":   "the check panicked; see the app's log",
		"exits":    "the check failed; see the app's log",
	}
	testsite.Eventually(t, checkEvery, func() bool {
		for name, message := range messages {
			if indicators()[name].Message != message {
				return false
			}
		}
		return s.get(t, report).report(t).Info["healthy"].AgeSeconds != nil
	})

	// The other checks continue, and this one is left alone.
	runs := others.Of("run")
	testsite.Eventually(t, checkEvery, func() bool { return others.Of("run") >= runs+10 && obedient.Of("ended") >= 3 })
	require.Len(t, indicators(), len(messages))
	require.Equal(t, []int64{1, 1}, []int64{stuck.begun.Load(), stuck.most.Load()})
	require.Greater(t, *indicators()["stuck"].AgeSeconds, (5 * checkEvery).Seconds(), "the age is that of the result")

	// It runs again when it has returned. The result that is too late is discarded.
	stuck.release <- struct{}{}
	stuck.released++
	testsite.Eventually(t, checkEvery, func() bool { return stuck.begun.Load() == 2 })
	require.Equal(t, messages["stuck"], indicators()["stuck"].Message)
	enough, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		stuck.letGo(enough)
	}()
	testsite.Eventually(t, time.Millisecond, func() bool {
		_, up := s.get(t, report).report(t).Info["stuck"]
		return up
	})
	close(enough)
	<-stopped
	testsite.Eventually(t, checkEvery, func() bool { return stuck.begun.Load() == stuck.released+1 })

	// The app ends although the check hangs again, and does not run it again.
	testsite.Stop(t, s.app.Shutdown)
	require.Equal(t, []int64{1, 1}, []int64{stuck.now.Load(), stuck.most.Load()})
	close(stuck.release)
	testsite.Eventually(t, checkEvery, func() bool { return stuck.now.Load() == 0 })
	require.Equal(t, stuck.released+1, stuck.begun.Load())
	require.Equal(t, inngesthealth.StatusShuttingDown, s.get(t, report).report(t).Status)
	// TestMain looks for goroutines that are left.
}
