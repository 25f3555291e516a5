package mistakes

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"
	echov5 "github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	"github.com/inngestkit/inngestkit/core/adapter"
)

var mounting = []mistake{
	{"Start before Mount", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		return fails(t, app.Start(t.Context()))
	}},
	{"Start before Register", func(t *testing.T) string {
		app, _ := newApp(t, dev())
		app.MountedAt("gin", "/api/inngest")
		return fails(t, app.Start(t.Context()))
	}},
	{"Start twice", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		app.MountedAt("gin", "/api/inngest")
		require.NoError(t, app.Start(t.Context()))
		return fails(t, app.Start(t.Context()))
	}},
	{"A mount below a parameter", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		app.MountedAt("gin", "/:tenant/api/inngest")
		return fails(t, app.Start(t.Context()))
	}},
	{"A prefix that the app does not know", func(t *testing.T) string {
		app, l := newApp(t, dev(), onUser())
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		opened := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/api/inngest", nil)
		http.StripPrefix("/v1", mux).ServeHTTP(httptest.NewRecorder(), opened)
		return l.Await(t, "ServePath")
	}},
	{"Mount without an app", func(t *testing.T) string {
		return panics(t, func() { inngestgin.Mount(gin.New(), nil) })
	}},
	{"Mount without a router", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		return panics(t, func() { inngesthttp.Mount((*http.ServeMux)(nil), app) })
	}},
	{"An app mounted twice", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		r := gin.New()
		inngestgin.Mount(r, app)
		return panics(t, func() { inngestgin.Mount(r, app) })
	}},
	{"Two apps at one path", func(t *testing.T) string {
		shop, _ := newApp(t, dev(), onUser())
		other := dev()
		other.AppID = "billing"
		billing, _ := newApp(t, other, onUser())
		e := echo.New()
		inngestecho.Mount(e, shop)
		return panics(t, func() { inngestecho.Mount(e, billing) })
	}},
	{"A path that Echo v5 rejects", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		e := echov5.NewWithConfig(echov5.Config{Router: echov5.NewRouter(echov5.RouterConfig{})})
		e.Any("/api/inngest", func(*echov5.Context) error { return nil })
		return panics(t, func() { inngestechov5.Mount(e, app) })
	}},
	{"Routes added after Mount", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		app.MountedAt("gin", "/api/inngest")
		return fails(t, app.AddRoutes(adapter.Route{Path: "/health", Do: app.Do}))
	}},
}
