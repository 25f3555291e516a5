package inngestkit

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// maxStatus is the highest status that HTTP knows; see RFC 9110, 15.
const maxStatus = 599

// Route is an endpoint that an adapter mounts for an app.
type Route struct {
	// Path is below the router or group that the app is mounted on; / is that itself.
	// A slash at the end is left out. Adapters serve both forms.
	Path string
	// Do answers requests for the path, of every method.
	Do func(ctx context.Context, req *Request) *Response
}

// Routes lists the endpoints of the app: that of Inngest, and those of [App.AddRoutes].
// Adapters mount them all.
func (a *App) Routes() []Route {
	a.registering.Lock()
	defer a.registering.Unlock()
	return append([]Route{{Path: a.config.Path, Do: a.Do}}, a.added...)
}

// AddRoutes adds endpoints to what adapters mount for the app: this is how a plugin
// gets routes in every framework. Add them before the app is mounted, not beside it:
// Mount asks for them once. If a Do panics, or has no answer with a status of 200 to
// 599, the answer is 500 without a body, and what happened is logged. An error names
// what is wrong with one of the routes; none is added then.
func (a *App) AddRoutes(routes ...Route) error {
	a.registering.Lock()
	defer a.registering.Unlock()
	added := slices.Clip(a.added)
	for _, route := range routes {
		if err := a.checkRoute(route, added); err != nil {
			return fmt.Errorf("inngestkit: add routes: %w", err)
		}
		added = append(added, Route{Path: trimSlash(route.Path), Do: a.guarded(route.Do)})
	}
	a.added = added
	return nil
}

func (a *App) checkRoute(route Route, added []Route) error {
	path := trimSlash(route.Path)
	taken := func(r Route) bool { return r.Path == path }
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

// guarded is do, with an answer in place of a panic, and of what no framework can
// write.
func (a *App) guarded(do func(context.Context, *Request) *Response) func(context.Context, *Request) *Response {
	return func(ctx context.Context, req *Request) (resp *Response) {
		defer func() {
			if r := recover(); r != nil {
				a.logPanic(req, r)
				resp = &Response{Status: http.StatusInternalServerError, Header: http.Header{}}
			}
		}()
		resp = do(ctx, req)
		if resp == nil || resp.Status < http.StatusOK || resp.Status > maxStatus {
			a.config.Logger.Error("inngest: a route has no answer with a status of 200 to 599",
				"method", req.Method, "path", req.Path)
			resp = &Response{Status: http.StatusInternalServerError, Header: http.Header{}}
		}
		return resp
	}
}
