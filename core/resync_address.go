package inngestkit

import (
	"context"
	"errors"
	"net/url"
	"slices"
)

// lostTo reports whether the server calls a function somewhere else than where the app
// was announced last, and nothing of the app is there: another process has announced it
// and is gone. What else is wrong with the URLs is logged.
func (w *watch) lostTo(ctx context.Context, urls []string, announced string) bool {
	if len(urls) == 0 || announced == "" {
		return false // the server does not tell, or it was told over a connection
	}
	here := func(s string) bool { return sameURL(s, announced) }
	known := slices.ContainsFunc(urls, here)
	lost := !known
	for _, other := range slices.DeleteFunc(slices.Clone(urls), here) {
		if w.look(ctx, other, known) {
			lost = false
		}
	}
	return lost
}

// look reports whether an app answers at another URL that the server calls this one at,
// and logs what follows from that, once for each URL.
func (w *watch) look(ctx context.Context, other string, known bool) (answers bool) {
	u, err := url.Parse(other)
	if err != nil {
		return false
	}
	r := w.app.reach(ctx, u)
	switch {
	case r.self || ctx.Err() != nil:
		return true // by another name
	case w.elsewhere[other]:
		return r.app
	}
	w.elsewhere[other] = true
	l := w.app.config.Logger.With("server", w.app.config.server(), "other_url", u.Redacted(), "listening", r.String())
	switch {
	case r.app:
		l.Warn("inngest: the dev server calls this app at another URL, too, or in place of this one, where another program " +
			"answers: of two programs with one AppID, each gets runs of the other; stop one, or give it an AppID of its own")
	case known:
		l.Warn("inngest: the dev server still calls this app at another URL, too, where it is not: each event starts runs "+
			"there that fail; restart the dev server, or remove that URL",
			"remove", "curl -X DELETE '"+w.app.api.RemovalURL(u.Redacted())+"'")
	default:
		l.Warn("inngest: the dev server calls this app at another URL, where it is not; announcing it again")
	}
	return r.app
}

// forget removes the app at a URL where it was announced by mistake: servers up to 1.14.1
// would start every run there, too. What another app has there since then stays.
func (w *watch) forget(ctx context.Context, announced string) {
	if announced == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	apps, _ := w.app.api.Apps(ctx) // a server that is gone, or does not tell, is left alone
	for _, app := range apps {
		if app.Name == w.app.config.AppID && sameURL(app.URL, announced) {
			w.app.api.RemoveApp(ctx, app.URL)
		}
	}
}

// unreachedTwice is how often in a row the server has to say that it cannot reach the
// app: it asks apps every five seconds, and the app may not have listened yet.
const unreachedTwice = 2

// checkReached logs that the dev server cannot reach the app: for a server in a container
// localhost is not this machine. Servers that reach it ask it for its functions every few
// seconds.
func (w *watch) checkReached(ctx context.Context) {
	last, _ := w.app.LastSync()
	u, err := url.Parse(last.URL)
	if w.blind || last.URL == "" || err != nil {
		return
	}
	reason := w.unreachable(ctx, last.URL)
	if reason == "" {
		w.unreached = 0
		return
	}
	r := w.app.reach(ctx, u)
	if isLoopback(u.Hostname()) && !r.self || ctx.Err() != nil {
		w.unreached = 0 // it does not listen yet; that is logged elsewhere
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

// unreachable is what the server says about reaching the app at a URL, "" if nothing is
// wrong or it does not tell.
func (w *watch) unreachable(ctx context.Context, announced string) string {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	apps, err := w.app.api.Apps(ctx)
	if err != nil {
		return ""
	}
	for _, app := range apps {
		if app.Name == w.app.config.AppID && sameURL(app.URL, announced) && app.Error != "" {
			return app.Error
		}
	}
	return ""
}

// sameURL reports whether two URLs are the same to the server, which treats all names of the
// loopback interface as one (NormalizeAppURL in its pkg/util).
func sameURL(a, b string) bool { return normalizedURL(a) == normalizedURL(b) }

func normalizedURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	host, port := u.Hostname(), u.Port()
	switch {
	case port != "":
	case u.Scheme == schemeHTTPS:
		port = "443"
	default:
		port = "80"
	}
	if isLoopback(host) {
		host = localhost
	}
	return u.Scheme + "://" + host + ":" + port + u.EscapedPath() + "?" + u.Query().Encode()
}
