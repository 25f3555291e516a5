// Package adaptertest is the conformance suite for adapters, the packages that serve an
// inngestkit app with a web framework. An adapter that passes it loses no call, sends no
// wrong response, and never mixes up two requests.
//
// The adapter's test calls [Run] with a factory, which returns a server of the
// framework with an app mounted on it:
//
//	func TestAdapter(t *testing.T) {
//		adaptertest.Run(t, adaptertest.Adapter{
//			Framework:       "chi",
//			New:             newServer,
//			StatusOf:        inngestkit.SendStatus, // if Send returns the app's error
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
// The suite starts each server on a free port of the loopback interface and calls it as
// the Inngest server does: with signed requests, and over plain TCP connections where an
// HTTP client would hide what matters. It needs no Inngest server, because it has a
// small fake of its API.
//
// The package depends only on the standard library and the core.
package adaptertest
