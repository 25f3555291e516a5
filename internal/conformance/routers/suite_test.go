package routers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	"github.com/julienschmidt/httprouter"
	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

// Each router passes the whole suite.
func TestAdapter(t *testing.T) {
	for name, a := range map[string]adaptertest.Adapter{
		"chi":                 {New: onChi, TrailingSlash: adaptertest.SlashNotFound},
		"gorilla/mux":         {New: onGorilla, TrailingSlash: adaptertest.SlashNotFound, AnyMethod: true, KnowsGroups: true},
		"httprouter":          {New: onHTTPRouter, TrailingSlash: adaptertest.SlashRedirected},
		"Huma on a ServeMux":  {New: onHuma, TrailingSlash: adaptertest.SlashServed, StatusOf: inngestkit.SendStatus},
		"connect on ServeMux": {New: onConnect, TrailingSlash: adaptertest.SlashServed},
	} {
		t.Run(name, func(t *testing.T) {
			a.Framework, a.CancelsOnHangUp, a.KeepsValues, a.StreamsBodies = "nethttp", true, true, true
			if a.StatusOf == nil {
				a.StatusOf = statusOf
			}
			adaptertest.Run(t, a)
		})
	}
}

func statusOf(err error) int {
	failed, ok := errors.AsType[*inngesthttp.Error](err)
	if !ok {
		return 0
	}
	return failed.Status
}

// mountAll mounts the apps of a site on a router below its groups.
func mountAll(router inngesthttp.Router, site adaptertest.Site) {
	for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
		inngesthttp.Mount(router, app)
	}
}

// serverOf returns a server for a router, with the values that the suite stores.
func serverOf(router http.Handler) *http.Server {
	return &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), adaptertest.ContextKey{}, r.Header.Get(adaptertest.TenantHeader))
		ctx = context.WithValue(ctx, adaptertest.TenantKey, r.Header.Get(adaptertest.TenantHeader)) //nolint:staticcheck // as users do
		ctx = context.WithValue(ctx, adaptertest.PageKey, r.URL.Query().Get(adaptertest.PageQuery)) //nolint:staticcheck // as users do
		router.ServeHTTP(w, r.WithContext(ctx))
	})}
}

// routes returns the handlers of a site that send events and find the app.
func routes(site adaptertest.Site) (send, from http.Handler) {
	send = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids, err := inngesthttp.Send(r, site.Event)
		if err != nil {
			site.Failed(err)
			http.Error(w, http.StatusText(statusOf(err)), statusOf(err))
			return
		}
		_, _ = fmt.Fprintf(w, "[%q]", ids[0])
	})
	return send, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, inngesthttp.From(r).ID())
	})
}

func onChi(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	r := chi.NewRouter()
	mountAll(chiGroups(r, site.Groups), site)
	r.Handle(adaptertest.HandPath, inngesthttp.Handler(site.App))
	send, from := routes(site)
	r.Method(http.MethodPost, adaptertest.BareSendPath, send)
	with := r.With(inngesthttp.Middleware(site.App))
	with.Method(http.MethodPost, adaptertest.SendPath, send)
	with.Method(http.MethodGet, adaptertest.FromPath, from)
	return serverOf(r)
}

func chiGroups(r chi.Router, prefixes []string) chi.Router {
	for _, prefix := range prefixes {
		r = r.Route(prefix, func(chi.Router) {})
	}
	return r
}

func onGorilla(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	r := mux.NewRouter()
	group := r
	for _, prefix := range site.Groups {
		group = group.PathPrefix(prefix).Subrouter()
	}
	mountAll(inngesthttp.Gorilla(group), site)
	r.Handle(adaptertest.HandPath, inngesthttp.Handler(site.App))
	send, from := routes(site)
	r.Handle(adaptertest.BareSendPath, send).Methods(http.MethodPost)
	with := r.NewRoute().Subrouter()
	with.Use(inngesthttp.Middleware(site.App))
	with.Handle(adaptertest.SendPath, send).Methods(http.MethodPost)
	with.Handle(adaptertest.FromPath, from).Methods(http.MethodGet)
	return serverOf(r)
}

// onHTTPRouter makes groups of routers below http.StripPrefix: httprouter has none.
func onHTTPRouter(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	r := httprouter.New()
	group := r
	for _, prefix := range site.Groups {
		below := httprouter.New()
		inngesthttp.HTTPRouter(group).Handle(prefix+"/*rest", http.StripPrefix(prefix, below))
		group = below
	}
	mountAll(inngesthttp.HTTPRouter(group), site)
	inngesthttp.HTTPRouter(r).Handle(adaptertest.HandPath, inngesthttp.Handler(site.App))
	send, from := routes(site)
	with := inngesthttp.Middleware(site.App)
	r.Handler(http.MethodPost, adaptertest.BareSendPath, send)
	r.Handler(http.MethodPost, adaptertest.SendPath, with(send))
	r.Handler(http.MethodGet, adaptertest.FromPath, with(from))
	return serverOf(r)
}

func onHuma(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	mux := http.NewServeMux()
	var group inngesthttp.Router = mux
	if prefix := strings.Join(site.Groups, ""); prefix != "" {
		below := http.NewServeMux()
		mux.Handle(prefix+"/", http.StripPrefix(prefix, below))
		group = below
	}
	mountAll(group, site)
	mux.Handle(adaptertest.HandPath, inngesthttp.Handler(site.App))
	operations(humago.New(mux, huma.DefaultConfig("Shop", "1.0.0")), site)
	return serverOf(mux)
}

// onConnect serves an application of connect-go, with interceptors that reject everything.
func onConnect(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	mux := http.NewServeMux()
	var group inngesthttp.Router = mux
	if prefix := strings.Join(site.Groups, ""); prefix != "" {
		below := http.NewServeMux()
		mux.Handle(prefix+"/", http.StripPrefix(prefix, below))
		group = below
	}
	mountAll(group, site)
	mux.Handle(adaptertest.HandPath, inngesthttp.Handler(site.App))
	send, from := routes(site)
	with := inngesthttp.Middleware(site.App)
	mux.Handle("POST "+adaptertest.BareSendPath, send)
	mux.Handle("POST "+adaptertest.SendPath, with(send))
	mux.Handle("GET "+adaptertest.FromPath, with(from))
	mux.Handle(createUser, newCreateUser(rejectsAll))
	server := serverOf(mux)
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true) // as gRPC needs it
	return server
}

// rejectsAll is an interceptor that lets no call through.
var rejectsAll = connect.WithInterceptors(connect.UnaryInterceptorFunc(func(connect.UnaryFunc) connect.UnaryFunc {
	return func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) {
		return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("no token"))
	}
}))

// A Group of chi is another router to Mount, which therefore does not notice that the path is
// taken. The last app responds.
func TestTwoAppsInGroupsOfChi(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) http.Handler {
		r := chi.NewRouter()
		r.Group(func(r chi.Router) {
			other, err := inngestkit.New(inngestkit.Config{AppID: "other", Dev: true})
			require.NoError(t, err)
			inngesthttp.Mount(r, other)
		})
		r.Group(func(r chi.Router) { inngesthttp.Mount(r, app) })
		return r
	})
	s.callSucceeds(t)
}
