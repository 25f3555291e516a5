package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
	"github.com/inngestkit/inngestkit/core/internal/manifest"
	"github.com/inngestkit/inngestkit/core/internal/selfcheck"
)

// Sync is a successful sync, since which the server knows the app's functions.
type Sync struct {
	// Time is when it happened.
	Time time.Time
	// URL is where the server was told to call the app, "" over [App.Connect].
	URL string
	// Functions is the number of functions announced.
	Functions int
	// InBand is whether the functions were in the response to the server's request and
	// not in a request of the app.
	InBand bool
	// Connect is whether they were sent over the connection of [App.Connect].
	Connect bool
}

// Sync announces the functions to the server's API without a request from the server. In
// dev mode [App.Start] does that by itself. In cloud mode it is for programs that sync when
// they start or are deployed: set ServeHost, and mount the app first or set ServePath, so
// that the server learns where to call the app. It must be able to reach the app by then.
//
// Syncs run one after the other. The error says what is missing, or why the server refused
// the sync; the functions that the server knew before stay in force. Sync logs where the
// app was announced, which options that address is from, and whether the app responds
// there.
func (a *App) Sync(ctx context.Context) error {
	target, err := a.syncTarget()
	if err != nil {
		return fmt.Errorf("inngestkit: sync: %w", err)
	}
	if !a.gate.Enter() {
		return fmt.Errorf("inngestkit: sync: %w", ErrShutdown)
	}
	defer a.gate.Leave()
	// At the same time, because an address without a response must not delay the sync.
	var listening selfcheck.Reached
	var reaching sync.WaitGroup
	reaching.Go(func() { listening = a.endpoint.Reach(ctx, target.url) })
	_, err = a.announce(ctx, target.url, inngestapi.Registration{Framework: target.framework})
	reaching.Wait()
	if err != nil {
		return fmt.Errorf("inngestkit: %w", err)
	}
	a.logSynced(target, listening)
	return nil
}

// LastSync returns the last successful sync, and false if the app was not synced yet.
func (a *App) LastSync() (Sync, bool) {
	a.syncs.mu.Lock()
	defer a.syncs.mu.Unlock()
	if a.syncs.last == nil {
		return Sync{}, false
	}
	return *a.syncs.last, true
}

// AwaitSync waits until the app has been synced once. If ctx is done before, it returns
// the cause.
func (a *App) AwaitSync(ctx context.Context) error {
	select {
	case <-a.syncs.first:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("inngestkit: the app was not synced: %w", ctxerr.Cause(ctx))
	}
}

// syncs remembers the last sync and lets one sync run at a time.
type syncs struct {
	running chan struct{} // holds a value while a sync runs

	mu    sync.Mutex
	last  *Sync
	first chan struct{} // closed by the first sync
}

func newSyncs() *syncs {
	return &syncs{running: make(chan struct{}, 1), first: make(chan struct{})}
}

func (s *syncs) record(done Sync) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		close(s.first)
	}
	s.last = &done
}

// announce sends the functions to the server's API, after any sync in progress. appURL is
// where the server calls the app.
func (a *App) announce(ctx context.Context, appURL *url.URL, from inngestapi.Registration) (modified bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, httpclient.Timeout)
	defer cancel()
	select {
	case a.syncs.running <- struct{}{}:
		defer func() { <-a.syncs.running }()
	case <-ctx.Done():
		return false, fmt.Errorf("sync with %s: waiting for another sync: %w", a.config.server(), ctxerr.Cause(ctx))
	}
	payload := a.manifest(appURL, from.Framework).Payload()
	modified, err = a.api.Register(ctx, mustJSON(payload), from)
	if refusal, ok := errors.AsType[*inngestapi.Error](err); ok && refusal.Refused() {
		err = a.refusedSync(ctx, payload, refusal)
	}
	if err != nil {
		return false, fmt.Errorf("sync with %s: %w", a.config.server(), err)
	}
	a.syncs.record(Sync{Time: time.Now(), URL: appURL.Redacted(), Functions: len(payload.Functions)})
	return modified, nil
}

// manifest returns what a sync announces. appURL is where the server calls the app.
func (a *App) manifest(appURL *url.URL, framework string) manifest.App {
	order := a.registry.Load().order
	functions := make([]manifest.Function, len(order))
	for i, f := range order {
		functions[i] = manifest.Function{
			ID: f.id, Name: firstOf(f.config.Name, f.source.id), Triggers: f.triggers, Options: f.config,
		}
	}
	return manifest.App{
		ID: a.config.AppID, Version: a.config.AppVersion, Env: a.config.Env, Platform: a.config.Platform,
		Framework: framework, URL: appURL, Functions: functions,
	}
}

// logSynced logs where the app was announced and why there, and whether it listens there.
func (a *App) logSynced(target syncTarget, listening selfcheck.Reached) {
	a.config.Logger.Info("inngest: synced", "server", a.config.server(), "url", target.url.String(), "from", target.from,
		"listening", listening.String(), "functions", len(a.registry.Load().order))
}
