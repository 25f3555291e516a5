package inngestechov5_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v5"
	"go.uber.org/goleak"

	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAdapter(t *testing.T) { adaptertest.Run(t, on(echo.New)) }

// The options of Echo's router change how it matches and registers routes.
func TestAdapterWithOptions(t *testing.T) {
	adaptertest.Run(t, on(func() *echo.Echo {
		return echo.NewWithConfig(echo.Config{Router: echo.NewConcurrentRouter(echo.NewRouter(echo.RouterConfig{
			AllowOverwritingRoute: false, UnescapePathParamValues: true, UseEscapedPathForMatching: true,
		}))})
	}))
}

func on(newEcho func() *echo.Echo) adaptertest.Adapter {
	return adaptertest.Adapter{
		Framework: "echov5", StatusOf: statusOf, CancelsOnHangUp: true, KnowsGroups: true, StreamsBodies: true,
		AnyMethod: true, TrailingSlash: adaptertest.SlashServed,
		New: func(_ testing.TB, site adaptertest.Site) adaptertest.Server { return newServer(newEcho(), site) },
	}
}

func statusOf(err error) int {
	failed, ok := errors.AsType[*echo.HTTPError](err)
	if !ok {
		return 0
	}
	return failed.Code
}

func newServer(e *echo.Echo, site adaptertest.Site) adaptertest.Server {
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			tenant := c.Request().Header.Get(adaptertest.TenantHeader)
			c.Set(adaptertest.TenantKey, tenant)
			c.Set(adaptertest.PageKey, c.QueryParam(adaptertest.PageQuery))
			ctx := context.WithValue(c.Request().Context(), adaptertest.ContextKey{}, tenant)
			c.SetRequest(c.Request().WithContext(ctx))
			err := next(c)
			c.Set(adaptertest.TenantKey, adaptertest.Stale)
			return err
		}
	})
	var router inngestechov5.Router = e
	for n, prefix := range site.Groups {
		if n == 0 {
			router = e.Group(prefix)
		} else {
			router = router.(*echo.Group).Group(prefix)
		}
	}
	for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
		inngestechov5.Mount(router, app)
	}
	e.Any(adaptertest.HandPath, inngestechov5.Handler(site.App))

	send := func(c *echo.Context) error {
		ids, err := inngestechov5.Send(c, site.Event)
		if err != nil {
			site.Failed(err)
			return err
		}
		return c.JSON(http.StatusOK, ids)
	}
	with := inngestechov5.Middleware(site.App)
	e.POST(adaptertest.BareSendPath, send)
	e.POST(adaptertest.SendPath, send, with)
	e.GET(adaptertest.FromPath, func(c *echo.Context) error {
		return c.String(http.StatusOK, inngestechov5.From(c).ID())
	}, with)
	return &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
}
