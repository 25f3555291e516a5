package inngestkit

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// mountPoint is the place where an adapter has mounted the app.
type mountPoint struct {
	framework string
	path      func() string
}

// fullPath returns the path that the adapter has passed. It recovers a panic of the
// adapter's function.
func (m *mountPoint) fullPath() (path string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the path where the app is mounted is unknown: the adapter's function for App.MountedAtFunc "+
				"panicked: %s; set ServePath (INNGEST_SERVE_PATH)", safe.Sprint(r))
		}
	}()
	return m.path(), nil
}

// MountedAt sets the path that [App.Start] announces: the full path of the endpoint,
// with the prefixes of all groups. Adapters call it when they mount the app. An app
// that is mounted at several paths announces the first, or the ServePath of its
// [Config], and logs that it does.
func (a *App) MountedAt(framework, path string) {
	a.MountedAtFunc(framework, func() string { return path })
}

// MountedAtFunc is [App.MountedAt] for a path that is not known yet when the app is
// mounted. Each sync calls path.
func (a *App) MountedAtFunc(framework string, path func() string) {
	if a.mount.CompareAndSwap(nil, &mountPoint{framework: framework, path: path}) || a.config.ServePath != "" {
		return
	}
	first, errFirst := a.mount.Load().fullPath()
	here, err := (&mountPoint{path: path}).fullPath()
	if first != here && errFirst == nil && err == nil { // a sync reports the errors
		a.severalPaths.Store(true)
		a.config.Logger.Info("inngest: the app is mounted at several paths and announced at the first; "+
			"ServePath (INNGEST_SERVE_PATH) announces it at another", "announced", first, "also", here)
	}
}

// requested returns the URL that the client has requested: the request's own, or the
// one that a trusted proxy reports.
func (a *App) requested(req *adapter.Request) (*url.URL, error) {
	u := &url.URL{Scheme: req.Scheme, Host: req.Host, Path: a.withoutSlash(req.Path)}
	if !a.config.TrustProxy {
		return u, nil
	}
	if scheme := forwarded(req, "X-Forwarded-Proto"); scheme != "" {
		u.Scheme = strings.ToLower(scheme)
	}
	if host := forwarded(req, "X-Forwarded-Host"); host != "" {
		u.Host = host
	}
	if prefix := forwarded(req, "X-Forwarded-Prefix"); prefix != "" {
		u.Path = path.Join("/", prefix, u.Path)
	}
	if u.Scheme != schemeHTTP && u.Scheme != schemeHTTPS {
		return nil, fmt.Errorf("X-Forwarded-Proto is %q; it must be http or https", u.Scheme)
	}
	if parsed, err := url.Parse(u.Scheme + "://" + u.Host); err != nil || parsed.Host != u.Host {
		return nil, fmt.Errorf("X-Forwarded-Host is %q, which is not a host", u.Host)
	}
	return u, nil
}

// withoutSlash removes a trailing slash from the path of the endpoint. Adapters serve
// both forms, and the server would treat them as two apps.
func (a *App) withoutSlash(requested string) string {
	mount := a.mount.Load()
	if mount == nil {
		return requested
	}
	if path, err := mount.fullPath(); err == nil && strings.HasSuffix(requested, path+"/") {
		return strings.TrimSuffix(requested, "/")
	}
	return requested
}

// forwarded returns the value that the first proxy, which saw the client, has put into
// a header. Each further proxy appends its own.
func forwarded(req *adapter.Request, key string) string {
	first, _, _ := strings.Cut(req.Header.Get(key), ",")
	return strings.TrimSpace(first)
}

// announced returns the URL to announce: u with the configured origin and path.
func (a *App) announced(u *url.URL) *url.URL {
	announced := *u
	if origin, err := url.Parse(a.config.serveOrigin()); err == nil && origin.Host != "" {
		announced.Scheme, announced.Host = origin.Scheme, origin.Host
	}
	if a.config.ServePath != "" {
		setPath(&announced, a.config.ServePath)
	}
	return &announced
}

// setPath sets the path of a URL to one that may have escapes, such as /api%20x.
func setPath(u *url.URL, escaped string) {
	if path, err := url.PathUnescape(escaped); err == nil { // New has refused others
		u.Path, u.RawPath = path, escaped
	}
}

// serveOrigin returns the configured origin of the app, "" if none is configured.
func (c Config) serveOrigin() string {
	switch {
	case c.ServeHost == "":
		return ""
	case strings.Contains(c.ServeHost, "://"):
		return c.ServeHost
	case hasPort(c.ServeHost):
		return "http://" + c.ServeHost
	default:
		return "http://" + net.JoinHostPort(strings.Trim(c.ServeHost, "[]"), strconv.Itoa(c.servePort()))
	}
}

// namesPort reports whether a ServeHost determines the port.
func namesPort(serveHost string) bool {
	return strings.Contains(serveHost, "://") || hasPort(serveHost)
}

func hasPort(host string) bool {
	_, port, err := net.SplitHostPort(host)
	return err == nil && port != ""
}

func (c Config) servePort() int {
	if c.ServePort == 0 {
		return defaultServePort
	}
	return c.ServePort
}

// maxStatus is the highest status of HTTP; see RFC 9110, 15.
const maxStatus = 599

// Routes returns the endpoints of the app: the one that Inngest calls, and those that
// plugins have added with [App.AddRoutes]. Adapters mount them all.
func (a *App) Routes() []adapter.Route {
	a.registering.Lock()
	defer a.registering.Unlock()
	return append([]adapter.Route{{Path: a.config.Path, Do: a.Do}}, a.added...)
}

// AddRoutes adds endpoints that adapters mount with the app, so that a plugin gets
// routes in every framework. Call it before Mount, not concurrently: Mount reads the
// routes once. If the Do of a route panics, or its response is nil or has a status
// outside of 200 to 599, the client gets 500 without a body, and the app logs why.
// On error AddRoutes adds none of the routes.
func (a *App) AddRoutes(routes ...adapter.Route) error {
	a.registering.Lock()
	defer a.registering.Unlock()
	added := slices.Clip(a.added)
	for _, route := range routes {
		if err := a.checkRoute(route, added); err != nil {
			return fmt.Errorf("inngestkit: add routes: %w", err)
		}
		added = append(added, adapter.Route{Path: trimSlash(route.Path), Do: a.guarded(route.Do)})
	}
	a.added = added
	return nil
}

func (a *App) checkRoute(route adapter.Route, added []adapter.Route) error {
	path := trimSlash(route.Path)
	taken := func(r adapter.Route) bool { return r.Path == path }
	switch {
	case !isPath(route.Path):
		return fmt.Errorf("%q is not a valid path of a route; %s", route.Path, pathRule)
	case strings.ContainsAny(path, ":*"):
		return fmt.Errorf("%q is not a valid path of a route; some routers treat : and * as a pattern", route.Path)
	case path == a.config.Path || slices.ContainsFunc(added, taken):
		return fmt.Errorf("the path %q is taken by another route of the app", path)
	case route.Do == nil:
		return fmt.Errorf("the route %q has no handler; set its Do", route.Path)
	case a.mount.Load() != nil:
		return fmt.Errorf("the app is mounted already, without %q; add routes before Mount", route.Path)
	default:
		return nil
	}
}

// guarded wraps do and responds with 500 instead of a panic or of a response that a
// framework cannot write.
func (a *App) guarded(do adapter.Handler) adapter.Handler {
	return func(ctx context.Context, req *adapter.Request) (resp *adapter.Response) {
		defer func() {
			if r := recover(); r != nil {
				a.logPanic(req, r)
				resp = &adapter.Response{Status: http.StatusInternalServerError, Header: http.Header{}}
			}
		}()
		resp = do(ctx, req)
		if resp == nil || resp.Status < http.StatusOK || resp.Status > maxStatus {
			a.config.Logger.Error("inngest: a route returned no response, or a status outside of 200 to 599",
				"method", req.Method, "path", req.Path)
			resp = &adapter.Response{Status: http.StatusInternalServerError, Header: http.Header{}}
		}
		return resp
	}
}
