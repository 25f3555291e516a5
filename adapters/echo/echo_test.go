package inngestecho_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Adapter{
		Framework: "echo", New: newServer, StatusOf: statusOf, CancelsOnHangUp: true, KnowsGroups: true, StreamsBodies: true,
		TrailingSlash: adaptertest.SlashServed,
	})
}

func statusOf(err error) int {
	failed, ok := errors.AsType[*echo.HTTPError](err)
	if !ok {
		return 0
	}
	return failed.Code
}

type server struct{ *echo.Echo }

func (s server) Serve(listener net.Listener) error {
	s.Listener = listener
	return s.Start("")
}

func newServer(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
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
	var router inngestecho.Router = e
	for n, prefix := range site.Groups {
		if n == 0 {
			router = e.Group(prefix)
		} else {
			router = router.(*echo.Group).Group(prefix)
		}
	}
	for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
		inngestecho.Mount(router, app)
	}
	e.Any(adaptertest.HandPath, inngestecho.Handler(site.App))

	send := func(c echo.Context) error {
		ids, err := inngestecho.Send(c, site.Event)
		if err != nil {
			site.Failed(err)
			return err
		}
		return c.JSON(http.StatusOK, ids)
	}
	with := inngestecho.Middleware(site.App)
	e.POST(adaptertest.BareSendPath, send)
	e.POST(adaptertest.SendPath, send, with)
	e.GET(adaptertest.FromPath, func(c echo.Context) error {
		return c.String(http.StatusOK, inngestecho.From(c).ID())
	}, with)
	return server{e}
}
