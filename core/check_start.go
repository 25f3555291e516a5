package inngestkit

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// listenPatience is how long the check that Start makes waits for the app's HTTP
	// server to listen: programs sync before they listen, and some never listen at the
	// URL they announce to a server elsewhere.
	listenPatience = 30 * time.Second
	// listenMaxWait is the longest wait between two looks.
	listenMaxWait = time.Second
	// warnAfter is how long nothing may listen before that is logged.
	warnAfter = 2 * time.Second
	// checkAgainAfter is how long after a check that has found something another follows.
	checkAgainAfter = time.Second
)

// checkAtStart makes the check of CheckEndpoint, after the first sync and as soon as
// the app listens, and logs what it still finds a moment later.
func (a *App) checkAtStart(ctx context.Context, target syncTarget) {
	if a.AwaitSync(ctx) != nil {
		return
	}
	check, silence := a.newEndpointCheck(target.url), a.newSilence(target)
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = syncFirstWait, listenMaxWait
	findings, err := backoff.Retry(ctx, func() ([]error, error) {
		return check.run(ctx)
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(listenPatience), backoff.WithNotify(silence.notice))
	if err == nil && len(findings) > 0 {
		// An old process that is about to end, or a program that is not ready yet, is
		// no reason to be frightened.
		select {
		case <-time.After(checkAgainAfter):
		case <-ctx.Done():
		}
		findings, err = check.run(ctx)
	}
	if err != nil {
		a.config.Logger.Debug("inngest: the endpoint was not checked", "error", err)
		return
	}
	if len(findings) == 0 {
		silence.over()
	}
	for _, finding := range findings {
		a.config.Logger.Warn("inngest: calls of the server will fail", "error", finding)
	}
}

// silence is the time in which nothing listens where the app was announced.
type silence struct {
	app    *App
	target syncTarget
	began  time.Time
	// expected is set if it need not be a mistake, or is logged elsewhere.
	expected bool
	noticed  bool
	warned   bool
}

func (a *App) newSilence(target syncTarget) *silence {
	// A host elsewhere may be reached by the server and not from here.
	expected := !target.fixed || !isLoopback(target.url.Hostname())
	return &silence{app: a, target: target, began: time.Now(), expected: expected}
}

// notice logs once that nothing listens, if that lasts.
func (s *silence) notice(err error, next time.Duration) {
	s.noticed = true
	if s.expected || s.warned || time.Since(s.began)+next < warnAfter {
		return
	}
	s.warned = true
	s.app.config.Logger.Warn("inngest: the app does not listen yet where it was announced", "url", s.target.url.String(),
		"from", s.target.from, "error", err)
}

// over logs that the app listens, if it was logged that it did not.
func (s *silence) over() {
	if s.noticed {
		s.app.config.Logger.Info("inngest: the app listens now where it was announced", "url", s.target.url.String())
	}
}
