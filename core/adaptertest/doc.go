// Package adaptertest is the conformance suite for adapters: the packages that
// serve an inngestkit app with a web framework. An adapter that passes it loses no
// call, answers no call wrongly, and mixes up no two requests.
//
// The adapter's test gives the suite one factory, which makes a server of the
// framework with an app mounted on it, and calls [Run]:
//
//	func TestAdapter(t *testing.T) {
//		adaptertest.Run(t, adaptertest.Adapter{
//			Framework:       "chi",
//			New:             newServer,
//			CancelsOnHangUp: true,
//			KeepsValues:     true,
//		})
//	}
//
//	func newServer(_ testing.TB, site adaptertest.Site) adaptertest.Server {
//		r := chi.NewRouter()
//		r.Use(func(next http.Handler) http.Handler {
//			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//				ctx := context.WithValue(r.Context(), adaptertest.ContextKey{}, r.Header.Get(adaptertest.TenantHeader))
//				ctx = context.WithValue(ctx, adaptertest.TenantKey, r.Header.Get(adaptertest.TenantHeader))
//				ctx = context.WithValue(ctx, adaptertest.PageKey, r.URL.Query().Get(adaptertest.PageQuery))
//				next.ServeHTTP(w, r.WithContext(ctx))
//			})
//		})
//		var group chi.Router = r
//		for _, prefix := range site.Groups {
//			group = group.Route(prefix, func(chi.Router) {})
//		}
//		for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
//			inngestchi.Mount(group, app)
//		}
//		r.Handle(adaptertest.HandPath, inngestchi.Handler(site.App))
//
//		send := func(w http.ResponseWriter, r *http.Request) {
//			ids, err := inngestchi.Send(r, site.Event)
//			if err != nil {
//				site.Failed(err)
//				status := inngestkit.SendStatus(err)
//				http.Error(w, http.StatusText(status), status)
//				return
//			}
//			_ = json.NewEncoder(w).Encode(ids)
//		}
//		r.Post(adaptertest.BareSendPath, send)
//		r.With(inngestchi.Middleware(site.App)).Post(adaptertest.SendPath, send)
//		r.With(inngestchi.Middleware(site.App)).Get(adaptertest.FromPath, func(w http.ResponseWriter, r *http.Request) {
//			_, _ = io.WriteString(w, inngestchi.From(r).ID())
//		})
//		return &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
//	}
//
// The suite starts each server on a free port of the loopback interface and talks
// to it as the Inngest server does: with signed calls, and over bare TCP
// connections where a client would hide what it is about. An Inngest server is not
// needed; the suite brings a small stand-in for its API.
//
// The package depends on the standard library and the core alone.
package adaptertest
