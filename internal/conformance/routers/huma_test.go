package routers

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

// operations registers the routes of the suite as operations of Huma, which get only a
// context.
func operations(api huma.API, site adaptertest.Site) {
	type sent struct{ Body []string }
	send := func(ctx context.Context, _ *struct{}) (*sent, error) {
		ids, err := inngestkit.Send(ctx, site.Event)
		if err != nil {
			site.Failed(err)
			return nil, humaError(err)
		}
		return &sent{ids}, nil
	}
	with := huma.Middlewares{humaMiddleware(site.App)}
	huma.Register(api, huma.Operation{OperationID: "bare", Method: http.MethodPost, Path: adaptertest.BareSendPath}, send)
	huma.Register(api, huma.Operation{
		OperationID: "send", Method: http.MethodPost, Path: adaptertest.SendPath, Middlewares: with,
	}, send)

	type found struct{ Body []byte }
	huma.Register(api, huma.Operation{
		OperationID: "from", Method: http.MethodGet, Path: adaptertest.FromPath, Middlewares: with,
	}, func(ctx context.Context, _ *struct{}) (*found, error) {
		return &found{[]byte(inngestkit.FromContext(ctx).ID())}, nil
	})
}

// humaMiddleware is inngesthttp.Middleware for a Huma API.
func humaMiddleware(app *inngestkit.App) func(ctx huma.Context, next func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		next(huma.WithContext(ctx, inngestkit.NewContext(ctx.Context(), app)))
	}
}

// humaError is what clients see of an error of a send.
func humaError(err error) error {
	status := inngestkit.SendStatus(err)
	return huma.NewError(status, http.StatusText(status))
}

// Huma's middleware applies to its operations only, and its OpenAPI lists only those.
func TestHumaLeavesTheEndpointAlone(t *testing.T) {
	t.Parallel()
	protect := func(api huma.API) {
		api.UseMiddleware(func(ctx huma.Context, _ func(huma.Context)) {
			_ = huma.WriteErr(api, ctx, http.StatusUnauthorized, "no token")
		})
		huma.Get(api, "/orders", func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	}
	for name, build := range map[string]func(app *inngestkit.App) http.Handler{
		"on a ServeMux": func(app *inngestkit.App) http.Handler {
			mux := http.NewServeMux()
			protect(humago.New(mux, huma.DefaultConfig("Shop", "1.0.0")))
			inngesthttp.Mount(mux, app)
			return mux
		},
		"on chi": func(app *inngestkit.App) http.Handler {
			r := chi.NewRouter()
			protect(humachi.New(r, huma.DefaultConfig("Shop", "1.0.0")))
			inngesthttp.Mount(r, app)
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, build)
			s.callSucceeds(t)
			require.NoError(t, s.app.CheckEndpoint(t.Context()))
			status, _, _ := s.request(t, http.MethodGet, "/orders")
			require.Equal(t, http.StatusUnauthorized, status)
			_, _, openAPI := s.request(t, http.MethodGet, "/openapi.json")
			require.Contains(t, openAPI, "/orders")
			require.NotContains(t, openAPI, "inngest")
		})
	}
}

// inngesthttp.Middleware around the whole application works, too.
func TestHumaBehindTheMiddleware(t *testing.T) {
	t.Parallel()
	app, sent := sending(t, http.StatusOK, `{"ids":["e1"]}`)
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("Shop", "1.0.0"))
	huma.Post(api, "/users", func(ctx context.Context, _ *struct{}) (*struct{ Body []string }, error) {
		ids, err := inngestkit.Send(ctx, signedUp.New(user{ID: "u1"}))
		if err != nil {
			return nil, humaError(err)
		}
		return &struct{ Body []string }{ids}, nil
	})
	w := httptest.NewRecorder()
	inngesthttp.Middleware(app)(mux).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/users", nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.JSONEq(t, `["e1"]`, w.Body.String())
	require.Contains(t, <-sent, `"id":"u1"`)

	app, _ = sending(t, http.StatusBadRequest, `{"error":"a secret"}`)
	w = httptest.NewRecorder()
	inngesthttp.Middleware(app)(mux).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/users", nil))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	var problem struct {
		Detail string `json:"detail"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem))
	require.Equal(t, "Internal Server Error", problem.Detail)
	require.NotContains(t, w.Body.String(), "secret")
}
