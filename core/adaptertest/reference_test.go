package adaptertest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

type doFunc = func(context.Context, *adapter.Request) *adapter.Response

// reference is an adapter for net/http. Each part of it can be replaced with a wrong one.
type reference struct {
	// routes returns the routes to mount.
	routes func(all []adapter.Route) []adapter.Route
	// claim prevents an app from hiding another.
	claim func(app *inngestkit.App, mux *http.ServeMux, path string)
	// do wraps the Do of each route.
	do func(next doFunc) doFunc
	// handler wraps the handler of each route.
	handler func(next http.Handler) http.Handler
	// values returns a context with what middleware stores.
	values func(r *http.Request) context.Context
	// conn wraps each connection.
	conn func(c net.Conn) net.Conn
	// mountedAt returns the path that is passed to App.MountedAt.
	mountedAt func(path string) string
	// catchAll makes the route at / serve all paths.
	catchAll bool
	// also is another path of the app.
	also string
	// from returns the body of the response at FromPath.
	from func(app *inngestkit.App) string
	// statusOf returns the status in an error of Send.
	statusOf func(err error) int
	// platform changes what the suite knows about the platform.
	platform func(a *adaptertest.Adapter)
	// failed responds to a client whose event was not sent.
	failed func(w http.ResponseWriter, err error)
}

func newReference() *reference {
	return &reference{
		routes: func(all []adapter.Route) []adapter.Route { return all },
		claim: func(app *inngestkit.App, mux *http.ServeMux, path string) {
			adapter.Claim("reference: Mount", app, mux, path)
		},
		do:        func(next doFunc) doFunc { return next },
		handler:   func(next http.Handler) http.Handler { return next },
		values:    storedValues,
		conn:      func(c net.Conn) net.Conn { return c },
		mountedAt: func(path string) string { return path },
		from:      (*inngestkit.App).ID,
		statusOf:  inngestkit.SendStatus,
		platform:  func(*adaptertest.Adapter) {},
		failed: func(w http.ResponseWriter, err error) {
			http.Error(w, http.StatusText(inngestkit.SendStatus(err)), inngestkit.SendStatus(err))
		},
	}
}

func (ref *reference) adapter() adaptertest.Adapter {
	a := adaptertest.Adapter{
		Framework: "reference", New: ref.newServer, StatusOf: ref.statusOf,
		CancelsOnHangUp: true, KeepsValues: true, KnowsGroups: true, AnyMethod: true, StreamsBodies: true,
	}
	ref.platform(&a)
	return a
}

func storedValues(r *http.Request) context.Context {
	tenant := r.Header.Get(adaptertest.TenantHeader)
	return adapter.WithValues(r.Context(), map[any]any{
		adaptertest.ContextKey{}: tenant,
		adaptertest.TenantKey:    tenant,
		adaptertest.PageKey:      r.URL.Query().Get(adaptertest.PageQuery),
	})
}

func (ref *reference) newServer(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	mux := http.NewServeMux()
	prefix := strings.Join(site.Groups, "")
	for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
		for _, route := range ref.routes(app.Routes()) {
			full := path.Join("/", prefix, route.Path)
			ref.claim(app, mux, full)
			if full == "/" && !ref.catchAll {
				full = "/{$}"
			}
			mux.Handle(full, ref.handler(adapter.HTTPHandler("reference", ref.do(route.Do))))
		}
	}
	endpoint := ref.handler(adapter.HTTPHandler("reference", ref.do(site.App.Do)))
	mux.Handle(adaptertest.HandPath, endpoint)
	if ref.also != "" && len(site.Groups) == 0 {
		mux.Handle(ref.also, endpoint)
	}
	site.App.MountedAt("reference", ref.mountedAt(path.Join("/", prefix, site.App.Path())))

	send := func(w http.ResponseWriter, r *http.Request) {
		ids, err := inngestkit.Send(r.Context(), site.Event)
		if err != nil {
			site.Failed(err)
			ref.failed(w, err)
			return
		}
		fmt.Fprintf(w, "[%q]", ids[0])
	}
	mux.HandleFunc("POST "+adaptertest.BareSendPath, send)
	mux.HandleFunc("POST "+adaptertest.SendPath, func(w http.ResponseWriter, r *http.Request) {
		send(w, r.WithContext(inngestkit.NewContext(r.Context(), site.App)))
	})
	mux.HandleFunc("GET "+adaptertest.FromPath, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, ref.from(site.App))
	})
	return server{&http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(ref.values(r)))
	})}, ref.conn}
}

type server struct {
	*http.Server

	conn func(c net.Conn) net.Conn
}

func (s server) Serve(l net.Listener) error { return s.Server.Serve(listener{l, s.conn}) }

// listener wraps the connections that it accepts.
type listener struct {
	net.Listener

	conn func(c net.Conn) net.Conn
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.conn(c), nil
}
