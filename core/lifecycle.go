package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// Start keeps the app synced with the dev server in the background: it announces
// the functions as soon as the server is there, and again whenever the server
// does not know them all, as after a restart, in which it forgets its apps, or
// after an [App.Register]. That ends with ctx or [App.Shutdown]. It returns at
// once, so call it before or after the HTTP server starts to listen. The app must
// be mounted.
//
// Where the server reaches the app is ServeHost and ServePort of the [Config]. Without a
// port there, the app looks for itself at the ports where this program listens, for two
// seconds before it announces http://localhost:3000, and later on. What is announced, and
// why, is logged, and so is an address where the app does not answer, or where the server
// says that it cannot reach it.
//
// A server that is no dev server keeps what it was told; with such a one, the
// functions are announced once, and when further ones are registered.
//
// After the first sync it calls the app's own endpoint as [App.CheckEndpoint] does,
// and logs what will keep the server's calls from it; for that it waits half a minute
// for the app to listen.
//
// In cloud mode Start does nothing: there, a deployment triggers the sync, or
// [App.Sync] does.
func (a *App) Start(ctx context.Context) error {
	if !a.config.Dev {
		return nil
	}
	target, err := a.syncTarget()
	if err != nil {
		return fmt.Errorf("inngestkit: start: %w", err)
	}
	if !a.gate.Enter() {
		return fmt.Errorf("inngestkit: start: %w", ErrShutdown)
	}
	if !a.started.CompareAndSwap(false, true) {
		a.gate.Leave()
		return errors.New("inngestkit: start: the app is started already")
	}
	go func() {
		defer a.gate.Leave()
		a.caught("what Start runs", func() { a.runStarted(ctx, target) })
	}()
	return nil
}

// Go runs f in the background until it returns, for plugins. Its context ends when
// [App.Shutdown] begins, which waits for f; so f must not call Shutdown. A panic in f
// ends f, not the process: it is logged with its stack. The error says that the app is
// shut down; f does not run then.
func (a *App) Go(f func(ctx context.Context)) error {
	if !a.gate.Enter() {
		return fmt.Errorf("inngestkit: go: %w", ErrShutdown)
	}
	go func() {
		defer a.gate.Leave()
		a.caught("a function given to App.Go", func() { f(a.gate.Closing()) })
	}()
	return nil
}

// Draining is closed when [App.Shutdown] begins: new calls are turned away from then
// on, and nothing opens the app again.
func (a *App) Draining() <-chan struct{} { return a.gate.Closing().Done() }

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
	case <-a.gate.Close():
		a.logRestOfRefusals()
		a.closeConnections()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("inngestkit: shutdown: not everything has ended, %d calls are still running: %w",
			a.gate.InFlight(), ctxerr.Cause(ctx))
	}
}

// caught runs f, which calls code of the user's on a goroutine of the app, and reports
// whether it panicked. A panic is logged; it would end the process otherwise.
func (a *App) caught(what string, f func()) (panicked bool) {
	defer func() {
		if r := recover(); r != nil {
			panicked = true
			a.config.Logger.Error("inngest: "+what+" panicked", "panic", safe.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	f()
	return false
}

// closeConnections closes the idle connections if they belong to the app.
func (a *App) closeConnections() {
	if a.ownsClient {
		a.config.HTTPClient.CloseIdleConnections()
	}
}

// Ping reports whether the Inngest server is up, and its host for events if that is another
// one. Any response below 500 counts, after redirects, which the app's other requests follow
// too. Ping sends no event and no key, so it does not validate keys. Over [App.Connect] it
// makes no request and reports whether the connection is up.
//
// The error has one line for each host that did not respond, with the cause of ctx's end if
// that is the reason. Ping takes at most 30 s.
func (a *App) Ping(ctx context.Context) error {
	switch a.Connection() {
	case ConnectionConnected:
		return nil
	case ConnectionConnecting:
		return errors.New("inngestkit: ping: not connected to " + a.config.server() + " at the moment")
	case ConnectionUnused:
	}
	hosts := a.api.Hosts()
	errs := make([]error, len(hosts))
	var pings sync.WaitGroup // at the same time, so that a host that hangs delays no other
	for i, host := range hosts {
		errs[i] = fmt.Errorf("inngestkit: ping %s: it panicked, or its goroutine has ended; see the app's log", host)
		pings.Go(func() {
			a.caught("a ping", func() {
				if errs[i] = a.api.Ping(ctx, host); errs[i] != nil {
					errs[i] = fmt.Errorf("inngestkit: ping %s: %w", host, errs[i])
				}
			})
		})
	}
	pings.Wait()
	if a.gate.Closing().Err() != nil {
		a.closeConnections() // Shutdown does not wait for pings, and may have closed them before
	}
	return errors.Join(errs...)
}
