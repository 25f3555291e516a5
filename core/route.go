package inngestkit

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/inngestkit/inngestkit/core/adapter"
)

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
		return fmt.Errorf("%q is not the path of a route; %s", route.Path, pathRule)
	case path == a.config.Path || slices.ContainsFunc(added, taken):
		return fmt.Errorf("the path %q is taken by another route of the app", path)
	case route.Do == nil:
		return fmt.Errorf("the route %q has no Do", route.Path)
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
			a.config.Logger.Error("inngest: a route has no response with a status of 200 to 599",
				"method", req.Method, "path", req.Path)
			resp = &adapter.Response{Status: http.StatusInternalServerError, Header: http.Header{}}
		}
		return resp
	}
}
