package inngesthealth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var errLost = errors.New("dial postgres://shop:geheim@db: connection refused")

// pass advances the time and waits until everything that is due has happened.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// A check runs immediately, and then again one interval after the end of each run.
func TestCheckRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		app := newApp(t, inngestkit.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, succeed)
		var began []time.Duration
		var fails atomic.Bool
		start := time.Now()
		h := install(t, app, WithChecks(Check{Name: "database", Run: func(ctx context.Context) error {
			began = append(began, time.Since(start))
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			if fails.Load() {
				return errLost
			}
			return nil
		}}))
		pending := h.Report()
		require.Equal(t, StatusError, pending.Status)
		require.Equal(t, Indicator{Status: Down, Message: "no result yet"}, pending.Error["database"])

		pass(3 * time.Second)
		up := h.Report()
		require.Equal(t, StatusOK, up.Status)
		require.Equal(t, Indicator{Status: Up, AgeSeconds: new(2.0)}, up.Info["database"])
		require.NoError(t, h.Ready())

		fails.Store(true)
		pass(DefaultInterval)
		down := h.Report()
		require.Equal(t, StatusError, down.Status)
		require.Equal(t, Indicator{
			Status: Down, Message: "the check failed; see the app's log", AgeSeconds: new(1.0),
		}, down.Error["database"])
		require.EqualError(t, h.Ready(), "inngesthealth: not ready: database: the check failed; see the app's log")
		require.Equal(t, 1, strings.Count(log.String(), "health check is down"))
		require.Contains(t, log.String(), "geheim")

		pass(2 * (DefaultInterval + time.Second))
		require.Equal(t, 1, strings.Count(log.String(), "health check is down"))
		fails.Store(false)
		pass(2 * DefaultInterval)
		require.Equal(t, StatusOK, h.Report().Status)
		require.Equal(t, 1, strings.Count(log.String(), "health check is up again"))
		for i, at := range began {
			require.Equal(t, time.Duration(i)*(DefaultInterval+time.Second), at)
		}
		require.GreaterOrEqual(t, len(began), 5)
	})
}

// WithInterval applies to checks without an Interval.
func TestInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t, inngestkit.Config{}, succeed)
		var usual, own int
		counting := func(n *int) func(context.Context) error {
			return func(context.Context) error { *n++; return nil }
		}
		install(t, app, WithInterval(time.Second), WithChecks(
			Check{Name: "usual", Run: counting(&usual)},
			Check{Name: "own", Run: counting(&own), Interval: 4 * time.Second},
		))
		pass(8 * time.Second)
		require.Equal(t, []int{9, 3}, []int{usual, own})
	})
}

// A check that takes too long is down, and does not run again until it has returned.
func TestCheckHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t, inngestkit.Config{}, succeed)
		var running, runs int
		release := make(chan struct{})
		h := install(t, app, WithChecks(Check{
			Name: "cache", Timeout: 2 * time.Second, Interval: time.Second,
			Run: func(context.Context) error {
				runs++
				running++
				require.Equal(t, 1, running)
				<-release
				running--
				return nil
			},
		}))
		pass(time.Minute)
		require.Equal(t, Indicator{Status: Down, Message: "no result within 2s", AgeSeconds: new(58.0)}, h.Report().Error["cache"])
		require.Equal(t, 1, runs)
		close(release)
		pass(1500 * time.Millisecond)
		require.Equal(t, StatusOK, h.Report().Status)
		require.Equal(t, 2, runs)
	})
}

// Shutdown does not wait for a check that hangs.
func TestShutdownLeavesAHangingCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t, inngestkit.Config{}, succeed)
		release := make(chan struct{})
		install(t, app, WithChecks(Check{Name: "cache", Run: func(context.Context) error { <-release; return nil }}))
		synctest.Wait()
		begin := time.Now()
		require.NoError(t, app.Shutdown(t.Context()))
		require.Zero(t, time.Since(begin))
		close(release)
	})
}

// The context of a check ends with its timeout, and with the app, which is not a failure.
func TestCheckContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		app := newApp(t, inngestkit.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, succeed)
		var ended []error
		h := install(t, app, WithChecks(Check{Name: "cache", Interval: time.Second, Run: func(ctx context.Context) error {
			<-ctx.Done()
			ended = append(ended, ctx.Err())
			return fmt.Errorf("asking the cache: %w", ctx.Err())
		}}))
		pass(DefaultTimeout + DefaultTimeout/2)
		require.Equal(t, "no result within 5s", h.Report().Error["cache"].Message)
		require.NoError(t, app.Shutdown(t.Context()))
		synctest.Wait()
		require.Equal(t, []error{context.DeadlineExceeded, context.Canceled}, ended)
		require.Equal(t, 1, strings.Count(log.String(), "health check"), log.String())
	})
}

// A misbehaving check affects only its own indicator.
func TestBadChecks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		check   func(ctx context.Context) error
		message string
	}{
		"panic":    {func(context.Context) error { panic("geheim") }, "the check panicked; see the app's log"},
		"goexit":   {func(context.Context) error { runtime.Goexit(); return nil }, "the check failed; see the app's log"},
		"error":    {func(context.Context) error { return errLost }, "the check failed; see the app's log"},
		"public":   {func(context.Context) error { return Public(errors.New("3 of 4 shards are away")) }, "3 of 4 shards are away"},
		"wrapped":  {func(context.Context) error { return fmt.Errorf("x: %w", Public(errors.New("away"))) }, "away"},
		"no error": {func(context.Context) error { return Public(nil) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := install(t, newApp(t, inngestkit.Config{}, succeed), WithChecks(Check{Name: "database", Run: tc.check}))
				synctest.Wait()
				r := h.Report()
				require.Equal(t, tc.message, r.Error["database"].Message)
				require.Equal(t, tc.message == "", r.Status == StatusOK)
				pass(2 * DefaultInterval)
				require.Equal(t, r.Status, h.Report().Status) // and it runs again
			})
		})
	}
	require.ErrorIs(t, Public(errLost), errLost)
}

// A HealthOnly check is in the report, but does not affect readiness.
func TestHealthOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := install(t, newApp(t, inngestkit.Config{}, succeed), WithChecks(
			Check{Name: "search", Run: func(context.Context) error { return errLost }, HealthOnly: true},
			Check{Name: "database", Run: func(context.Context) error { return nil }},
		))
		synctest.Wait()
		require.NoError(t, h.Ready())
		r := h.Report()
		require.Equal(t, StatusError, r.Status)
		require.Contains(t, r.Error, "search")
		require.Contains(t, r.Info, "database")
	})
}

type badError struct{}

func (badError) Error() string { panic("geheim") }

// worseError panics with itself, so printing the recovered value panics, too.
type worseError struct{}

func (e worseError) Error() string { panic(e) }

// A panic of an error's Error method affects only its check. Error is called once.
func TestErrorsThatPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, err := range map[string]error{"error": badError{}, "worse": worseError{}, "public": Public(badError{})} {
			h := install(t, newApp(t, inngestkit.Config{}, succeed), WithChecks(Check{
				Name: name, Run: func(context.Context) error { return err },
			}))
			synctest.Wait()
			require.Equal(t, "the check panicked; see the app's log", h.Report().Error[name].Message)
		}
	})
}

func TestLongMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := install(t, newApp(t, inngestkit.Config{}, succeed), WithChecks(Check{
			Name: "a", Run: func(context.Context) error { return Public(errors.New(strings.Repeat("ü", maxMessage))) },
		}))
		synctest.Wait()
		require.Equal(t, strings.Repeat("ü", maxMessage/2), h.Report().Error["a"].Message)
	})
}

// The log has each error of a check that is down once, including one returned too late.
func TestTheLogHasTheErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		app := newApp(t, inngestkit.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, succeed)
		c := newCheck(Check{Name: "a", Timeout: time.Second, Run: func(ctx context.Context) error { return ctx.Err() }}, inngestkit.Logger(
			inngestkit.NewContext(t.Context(), app)))
		for _, text := range []string{"first", "first", "second", "first"} {
			c.record(t.Context(), failed(text))
		}
		require.Equal(t, 2, strings.Count(log.String(), "error=first"))
		require.Equal(t, 1, strings.Count(log.String(), "error=second"))
		c.record(t.Context(), result{})
		c.record(t.Context(), result{})
		require.Equal(t, 1, strings.Count(log.String(), "is up again"))

		late, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		<-late.Done()
		c.record(late, failed("not recorded, since the app has ended"))
		require.Equal(t, Up, c.indicator().Status)
	})
}

// A check that returns an error because of its timeout has the message of the timeout,
// regardless of which one is noticed first.
func TestCheckGivesUp(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := newCheck(Check{Name: "a", Run: func(context.Context) error { return Public(errLost) }}, slog.New(slog.NewTextHandler(&log, nil)))
	for range 200 { // with a timeout of 0
		<-c.once(t.Context())
		require.Equal(t, "no result within 0s", c.indicator().Message)
	}
}
