package inngesthealth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Health is the installation on one app: its checks, its metrics and its endpoints. It
// is safe for concurrent use.
type Health struct {
	*config

	app       *inngestkit.App
	installed time.Time
	checks    []*check
	drained   atomic.Bool
	memory    atomic.Pointer[memoryAt]
	// functions maps an ID to a *functionStats, from the first call on.
	functions sync.Map
}

// Install adds health checks to the app. Call it once, before the app is mounted.
// Adapters then also mount these endpoints by default, below the router or group of the
// app:
//
//	GET, HEAD /health/inngest           the report, see [Report]; with ?details=true metrics
//	GET, HEAD /health/inngest/livez     liveness: 200 while the program responds
//	GET, HEAD /health/inngest/readyz    readiness: whether the app should receive calls
//
// They respond with 200, or with 503 and the reason. Install the package before other
// middleware, so that its metrics include that middleware.
//
// The checks of [WithChecks] and [WithServerCheck] start immediately, in the
// background, and stop with App.Shutdown. Until then they keep the app in memory. Apps
// mounted on the same router need different paths; see [WithPath].
//
// Install returns an error, and installs nothing, if an option is invalid or the app is
// mounted, shut down, or already has health checks.
func Install(app *inngestkit.App, options ...Option) (*Health, error) {
	if app == nil {
		return nil, errors.New("inngesthealth: install: the app is nil")
	}
	if isClosed(app.Draining()) {
		return nil, fmt.Errorf("inngesthealth: install: %w", inngestkit.ErrShutdown)
	}
	c, err := newConfig(app, options)
	if err != nil {
		return nil, err
	}
	h := &Health{config: c, app: app, installed: time.Now()}
	for _, asked := range c.checks {
		h.checks = append(h.checks, newCheck(asked, h.app.Logger()))
	}
	if _, again := installed.LoadOrStore(weak.Make(app), weak.Make(h)); again {
		return nil, errors.New("inngesthealth: install: the app already has health checks")
	}
	if err := h.addRoutes(); err != nil {
		installed.Delete(weak.Make(app))
		return nil, fmt.Errorf("inngesthealth: install: %w", err)
	}
	runtime.AddCleanup(app, func(key weak.Pointer[inngestkit.App]) { installed.Delete(key) }, weak.Make(app))
	app.Use(inngestkit.Middleware{Function: h.function, Step: h.step})
	for _, check := range h.checks {
		_ = app.Go(func(ctx context.Context) { // fails only during a shutdown, which the report shows
			check.loop(inngestkit.NewContext(ctx, app))
		})
	}
	return h, nil
}

// installed maps a weak pointer to an app to a weak pointer to its Health, which the
// app keeps alive.
var installed sync.Map

// From returns the Health installed on the app, nil if none. Inside a function,
// [inngestkit.FromContext] returns the app.
func From(app *inngestkit.App) *Health {
	found, ok := installed.Load(weak.Make(app))
	if !ok {
		return nil
	}
	return found.(weak.Pointer[Health]).Value() //nolint:forcetypeassert // the map has no other values
}

// Drain makes the app unready for good, while it still accepts calls. Call it some time
// before [App.Shutdown], so that load balancers notice before the app rejects calls.
//
// [App.Shutdown]: https://pkg.go.dev/github.com/inngestkit/inngestkit/core#App.Shutdown
func (h *Health) Drain() { h.drained.Store(true) }

func (h *Health) addRoutes() error {
	if h.noRoutes {
		return nil
	}
	return h.app.AddRoutes(h.routes()...)
}

// draining reports whether Drain was called or a shutdown has begun.
func (h *Health) draining() bool { return h.drained.Load() || isClosed(h.app.Draining()) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
