package inngestkit

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/inngestkit/inngestkit/core/internal/hosts"
	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

const (
	// Waits between attempts to sync while the server is away.
	syncFirstWait = 200 * time.Millisecond
	syncMaxWait   = 5 * time.Second
	// watchEvery is how often the app asks the dev server what it knows. The dev server
	// asks apps for their functions at the same interval.
	watchEvery = 5 * time.Second
	// watchAtMost is the longest interval, while the server keeps losing the functions.
	watchAtMost = 5 * time.Minute
	// watchTimeout bounds one such request.
	watchTimeout = 5 * time.Second
	// unreachedTwice is how often in a row the server has to report that it cannot reach the
	// app before that is logged: the app may not have listened the first time.
	unreachedTwice = 2
)

// runStarted does in the background what Start promises: it finds the app, and keeps it
// synced until ctx is done or the app shuts down.
func (a *App) runStarted(ctx context.Context, target syncTarget) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.gate.Closing(), cancel)()
	a.warnRemote(target)
	if !target.fixed {
		limited, stop := context.WithTimeout(ctx, locatePatience)
		located, tried := a.locate(limited, target)
		stop()
		if ctx.Err() != nil {
			return
		}
		if tried != nil {
			a.warnNotFound(target, tried)
		}
		target = located
	}
	a.newWatch(target).run(ctx)
}

// watch keeps the app synced with the dev server.
type watch struct {
	app    *App
	target atomic.Pointer[syncTarget]
	moved  chan struct{} // has a value when the target has changed
	// announced is the URL of the last sync, "" before the first.
	announced string
	// uninformed is set once the server has turned out not to report what it knows.
	uninformed bool
	// lastLogged is the problem that was logged last, "" if all is well.
	lastLogged string
	// otherURLs has the other URLs of the app that were logged.
	otherURLs map[string]bool
	// unreached counts how often in a row the server has reported that it cannot reach the
	// app, which listens.
	unreached int
}

func (a *App) newWatch(target syncTarget) *watch {
	w := &watch{app: a, moved: make(chan struct{}, 1), otherURLs: map[string]bool{}}
	w.target.Store(&target)
	return w
}

// run keeps the app synced until ctx is done, and checks its endpoint meanwhile. If
// something in it panics, run starts the sync again.
func (w *watch) run(ctx context.Context) {
	target := *w.target.Load()
	var others sync.WaitGroup
	defer others.Wait()
	if !target.fixed {
		others.Go(func() {
			w.app.caught("the search for the port of the app", func() { w.keepLocating(ctx, target) })
		})
	}
	others.Go(func() {
		w.app.caught("the check of the endpoint", func() { w.app.checkAtStart(ctx, target) })
	})
	for ctx.Err() == nil && w.app.caught("the sync with the dev server", func() { w.keepSynced(ctx) }) {
		select {
		case <-ctx.Done():
		case <-time.After(watchEvery):
		}
	}
}

// keepLocating goes on to look for the app's port, and has the app announced there.
func (w *watch) keepLocating(ctx context.Context, target syncTarget) {
	found, tried := w.app.locate(ctx, target)
	if tried != nil {
		return
	}
	w.target.Store(&found)
	w.moved <- struct{}{}
	w.app.checkAtStart(ctx, found)
}

// keepSynced syncs with the dev server, and again whenever the server does not know all
// functions, until ctx is done.
func (w *watch) keepSynced(ctx context.Context) {
	w.sync(ctx)
	for every := watchEvery; ; {
		select {
		case <-ctx.Done():
			return
		case <-w.moved:
			w.sync(ctx)
			continue
		case <-time.After(every):
		}
		if !w.stale(ctx) {
			w.checkReached(ctx)
			every = watchEvery
			continue
		}
		if every > watchEvery {
			w.warnOnce("lost again", "inngest: the dev server does not keep the functions; does another program use the same "+
				"URL (see ServePort, ServeHost and Path), or the AppID "+strconv.Quote(w.app.config.AppID)+"?", errNotKept)
		}
		w.sync(ctx)
		every = min(2*every, watchAtMost) // two apps at one URL would go on forever
	}
}

var errNotKept = errors.New("it was synced a moment ago")

// sync tries to sync until it succeeds or ctx is done.
func (w *watch) sync(ctx context.Context) {
	var target syncTarget
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = syncFirstWait, syncMaxWait
	_, err := backoff.Retry(ctx, func() (bool, error) {
		target = *w.target.Load() // it may have moved meanwhile
		return w.app.announce(ctx, target.url, inngestapi.Announcement{Framework: target.framework})
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		w.warnOnce(err.Error(), "inngest: not synced yet; retrying until it succeeds", err)
	}))
	if err != nil {
		return
	}
	w.lastLogged, w.unreached = "", 0
	w.app.logSynced(target, w.app.endpoint.Reach(ctx, target.url))
	if announced := target.url.String(); announced != w.announced {
		w.forget(ctx, w.announced)
		w.announced = announced
	}
}

// warnOnce logs a problem unless it was the last one logged.
func (w *watch) warnOnce(problem, message string, err error) {
	if problem != w.lastLogged {
		w.lastLogged = problem
		w.app.config.Logger.Warn(message, "server", w.app.config.server(), "url", w.target.Load().url.String(), "error", err)
	}
}

// stale reports whether the server is there and does not know all functions of the app, or
// calls them at an address where the app is not.
func (w *watch) stale(ctx context.Context) bool {
	last, _ := w.app.LastSync()
	if len(w.app.registry.Load().order) != last.Functions {
		return true
	}
	if w.uninformed {
		return false
	}
	known, err := w.knownFunctions(ctx)
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, inngestapi.ErrNoDevServer):
		w.uninformed = true
		w.app.config.Logger.Info("inngest: the server does not report which functions it knows, as a dev server does; "+
			"if it loses them, sync again", "server", w.app.config.server(), "error", err)
		return false
	case err != nil:
		w.warnOnce("away", "inngest: the dev server is away; waiting for it to come back", err)
		return false
	}
	for _, f := range w.app.registry.Load().order {
		urls, found := known[f.id]
		if !found || w.calledElsewhere(ctx, urls, last.URL) {
			return true
		}
	}
	if w.lastLogged != "" {
		w.lastLogged = ""
		w.app.config.Logger.Info("inngest: the dev server is back and knows the app", "server", w.app.config.server())
	}
	return false
}

// calledElsewhere reports whether the server calls a function only at URLs other than the
// announced one, where the app does not respond: another process has announced it and is
// gone. It logs whatever else is wrong with the URLs.
func (w *watch) calledElsewhere(ctx context.Context, urls []string, announced string) bool {
	if len(urls) == 0 || announced == "" {
		return false // the server does not report URLs, or the app was announced over a connection
	}
	here := func(s string) bool { return hosts.SameURL(s, announced) }
	known := slices.ContainsFunc(urls, here)
	lost := !known
	for _, other := range slices.DeleteFunc(slices.Clone(urls), here) {
		if w.checkOther(ctx, other, known) {
			lost = false
		}
	}
	return lost
}

// checkOther reports whether an app responds at another URL at which the server calls this
// one. It logs, once for each URL, what follows from that. known is whether the server also
// calls the app where it was announced.
func (w *watch) checkOther(ctx context.Context, other string, known bool) (responds bool) {
	u, err := url.Parse(other)
	if err != nil {
		return false
	}
	r := w.app.endpoint.Reach(ctx, u)
	switch {
	case r.Self || ctx.Err() != nil:
		return true // the same program under another name
	case w.otherURLs[other]:
		return r.App
	}
	w.otherURLs[other] = true
	l := w.app.config.Logger.With("server", w.app.config.server(), "other_url", httpclient.ShownURL(u), "listening", r.String())
	switch {
	case r.App:
		l.Warn("inngest: the dev server calls this app at another URL, too, or only there, where another program " +
			"responds: of two programs with one AppID, each gets runs of the other; stop one, or give it an AppID of its own")
	case known:
		l.Warn("inngest: the dev server still calls this app at another URL, too, where it is not: each event starts runs "+
			"there that fail; restart the dev server, or remove that URL",
			"remove", "curl -X DELETE '"+w.app.api.RemovalURL(httpclient.ShownURL(u))+"'")
	default:
		l.Warn("inngest: the dev server calls this app at another URL, where it is not; announcing it again")
	}
	return r.App
}

// forget removes the app at a URL where it was announced by mistake, because servers up to
// 1.14.1 would start every run there, too. It leaves another app at that URL alone.
func (w *watch) forget(ctx context.Context, announced string) {
	if announced == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	apps, _ := w.app.api.Apps(ctx) // without them nothing is removed
	for _, app := range apps {
		if app.Name == w.app.config.AppID && hosts.SameURL(app.URL, announced) {
			w.app.api.RemoveApp(ctx, app.URL)
		}
	}
}

// knownFunctions returns the functions that the dev server knows, and where it calls them.
func (w *watch) knownFunctions(ctx context.Context) (map[string][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	return w.app.api.KnownFunctions(ctx)
}

// checkReached logs that the dev server cannot reach the app: localhost is another machine
// for a server in a container. Servers that reach the app ask it for its functions every few
// seconds.
func (w *watch) checkReached(ctx context.Context) {
	last, _ := w.app.LastSync()
	u, err := url.Parse(last.URL)
	if w.uninformed || last.URL == "" || err != nil {
		return
	}
	reason := w.unreachable(ctx, last.URL)
	if reason == "" {
		w.unreached = 0
		return
	}
	r := w.app.endpoint.Reach(ctx, u)
	if hosts.IsLoopback(u.Hostname()) && !r.Self || ctx.Err() != nil {
		w.unreached = 0 // it does not listen yet, which is logged elsewhere
		return
	}
	if w.unreached++; w.unreached != unreachedTwice {
		return
	}
	w.app.config.Logger.Warn("inngest: the dev server cannot reach the app, so its runs will fail; if the server runs in a "+
		"container or on another machine, set ServeHost (INNGEST_SERVE_HOST) to the name under which it reaches this one, "+
		"such as host.docker.internal", "server", w.app.config.server(), "url", last.URL,
		"listening", r.String(), "error", errors.New("the server says: "+reason))
}

// unreachable returns why the server cannot reach the app at a URL, "" if it can or does
// not report it.
func (w *watch) unreachable(ctx context.Context, announced string) string {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	apps, err := w.app.api.Apps(ctx)
	if err != nil {
		return ""
	}
	for _, app := range apps {
		if app.Name == w.app.config.AppID && hosts.SameURL(app.URL, announced) && app.Error != "" {
			return app.Error
		}
	}
	return ""
}
