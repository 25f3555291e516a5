package inngestkit

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// listenPatience is how long the check that Start makes waits for the app's HTTP
// server to listen: programs sync before they listen, and some never listen at the
// URL they announce to a server elsewhere.
const listenPatience = 30 * time.Second

// checkAgainAfter is how long after a check that has found something another follows.
const checkAgainAfter = time.Second

// checkAtStart makes the check of CheckEndpoint, after the first sync and as soon as
// the app listens, and logs what it still finds a moment later.
func (a *App) checkAtStart(ctx context.Context, target syncTarget) {
	if a.AwaitSync(ctx) != nil {
		return
	}
	check := a.newEndpointCheck(target.url)
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = syncFirstWait, syncMaxWait
	findings, err := backoff.Retry(ctx, func() ([]error, error) {
		return check.run(ctx)
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(listenPatience))
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
	for _, finding := range findings {
		a.config.Logger.Warn("inngest: calls of the server will fail", "error", finding)
	}
}
