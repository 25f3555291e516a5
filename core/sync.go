package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/hosts"
	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
	"github.com/inngestkit/inngestkit/core/internal/manifest"
	"github.com/inngestkit/inngestkit/core/internal/selfcheck"
)

// Sync describes a successful sync. From then on, the server knows the app's functions.
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
	if !a.gate.Enter() {
		return fmt.Errorf("inngestkit: sync: %w", ErrShutdown)
	}
	defer a.gate.Leave()
	target, err := a.syncTarget()
	if err != nil {
		return fmt.Errorf("inngestkit: sync: %w", err)
	}
	// At the same time, because an address without a response must not delay the sync.
	var listening selfcheck.Reached
	var reaching sync.WaitGroup
	reaching.Go(func() { listening = a.endpoint.Reach(ctx, target.url) })
	_, err = a.announce(ctx, target.url, inngestapi.Announcement{Framework: target.framework})
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

// announce sends the functions to the server's API. It waits for a sync in progress. appURL
// is where the server calls the app.
func (a *App) announce(ctx context.Context, appURL *url.URL, from inngestapi.Announcement) (modified bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, httpclient.Timeout)
	defer cancel()
	select {
	case a.syncs.running <- struct{}{}:
		defer func() { <-a.syncs.running }()
	case <-ctx.Done():
		return false, fmt.Errorf("sync with %s: waiting for another sync: %w", a.config.server(), ctxerr.Cause(ctx))
	}
	payload := a.manifest(appURL, from.Framework).Payload()
	modified, err = a.api.Announce(ctx, mustJSON(payload), from)
	if refusal, ok := errors.AsType[*inngestapi.Error](err); ok && refusal.Refused() {
		err = a.refusedSync(ctx, payload, refusal)
	}
	if err != nil {
		return false, fmt.Errorf("sync with %s: %w", a.config.server(), err)
	}
	a.syncs.record(Sync{Time: time.Now(), URL: httpclient.ShownURL(appURL), Functions: len(payload.Functions)})
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

const (
	// detailTimeout bounds the request for the reason why a server has refused a sync.
	detailTimeout = 2 * time.Second
	// maxSuspects is how many functions the error of a sync names at most.
	maxSuspects = 10
)

// refusedSync returns why the server has refused a sync, and what to do.
func (a *App) refusedSync(ctx context.Context, payload manifest.Payload, refusal *inngestapi.Error) error {
	if refusal.Cure != "" {
		return errors.New(refusal.Cure)
	}
	message := fmt.Sprintf("the server responded with %d %s: %s",
		refusal.Status, http.StatusText(refusal.Status), refusal.Message)
	switch {
	case refusal.Unauthorized() && a.config.SigningKey == "":
		return fmt.Errorf("%s; it requires a signing key: set SigningKey (INNGEST_SIGNING_KEY)", message)
	case refusal.Unauthorized() && a.config.SigningKeyFallback != "":
		return fmt.Errorf("%s; it refused the signing key and its fallback: compare SigningKey (INNGEST_SIGNING_KEY) and "+
			"SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK) with the server's", message)
	case refusal.Unauthorized():
		return fmt.Errorf("%s; it refused the signing key: compare SigningKey (INNGEST_SIGNING_KEY) with the server's", message)
	case refusal.Status == http.StatusBadRequest, refusal.Status == http.StatusUnprocessableEntity:
		return fmt.Errorf("%s%s", message, firstOf(a.refusalDetail(ctx, payload), a.mayBeAnExpression()))
	default:
		return errors.New(message)
	}
}

// refusalDetail returns what the server has recorded about a sync that it has refused,
// and the functions that this is probably about. It returns "" if the server does not
// report it, as Inngest Cloud does not.
func (a *App) refusalDetail(ctx context.Context, payload manifest.Payload) string {
	if isCloud(a.config.APIBaseURL) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, detailTimeout)
	defer cancel()
	apps, err := a.api.Apps(ctx)
	if err != nil {
		return ""
	}
	for _, app := range apps {
		if app.Name != a.config.AppID || isPollError(app.Error) || !hosts.SameURL(app.URL, payload.URL) {
			continue
		}
		detail := ": " + strings.Join(strings.Fields(app.Error), " ")
		switch suspects := manifest.Suspects(payload.Functions, app.Error); {
		case len(suspects) > 0:
			for i, name := range suspects {
				suspects[i] = "function " + strconv.Quote(name)
			}
			return detail + "; it is probably about " + strings.Join(suspects, ", ")
		case strings.Contains(app.Error, "xpression"):
			return detail + "; functions with expressions: " + a.withExpressions()
		default:
			return detail
		}
	}
	return ""
}

// isPollError reports whether an error is from the server's regular requests to apps for
// their functions and not from a refused sync. The server records both in the same place;
// the former are codes such as unreachable (pkg/deploy in its source).
func isPollError(text string) bool { return !strings.Contains(text, " ") }

// mayBeAnExpression returns what to do about a refusal that the server does not explain.
func (a *App) mayBeAnExpression() string {
	const log = "; the server's log may say more"
	if with := a.withExpressions(); with != "" {
		return log + ". If the cause is an expression, it is in one of these functions: " + with
	}
	return log
}

// withExpressions returns the IDs of the functions with expressions.
func (a *App) withExpressions() string {
	var ids []string
	for _, e := range a.Expressions() {
		if !slices.Contains(ids, e.FunctionID) {
			ids = append(ids, e.FunctionID)
		}
	}
	more := ""
	if len(ids) > maxSuspects {
		more = fmt.Sprintf(" and %d more", len(ids)-maxSuspects)
		ids = ids[:maxSuspects]
	}
	return strings.Join(ids, ", ") + more
}
