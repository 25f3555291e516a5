package inngestkit

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

const (
	// Waiting between the tries to sync while the server is away.
	syncFirstWait = 200 * time.Millisecond
	syncMaxWait   = 5 * time.Second
	// watchEvery is how often the dev server is asked what it knows. The dev
	// server asks apps for their functions at this interval, too.
	watchEvery = 5 * time.Second
	// watchAtMost is how long that becomes while the server keeps losing the
	// functions.
	watchAtMost = 5 * time.Minute
	// watchTimeout bounds one such question.
	watchTimeout = 5 * time.Second
)

// watch keeps the app synced with the dev server.
type watch struct {
	app    *App
	target atomic.Pointer[syncTarget]
	moved  chan struct{} // has a value when the target is another one
	// announced is the URL of the last sync, "" before the first.
	announced string
	// blind is set once the server has turned out not to tell what it knows.
	blind bool
	// said tells what was logged last, "" if all is well.
	said string
	// elsewhere has the other URLs of the app that were logged.
	elsewhere map[string]bool
	// unreached counts how often in a row the server has said that it cannot reach
	// the app, which listens.
	unreached int
}

func (a *App) newWatch(target syncTarget) *watch {
	w := &watch{app: a, moved: make(chan struct{}, 1), elsewhere: map[string]bool{}}
	w.target.Store(&target)
	return w
}

// lookFurther goes on to look for the app's port, and announces the app there.
func (w *watch) lookFurther(ctx context.Context, target syncTarget) {
	found, tried := w.app.locate(ctx, target)
	if tried != nil {
		return
	}
	w.target.Store(&found)
	w.moved <- struct{}{}
	w.app.checkAtStart(ctx, found)
}

// keepSynced syncs with the dev server, and again whenever the server turns out
// not to know all functions, until ctx is done.
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
			w.complain("lost again", "inngest: the dev server does not keep the functions; does another program use the same "+
				"URL (see ServePort, ServeHost and Path), or the AppID "+strconv.Quote(w.app.config.AppID)+"?", errNotKept)
		}
		w.sync(ctx)
		every = min(2*every, watchAtMost) // two apps at one URL would go on for ever
	}
}

var errNotKept = errors.New("it was synced a moment ago")

// sync tries to sync until it has worked or ctx is done.
func (w *watch) sync(ctx context.Context) {
	var target syncTarget
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = syncFirstWait, syncMaxWait
	_, err := backoff.Retry(ctx, func() (bool, error) {
		target = *w.target.Load() // it may have been found meanwhile
		return w.app.register(ctx, target.url, inngestapi.Registration{Framework: target.framework})
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		w.complain(err.Error(), "inngest: not synced yet; trying again until it works", err)
	}))
	if err != nil {
		return
	}
	w.said, w.unreached = "", 0
	w.app.logSynced(target, w.app.reach(ctx, target.url))
	if announced := target.url.String(); announced != w.announced {
		w.forget(ctx, w.announced)
		w.announced = announced
	}
}

// complain logs what is wrong, once for as long as what stays the same.
func (w *watch) complain(what, message string, err error) {
	if what != w.said {
		w.said = what
		w.app.config.Logger.Warn(message, "server", w.app.config.server(), "url", w.target.Load().url.String(), "error", err)
	}
}

// stale reports whether the server is there and does not know all functions of the app
// where it is.
func (w *watch) stale(ctx context.Context) bool {
	last, _ := w.app.LastSync()
	if len(w.app.registry.Load().order) != last.Functions {
		return true
	}
	if w.blind {
		return false
	}
	known, err := w.knownFunctions(ctx)
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, inngestapi.ErrNoDevServer):
		w.blind = true
		w.app.config.Logger.Info("inngest: the server does not tell which functions it knows, as a dev server does; "+
			"if it loses them, sync again", "server", w.app.config.server(), "error", err)
		return false
	case err != nil:
		w.complain("away", "inngest: the dev server is away; waiting for it to come back", err)
		return false
	}
	for _, f := range w.app.registry.Load().order {
		urls, found := known[f.id]
		if !found || w.lostTo(ctx, urls, last.URL) {
			return true
		}
	}
	if w.said != "" {
		w.said = ""
		w.app.config.Logger.Info("inngest: the dev server is back and knows the app", "server", w.app.config.server())
	}
	return false
}

// knownFunctions returns the functions that the dev server knows, and where it calls them.
func (w *watch) knownFunctions(ctx context.Context) (map[string][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	return w.app.api.KnownFunctions(ctx)
}
