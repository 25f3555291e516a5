package front

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// ginBehind mounts the app behind a middleware, or before it if fixed: Use affects the
// routes after it.
func ginBehind(middleware func() gin.HandlerFunc) func(app *inngestkit.App, fixed bool) server {
	return func(app *inngestkit.App, fixed bool) server {
		r := gin.New()
		if fixed {
			inngestgin.Mount(r, app)
		}
		r.Use(middleware())
		if !fixed {
			inngestgin.Mount(r, app)
		}
		r.POST("/other", func(c *gin.Context) { c.String(http.StatusOK, "other") })
		return serverOf(r)
	}
}

// ginRefusing stands in for the usual middleware for Gin, which includes only
// BasicAuth.
func ginRefusing(status int, text string, refuse func() func(r *http.Request) bool) func() gin.HandlerFunc {
	return func() gin.HandlerFunc {
		refuse := refuse()
		return func(c *gin.Context) {
			if refuse(c.Request) {
				c.AbortWithStatusJSON(status, text)
			}
		}
	}
}

func always(refuse func(r *http.Request) bool) func() func(r *http.Request) bool {
	return func() func(r *http.Request) bool { return refuse }
}

func TestGin(t *testing.T) {
	t.Parallel()
	for _, tc := range []obstacle{
		{
			name: "CSRF token", build: ginBehind(ginRefusing(400, "CSRF token mismatch", always(withoutToken))),
			status: 400, finding: "CSRF token mismatch", other: 400,
		},
		{
			name: "authentication", build: ginBehind(func() gin.HandlerFunc { return gin.BasicAuth(gin.Accounts{"me": "x"}) }),
			status: 401, finding: "401 Unauthorized: authentication is in front of it", other: 401,
		},
		{
			name: "rate limit", before: 1,
			build:  ginBehind(ginRefusing(429, "", func() func(*http.Request) bool { return limit(1) })),
			status: 429, finding: "a rate limit is in front of it", other: 429,
		},
		{
			name: "body limit", size: largest, build: ginBehind(func() gin.HandlerFunc {
				return func(c *gin.Context) { c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, 1<<20) }
			}),
			finding: "raise its limit for /api/inngest to 4 MiB or more", other: 200,
		},
		{
			name: "redirect", build: ginBehind(func() gin.HandlerFunc {
				return func(c *gin.Context) {
					if httpsOnly(c.Request) {
						c.Redirect(http.StatusFound, "https://"+c.Request.Host+c.Request.URL.Path)
						c.Abort()
					}
				}
			}),
			status: 302, finding: "it redirects to https://127.0.0.1", other: 302,
		},
		{
			name: "catch-all", build: func(app *inngestkit.App, fixed bool) server {
				r := gin.New()
				r.NoRoute(func(c *gin.Context) { c.String(http.StatusOK, "<html>") })
				if fixed {
					inngestgin.Mount(r, app)
				} else {
					app.MountedAt("gin", app.Path()) // the app is not mounted
				}
				return serverOf(r)
			},
			status: 200, finding: `200 OK ("<html>"): another handler responds`, other: 200,
		},
	} {
		tc.test(t)
	}
}
