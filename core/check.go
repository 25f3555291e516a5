package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"

	"github.com/cenkalti/backoff/v5"

	"github.com/inngestkit/inngestkit/core/internal/hosts"
	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/selfcheck"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// CheckEndpoint calls the app's own endpoint over the network as the server would, at the
// URL that [App.Start] and [App.Sync] announce. It returns what stands in the way of the
// server's calls: nil, or one error for each cause, joined, with what to do about it. It
// finds whatever responds in place of the app (CSRF protection, authentication, a wrong
// path or port, a redirect), limits below the largest body that the server sends, 4 MiB,
// and caches. It cannot find rate limits and timeouts, which only show with many calls or
// long ones, or a firewall between the server and this program.
//
// CheckEndpoint calls no function and syncs nothing. It makes a few requests, two of them
// with the largest body, and takes at most 30 s. The app must be mounted, and the HTTP
// server must listen.
//
// In dev mode, Start makes this check by itself and logs what it finds.
func (a *App) CheckEndpoint(ctx context.Context) error {
	if !a.gate.Enter() {
		return fmt.Errorf("inngestkit: check endpoint: %w", ErrShutdown)
	}
	defer a.gate.Leave()
	target, err := a.syncTarget()
	if err != nil {
		return fmt.Errorf("inngestkit: check endpoint: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(a.gate.Closing(), func() { cancel(ErrShutdown) })()
	findings, err := a.check(ctx, target.url)
	if err != nil {
		return fmt.Errorf("inngestkit: check endpoint: %w", err)
	}
	for i, finding := range findings {
		findings[i] = fmt.Errorf("inngestkit: check endpoint: %w", finding)
	}
	return errors.Join(findings...)
}

// check is [selfcheck.Checker.Check] without secrets in what the findings quote.
func (a *App) check(ctx context.Context, endpoint *url.URL) (findings []error, err error) {
	findings, err = a.endpoint.Check(ctx, endpoint)
	secrets := a.config.secrets()
	for i, finding := range findings {
		findings[i] = secrets.Error(finding)
	}
	return findings, secrets.Error(err)
}

// newEndpointChecker returns the checker of the app's endpoint. listeners is nil except in tests.
func (a *App) newEndpointChecker(listeners func() []netip.AddrPort) *selfcheck.Checker {
	options := selfcheck.Options{
		NewClient:    func() *http.Client { return httpclient.Direct(a.config.HTTPClient) },
		MaxBodyBytes: a.config.MaxBodyBytes, Guard: a.caught, Listeners: listeners, OtherPath: a.arrival.otherPath,
	}
	if !a.config.Dev {
		key := []byte(signing.SecretPart(string(a.config.SigningKey)))
		options.Sign = func(body []byte) string { return signing.Sign(key, body, time.Now()) }
		options.Verify = func(header string, body []byte) bool {
			signature, err := signing.Parse(header, time.Now())
			if err != nil {
				return false
			}
			_, verified := a.verifier.Verify(signature, body)
			return verified != nil
		}
	}
	return selfcheck.New(options)
}

const (
	// listenPatience is how long the check at startup waits for the app's HTTP server to
	// listen: programs sync before they listen, and some never listen at the URL that they
	// announce to a server elsewhere.
	listenPatience = 30 * time.Second
	// listenMaxWait is the longest wait between two attempts.
	listenMaxWait = time.Second
	// warnAfter is how long nothing may listen before that is logged.
	warnAfter = 2 * time.Second
	// checkAgainAfter is how long after a check with findings the next one follows.
	checkAgainAfter = time.Second
)

// checkAtStart checks the endpoint after the first sync, as soon as the app listens. It
// logs the findings that last.
func (a *App) checkAtStart(ctx context.Context, target syncTarget) {
	if a.AwaitSync(ctx) != nil {
		return
	}
	silence := a.newSilence(target)
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = syncFirstWait, listenMaxWait
	findings, err := backoff.Retry(ctx, func() ([]error, error) {
		return a.check(ctx, target.url)
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(listenPatience), backoff.WithNotify(silence.notice))
	if err == nil && len(findings) > 0 {
		// It may be an old process that is about to end, or a program that is not ready yet.
		select {
		case <-time.After(checkAgainAfter):
		case <-ctx.Done():
		}
		findings, err = a.check(ctx, target.url)
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

// silence is the time during which nothing listens where the app was announced.
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
	// The server may reach another host even if this program does not.
	expected := !target.fixed || !hosts.IsLoopback(target.url.Hostname())
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

// over logs that the app listens, if it did not before.
func (s *silence) over() {
	if s.noticed {
		s.app.config.Logger.Info("inngest: the app listens now where it was announced", "url", s.target.url.String())
	}
}

// maxServerWait is how long the server waits for a response (MaxFunctionTimeout in its
// pkg/consts).
const maxServerWait = 2 * time.Hour

// warnAboutEnvironment logs, at the app's first request, which settings of the framework
// and the HTTP server will make calls fail. They rarely depend on the request, so later
// requests cost one atomic load.
func (a *App) warnAboutEnvironment(ctx context.Context, req *adapter.Request) {
	if a.environmentChecked.Load() || !a.environmentChecked.CompareAndSwap(false, true) {
		return
	}
	l := a.config.Logger.With("path", req.Path)
	if req.BodyLimit > 0 && req.BodyLimit < selfcheck.MaxServerBody {
		l.Error("inngest: the framework refuses bodies that the server sends, so calls with much data fail; "+
			"raise its limit (Fiber: BodyLimit in fiber.Config; on AWS Lambda, see docs/lambda.md)",
			"limit", req.BodyLimit, "server_sends", selfcheck.MaxServerBody)
	}
	if req.Buffered && !a.config.Dev {
		l.Warn("inngest: the framework reads whole bodies into memory before the app can refuse those of strangers; " +
			"let it stream them (Fiber: StreamRequestBody in fiber.Config; docs/adapters.md says what else to consider)")
	}
	enough := maxServerWait
	if req.UsualDeadline > 0 {
		enough = req.UsualDeadline
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < enough {
		l.Warn("inngest: a timeout ends calls, so a step that takes longer fails and is retried. "+
			"Exclude the path from the timeout, or make it longer than every step (on AWS Lambda, see docs/lambda.md)",
			"timeout", roundTimeout(time.Until(deadline)))
	}
	if req.WriteTimeout > 0 {
		l.Warn("inngest: WriteTimeout of the http.Server cuts responses off, so a step that takes longer runs again; "+
			"it could not be lifted, because a middleware's http.ResponseWriter has no Unwrap. "+
			"Exclude the path from that middleware, or make WriteTimeout longer than every step", "timeout", req.WriteTimeout)
	}
}

// roundTimeout rounds what is left of a timeout, nearly the timeout itself, for logs.
func roundTimeout(left time.Duration) time.Duration {
	if left > time.Second {
		return left.Round(100 * time.Millisecond)
	}
	return left.Round(time.Millisecond)
}
