package onfasthttp_test

import (
	"context"
	"fmt"
	"net"
	"path"
	"strings"
	"testing"
	"unsafe"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/adapters/internal/onfasthttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp updates the Date header of all servers in one goroutine, which never ends.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// The worker pool of each server has one that checks for idle workers every 10 s. It
		// ends only when it wakes up after the server's end.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// The suite runs on a plain fasthttp server, so a failure here is not Fiber's.
func TestOnFastHTTP(t *testing.T) {
	for name, stream := range map[string]bool{"buffered": false, "streamed": true} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Adapter{
				Framework: "fasthttp", StatusOf: inngestkit.SendStatus,
				CancelsOnHangUp: true, KeepsValues: true, KnowsGroups: true, AnyMethod: true, TrailingSlash: adaptertest.SlashServed,
				StreamsBodies: stream, ReadsAhead: 8 << 10,
				New: func(_ testing.TB, site adaptertest.Site) adaptertest.Server {
					s := &server{Server: fasthttp.Server{StreamRequestBody: stream, MaxRequestBodySize: site.BodyLimit}}
					s.add(site)
					return s
				},
			})
		})
	}
}

// server is a fasthttp server with a router.
type server struct {
	fasthttp.Server

	routes map[string]fasthttp.RequestHandler
	// before is middleware. It returns the context of the request.
	before func(r *fasthttp.RequestCtx) context.Context
}

func (s *server) Serve(listener net.Listener) error {
	s.Handler = func(r *fasthttp.RequestCtx) {
		if route := s.routes[path.Clean(string(r.Path()))]; route != nil {
			route(r)
		} else {
			r.SetStatusCode(fasthttp.StatusNotFound)
		}
	}
	return s.Server.Serve(listener)
}

func (s *server) Shutdown(ctx context.Context) error { return s.ShutdownWithContext(ctx) }

// mount mounts all routes of an app below a prefix.
func (s *server) mount(prefix string, app *inngestkit.App) {
	for _, route := range app.Routes() {
		full := path.Join("/", prefix, route.Path)
		adapter.Claim("onfasthttp: Mount", app, s, full)
		s.handle(full, app, route.Do)
	}
	app.MountedAt("fasthttp", path.Join("/", prefix, app.Path()))
}

func (s *server) handle(full string, app *inngestkit.App, do adapter.Handler) {
	endpoint := onfasthttp.Endpoint{Framework: "fasthttp", Logger: app.Logger(), Do: do}
	if s.routes == nil {
		s.routes = map[string]fasthttp.RequestHandler{}
	}
	s.routes[full] = func(r *fasthttp.RequestCtx) {
		ctx := context.Background()
		if s.before != nil {
			ctx = s.before(r)
		}
		endpoint.Serve(ctx, r, &s.Server)
	}
}

// add sets up the routes of a site.
func (s *server) add(site adaptertest.Site) {
	s.before = func(r *fasthttp.RequestCtx) context.Context {
		tenant := r.Request.Header.Peek(adaptertest.TenantHeader)
		r.SetUserValue(adaptertest.TenantKey, uncopied(tenant))
		r.SetUserValue(adaptertest.PageKey, uncopied(r.QueryArgs().Peek(adaptertest.PageQuery)))
		return context.WithValue(context.Background(), adaptertest.ContextKey{}, string(tenant))
	}
	for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
		s.mount(strings.Join(site.Groups, ""), app)
	}
	s.handle(adaptertest.HandPath, site.App, site.App.Do)

	send := func(ctx context.Context, r *fasthttp.RequestCtx) {
		ids, err := inngestkit.Send(ctx, site.Event)
		if err != nil {
			site.Failed(err)
			r.Error(fasthttp.StatusMessage(inngestkit.SendStatus(err)), inngestkit.SendStatus(err))
			return
		}
		_, _ = fmt.Fprintf(r, "[%q]", ids[0])
	}
	s.routes[adaptertest.BareSendPath] = func(r *fasthttp.RequestCtx) { send(context.Background(), r) }
	s.routes[adaptertest.SendPath] = func(r *fasthttp.RequestCtx) { send(inngestkit.NewContext(context.Background(), site.App), r) }
	s.routes[adaptertest.FromPath] = func(r *fasthttp.RequestCtx) { _, _ = r.WriteString(site.App.ID()) }
}

// uncopied returns request memory as a string, as Fiber's accessors do.
func uncopied(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
