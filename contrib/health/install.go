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

// Health is what is installed on an app: its checks, its metrics, and the answers of
// its endpoints. It is safe for concurrent use.
type Health struct {
	*config

	app       *inngestkit.App
	installed time.Time
	checks    []*check
	drained   atomic.Bool
	memory    atomic.Pointer[memoryAt]
	// functions has a *functionStats by ID, from the first call on.
	functions sync.Map
}

// Install adds health checks to the app, once, before it is mounted: adapters mount
// its endpoints, by default
//
//	GET, HEAD /health/inngest           the report, see [Report]; with ?details=true metrics
//	GET, HEAD /health/inngest/livez     liveness: 200 as long as the program answers
//	GET, HEAD /health/inngest/readyz    readiness: whether the app is to get calls
//
// below the router or group that the app is mounted on. They answer with 200, or with
// 503 and what is wrong. To count all that happens in a call, install it before other
// middleware.
//
// Checks given with [WithChecks] and [WithServerCheck] begin to run in the background
// at once and end with App.Shutdown; without it they keep the app in memory. Apps that
// are mounted on one router need a [WithPath] each.
//
// An error names the options that are wrong, or says that the app is mounted, shut
// down, or has health checks already; nothing is installed then.
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
		return nil, errors.New("inngesthealth: install: it is installed on this app already")
	}
	if err := h.addRoutes(); err != nil {
		installed.Delete(weak.Make(app))
		return nil, fmt.Errorf("inngesthealth: install: %w", err)
	}
	runtime.AddCleanup(app, func(key weak.Pointer[inngestkit.App]) { installed.Delete(key) }, weak.Make(app))
	app.Use(inngestkit.Middleware{Function: h.function, Step: h.step})
	for _, check := range h.checks {
		_ = app.Go(func(ctx context.Context) { // unless the app is shut down meanwhile, and the report says so
			check.run(inngestkit.NewContext(ctx, app))
		})
	}
	return h, nil
}

// installed has a weak pointer to the Health of each app, by weak pointer. The app
// keeps it.
var installed sync.Map

// From returns what is installed on the app, nil if nothing is. Inside of functions,
// [inngestkit.FromContext] has the app.
func From(app *inngestkit.App) *Health {
	found, ok := installed.Load(weak.Make(app))
	if !ok {
		return nil
	}
	return found.(weak.Pointer[Health]).Value() //nolint:forcetypeassert // nothing else is in there
}

// Drain turns the readiness off, for good, while the app goes on taking calls, and
// [App.Shutdown] later lets it finish them. The time between the two is for load
// balancers to find out.
//
// [App.Shutdown]: https://pkg.go.dev/github.com/inngestkit/inngestkit/core#App.Shutdown
func (h *Health) Drain() { h.drained.Store(true) }

func (h *Health) addRoutes() error {
	if h.noRoutes {
		return nil
	}
	return h.app.AddRoutes(h.routes()...)
}

// draining reports whether the app is about to go.
func (h *Health) draining() bool { return h.drained.Load() || isClosed(h.app.Draining()) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
