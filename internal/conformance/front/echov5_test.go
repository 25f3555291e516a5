package front

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// echoV5Behind mounts the app behind a middleware, which skips the endpoint if fixed: Use
// affects all routes, including those before it.
func echoV5Behind(guard func(skip middleware.Skipper) echo.MiddlewareFunc) func(app *inngestkit.App, fixed bool) server {
	return func(app *inngestkit.App, fixed bool) server {
		skip := middleware.DefaultSkipper
		if fixed {
			skip = func(c *echo.Context) bool { return c.Path() == app.Path() }
		}
		e := echo.New()
		e.Use(guard(skip))
		inngestechov5.Mount(e, app)
		e.POST("/other", func(c *echo.Context) error { return c.String(http.StatusOK, "other") })
		return serverOf(e)
	}
}

func TestEchoV5(t *testing.T) {
	t.Parallel()
	for _, tc := range []obstacle{
		{
			name: "CSRF", build: echoV5Behind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.CSRFWithConfig(middleware.CSRFConfig{Skipper: skip})
			}),
			status: 400, finding: `("{\"message\":\"Bad Request\"}"): CSRF protection, authentication`, other: 400,
		},
		{
			name: "BasicAuth", build: echoV5Behind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.BasicAuthWithConfig(middleware.BasicAuthConfig{
					Skipper: skip, Validator: func(*echo.Context, string, string) (bool, error) { return false, nil },
				})
			}),
			status: 401, finding: "authentication is in front of it", other: 401,
		},
		{
			name: "KeyAuth", build: echoV5Behind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.KeyAuthWithConfig(middleware.KeyAuthConfig{
					Skipper: skip, Validator: func(*echo.Context, string, middleware.ExtractorSource) (bool, error) { return false, nil },
				})
			}),
			status: 401, finding: "authentication is in front of it", other: 401,
		},
		{
			name: "RateLimiter", before: 1, build: echoV5Behind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{
					Skipper: skip, Store: middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{Rate: 0.0001, Burst: 1}),
				})
			}),
			status: 429, finding: "a rate limit is in front of it", other: 429,
		},
		{
			name: "BodyLimit", size: largest, build: echoV5Behind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.BodyLimitWithConfig(middleware.BodyLimitConfig{Skipper: skip, LimitBytes: 1 << 20})
			}),
			finding: "raise its limit for /api/inngest to 4 MiB or more", other: 200,
		},
		{
			name: "HTTPSRedirect", build: echoV5Behind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.HTTPSRedirectWithConfig(middleware.RedirectConfig{Skipper: skip})
			}),
			status: 301, finding: "it redirects to https://127.0.0.1", other: 301,
		},
		{
			name: "catch-all", build: func(app *inngestkit.App, fixed bool) server {
				e := echo.New()
				e.Any("/*", func(c *echo.Context) error { return c.HTML(http.StatusOK, "<html>") })
				if fixed {
					inngestechov5.Mount(e, app)
				} else {
					app.MountedAt("echov5", app.Path()) // the app is not mounted
				}
				return serverOf(e)
			},
			status: 200, finding: `200 OK ("<html>"): another handler responds`, other: 200,
		},
	} {
		tc.test(t)
	}
}

func echoV5WithSkipper(app *inngestkit.App) server {
	e := echo.New()
	e.Use(middleware.BasicAuthWithConfig(middleware.BasicAuthConfig{
		Skipper:   func(c *echo.Context) bool { return c.Path() == app.Path() },
		Validator: func(*echo.Context, string, string) (bool, error) { return false, nil },
	}))
	e.Any("/*", func(c *echo.Context) error { return c.String(http.StatusOK, "secret") })
	inngestechov5.Mount(e, app)
	return serverOf(e)
}

func echoV5WithGroup(app *inngestkit.App) server {
	e := echo.New()
	inngestechov5.Mount(e, app)
	site := e.Group("", middleware.CSRF())
	site.POST("/other", func(c *echo.Context) error { return c.String(http.StatusOK, "other") })
	return serverOf(e)
}

func echoV5WithGzip(app *inngestkit.App) server {
	e := echo.New()
	dump := middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {})
	e.Use(middleware.Gzip(), middleware.Secure(), middleware.CORS("*"), middleware.Decompress(), dump)
	inngestechov5.Mount(e, app)
	return serverOf(e)
}
