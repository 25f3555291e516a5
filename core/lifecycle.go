package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// Start keeps the app synced with the dev server in the background. It announces the
// functions as soon as the server is available, and again whenever the server does not
// know them all, for example after the server's restart or after [App.Register]. This ends
// with ctx or [App.Shutdown]. Start returns at once, so call it before or after the HTTP
// server starts to listen. The app must be mounted.
//
// The server reaches the app at ServeHost and ServePort of the [Config]. Without a port
// there, the app searches for itself on the ports where this program listens. After two
// seconds without success it announces http://localhost:3000, and continues to search.
// Start logs what it announces, and why. It also logs if the app does not respond at that
// address, or if the server cannot reach it.
//
// Servers other than the dev server remember functions. To them, Start announces the
// functions once, and again when further ones are registered.
//
// After the first sync, Start calls the app's own endpoint as [App.CheckEndpoint] does,
// and logs what would block the server's calls. It waits up to half a minute for the app
// to listen.
//
// In cloud mode Start does nothing: a deployment or [App.Sync] triggers the sync.
//
// After Shutdown has begun, the error is [ErrShutdown].
func (a *App) Start(ctx context.Context) error {
	if a.gate.IsClosed() {
		return errStartAfterShutdown
	}
	if !a.config.Dev {
		return nil
	}
	target, err := a.syncTarget()
	if err != nil {
		return fmt.Errorf("inngestkit: start: %w", err)
	}
	if !a.gate.Enter() {
		return errStartAfterShutdown
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

var errStartAfterShutdown = fmt.Errorf("inngestkit: start: %w", ErrShutdown)

// Go runs f in the background, for plugins. The context of f ends when [App.Shutdown]
// begins. Shutdown waits for f to return, so f must not call Shutdown. A panic in f is
// logged with its stack and does not end the process. After Shutdown has begun, Go returns
// [ErrShutdown] and does not run f.
func (a *App) Go(f func(ctx context.Context)) error {
	if f == nil {
		return errors.New("inngestkit: go: the function is nil")
	}
	if !a.gate.Enter() {
		return fmt.Errorf("inngestkit: go: %w", ErrShutdown)
	}
	go func() {
		defer a.gate.Leave()
		a.caught("a function given to App.Go", func() { f(a.gate.Closing()) })
	}()
	return nil
}

// Draining returns a channel that is closed when [App.Shutdown] begins. From then on the
// app rejects new calls, for good.
func (a *App) Draining() <-chan struct{} { return a.gate.Closing().Done() }

// Shutdown drains the app. Running calls end normally; new calls get a response with
// status 503 and a Retry-After header, so that the server retries them later or elsewhere.
// Shutdown returns when nothing of the app runs anymore, or, with calls still running, the
// cause of ctx when ctx ends. Shut down the HTTP server after it.
//
// The server counts a 503 as an attempt, so a call in its last attempt fails. Where that
// matters, take the instance out of the load balancer first. The contexts of requests must
// not end with the signal to stop, for example through the BaseContext of the http.Server,
// because then running calls do not end normally.
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

// caught runs f, which calls user code on a goroutine of the app, logs a panic and reports
// whether there was one. Otherwise the panic would end the process.
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

// requestTimeout bounds a request to the server that a call waits for while the app shuts down:
// orchestrators give a shutdown about 30 s, the default time of such a request.
const requestTimeout = 5 * time.Second

var errRequestTimeout = fmt.Errorf("no response within %s of the app's shutdown", requestTimeout)

// untilShutdown returns a context that ends requestTimeout after a shutdown has begun.
func (a *App) untilShutdown(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(a.gate.Closing(), func() {
		timer := time.NewTimer(requestTimeout)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(errRequestTimeout)
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
