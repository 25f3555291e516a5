package inngestgin_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Adapter{
		Framework: "gin", New: newServer, StatusOf: statusOf, CancelsOnHangUp: true, KeepsValues: true, KnowsGroups: true, StreamsBodies: true,
		TrailingSlash: adaptertest.SlashServed,
	})
}

func statusOf(err error) int {
	failed, ok := errors.AsType[*gin.Error](err)
	if !ok {
		return 0
	}
	return failed.Meta.(gin.H)["status"].(int)
}

func newServer(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Set(adaptertest.TenantKey, c.GetHeader(adaptertest.TenantHeader))
		c.Set(adaptertest.PageKey, c.Query(adaptertest.PageQuery))
		ctx := context.WithValue(c.Request.Context(), adaptertest.ContextKey{}, c.GetHeader(adaptertest.TenantHeader))
		c.Request = c.Request.WithContext(ctx)
		c.Next()
		c.Set(adaptertest.TenantKey, adaptertest.Stale)
	})
	group := &r.RouterGroup
	for _, prefix := range site.Groups {
		group = group.Group(prefix)
	}
	for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
		inngestgin.Mount(group, app)
	}
	r.Any(adaptertest.HandPath, inngestgin.Handler(site.App))

	send := func(c *gin.Context) {
		ids, err := inngestgin.Send(c, site.Event)
		if err != nil {
			site.Failed(err)
			c.AbortWithStatusJSON(inngestkit.SendStatus(err), c.Error(err))
			return
		}
		c.JSON(http.StatusOK, ids)
	}
	with := inngestgin.Middleware(site.App)
	r.POST(adaptertest.BareSendPath, send)
	r.POST(adaptertest.SendPath, with, send)
	r.GET(adaptertest.FromPath, with, func(c *gin.Context) { c.String(http.StatusOK, inngestgin.From(c).ID()) })
	return &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
}
