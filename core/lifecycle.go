package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

// Waiting between the tries to sync at start.
const (
	syncFirstWait = 200 * time.Millisecond
	syncMaxWait   = 5 * time.Second
)

// drainRetryAfter is the Retry-After header, in seconds, of calls that come
// during a shutdown.
const drainRetryAfter = "2"

// Start announces the app to the dev server, and keeps trying in the background
// until the server is there, ctx is done or [App.Shutdown] is called. It returns
// at once, so call it before or after the HTTP server starts to listen. The app
// must be mounted; where the server reaches it is ServeHost and ServePort of the
// [Config], by default http://localhost:3000.
//
// In cloud mode it does nothing: there, a deployment triggers the sync.
func (a *App) Start(ctx context.Context) error {
	if !a.config.Dev {
		return nil
	}
	mount := a.mount.Load()
	if mount == nil {
		return errors.New("inngestkit: start: the app is not mounted; call the adapter's Mount first, " +
			"or App.MountedAt if you mount its Handler yourself")
	}
	if len(a.registry.Load().order) == 0 {
		return errors.New("inngestkit: start: the app has no functions; call Register first")
	}
	host := net.JoinHostPort("localhost", strconv.Itoa(a.config.servePort()))
	appURL := a.announced(&url.URL{Scheme: schemeHTTP, Host: host, Path: mount.path})
	if strings.ContainsAny(appURL.Path, ":*{") {
		return fmt.Errorf("inngestkit: start: the app is mounted at %q, which has parameters; "+
			"set ServePath (INNGEST_SERVE_PATH) to the path the server is to call", appURL.Path)
	}
	if !a.gate.enter() {
		return errors.New("inngestkit: start: the app is shut down")
	}
	if !a.started.CompareAndSwap(false, true) {
		a.gate.leave()
		return errors.New("inngestkit: start: the app is started already")
	}
	go func() {
		defer a.gate.leave()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(a.gate.closing, cancel)()
		a.syncUntilDone(ctx, appURL, mount.framework)
	}()
	return nil
}

func (a *App) syncUntilDone(ctx context.Context, appURL *url.URL, framework string) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = syncFirstWait, syncMaxWait
	log := a.config.Logger.With("server", a.config.server(), "url", appURL.String())
	_, err := backoff.Retry(ctx, func() (bool, error) {
		return a.register(ctx, appURL, registration{framework: framework})
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0), backoff.WithNotify(
		func(err error, next time.Duration) {
			log.Warn("inngest: not synced yet; trying again", "error", err, "in", next.Round(time.Millisecond))
		}))
	if err == nil {
		log.Info("inngest: synced", "functions", len(a.registry.Load().order))
	}
}

// Shutdown drains the app: calls that are running end normally, new ones are
// answered with 503 and a Retry-After header, so that the server tries them
// again later or elsewhere. It returns when nothing of the app runs any more, or
// with the cause of ctx's end and calls still running. Shut the HTTP server down
// after it.
//
// The server counts a 503 as an attempt, so a call in its last attempt fails.
// Where that matters, take the instance out of the load balancer first.
// Contexts of requests must not end with the signal to stop, as those of an
// http.Server do whose BaseContext ends with it: calls would not end normally.
func (a *App) Shutdown(ctx context.Context) error {
	select {
	case <-a.gate.close():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("inngestkit: shutdown: %d calls are still running: %w", a.gate.inFlight(), ctxerr.Cause(ctx))
	}
}

// drainGate counts what runs and lets nothing new in once it is closed.
type drainGate struct {
	mu    sync.Mutex
	count int
	idle  chan struct{} // closed when the gate is closed and nothing runs

	closing context.Context //nolint:containedctx // it ends with the gate, for what runs in the background
	end     context.CancelFunc
}

func newDrainGate() *drainGate {
	g := &drainGate{idle: make(chan struct{})}
	g.closing, g.end = context.WithCancel(context.Background())
	return g
}

func (g *drainGate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing.Err() != nil {
		return false
	}
	g.count++
	return true
}

func (g *drainGate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
	if g.closing.Err() != nil && g.count == 0 {
		close(g.idle)
	}
}

func (g *drainGate) inFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count
}

func (g *drainGate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing.Err() == nil {
		g.end()
		if g.count == 0 {
			close(g.idle)
		}
	}
	return g.idle
}
