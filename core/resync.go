package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
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
	// maxInfoBytes bounds what is read of the answer: the server tells the whole
	// configuration of every function of every app.
	maxInfoBytes = 64 << 20
)

// keepSynced syncs with the dev server, and again whenever the server turns out
// not to know all functions, until ctx is done.
func (a *App) keepSynced(ctx context.Context, target syncTarget) {
	w := watch{app: a, target: target}
	w.sync(ctx)
	for every := watchEvery; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		if !w.stale(ctx) {
			every = watchEvery
			continue
		}
		if every > watchEvery {
			w.complain("lost again", "inngest: the dev server does not keep the functions; "+
				"does another app use the same URL? See ServePort, ServeHost and Path", errNotKept)
		}
		w.sync(ctx)
		every = min(2*every, watchAtMost) // two apps at one URL would go on for ever
	}
}

var errNotKept = errors.New("it was synced a moment ago")

// watch is the state of keepSynced.
type watch struct {
	app    *App
	target syncTarget
	// blind is set once the server has turned out not to tell what it knows.
	blind bool
	// said tells what was logged last, "" if all is well.
	said string
}

// sync tries to sync until it has worked or ctx is done.
func (w *watch) sync(ctx context.Context) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = syncFirstWait, syncMaxWait
	_, err := backoff.Retry(ctx, func() (bool, error) {
		return w.app.register(ctx, w.target.url, registration{framework: w.target.framework})
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		w.complain(err.Error(), "inngest: not synced yet; trying again until it works", err)
	}))
	if err == nil {
		w.said = ""
		w.app.config.Logger.Info("inngest: synced", "server", w.app.config.server(),
			"url", w.target.url.String(), "functions", len(w.app.registry.Load().order))
	}
}

// complain logs what is wrong, once for as long as what stays the same.
func (w *watch) complain(what, message string, err error) {
	if what != w.said {
		w.said = what
		w.app.config.Logger.Warn(message, "server", w.app.config.server(), "url", w.target.url.String(), "error", err)
	}
}

// stale reports whether the server is there and does not know all functions.
func (w *watch) stale(ctx context.Context) bool {
	last, _ := w.app.LastSync()
	if len(w.app.registry.Load().order) != last.Functions {
		return true
	}
	if w.blind {
		return false
	}
	known, err := w.app.knownFunctions(ctx)
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, errNoDevServer):
		w.blind = true
		w.app.config.Logger.Info("inngest: the server does not tell which functions it knows, as a dev server does; "+
			"if it loses them, sync again", "server", w.app.config.server(), "error", err)
		return false
	case err != nil:
		w.complain("away", "inngest: the dev server is away; waiting for it to come back", err)
		return false
	}
	for _, f := range w.app.registry.Load().order {
		if !known[f.id] {
			return true
		}
	}
	if w.said != "" {
		w.said = ""
		w.app.config.Logger.Info("inngest: the dev server is back and knows the app", "server", w.app.config.server())
	}
	return false
}

// errNoDevServer says that a server does not answer the question.
var errNoDevServer = errors.New("this is no dev server")

// knownFunctions asks the dev server for the IDs of the functions it knows, of
// all apps. A self-hosted server has the same endpoint, but wants a key for it
// and does not forget.
func (a *App) knownFunctions(ctx context.Context) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.config.APIBaseURL+"/dev", http.NoBody)
	if err != nil {
		return nil, err
	}
	a.config.setHeaders(req, "")
	resp, err := a.config.HTTPClient.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusInternalServerError {
		return nil, fmt.Errorf("it answered %s", resp.Status) // a proxy, probably
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get(headerServerKind) == "cloud" {
		return nil, fmt.Errorf("%w: it answered %s", errNoDevServer, resp.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxInfoBytes))
	if err != nil {
		return nil, err
	}
	var info struct {
		Functions []struct {
			Slug string `json:"slug"`
		} `json:"functions"`
	}
	if err := json.Unmarshal(raw, &info); err != nil || info.Functions == nil {
		return nil, fmt.Errorf("%w: it does not list functions", errNoDevServer)
	}
	known := make(map[string]bool, len(info.Functions))
	for _, f := range info.Functions {
		known[f.Slug] = true
	}
	return known, nil
}
