package front

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/require"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// echoBehind mounts the app behind a middleware, which skips the endpoint if fixed: Use
// affects all routes, including those before it.
func echoBehind(guard func(skip middleware.Skipper) echo.MiddlewareFunc) func(app *inngestkit.App, fixed bool) server {
	return func(app *inngestkit.App, fixed bool) server {
		skip := middleware.DefaultSkipper
		if fixed {
			skip = func(c echo.Context) bool { return c.Path() == app.Path() }
		}
		e := echo.New()
		e.Use(guard(skip))
		inngestecho.Mount(e, app)
		e.POST("/other", func(c echo.Context) error { return c.String(http.StatusOK, "other") })
		return serverOf(e)
	}
}

func TestEcho(t *testing.T) {
	t.Parallel()
	for _, tc := range []obstacle{
		{
			name: "CSRF", build: echoBehind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.CSRFWithConfig(middleware.CSRFConfig{Skipper: skip})
			}),
			status: 400, finding: "missing csrf token in request header", other: 400,
		},
		{
			name: "BasicAuth", build: echoBehind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.BasicAuthWithConfig(middleware.BasicAuthConfig{
					Skipper: skip, Validator: func(string, string, echo.Context) (bool, error) { return false, nil },
				})
			}),
			status: 401, finding: "authentication is in front of it", other: 401,
		},
		{
			name: "KeyAuth", build: echoBehind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.KeyAuthWithConfig(middleware.KeyAuthConfig{
					Skipper: skip, Validator: func(string, echo.Context) (bool, error) { return false, nil },
				})
			}),
			status: 400, finding: `("{\"message\":\"missing key in request header\"}"): CSRF protection, authentication`, other: 400,
		},
		{
			name: "RateLimiter", before: 1, build: echoBehind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{
					Skipper: skip, Store: middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{Rate: 0.0001, Burst: 1}),
				})
			}),
			status: 429, finding: "a rate limit is in front of it", other: 429,
		},
		{
			name: "BodyLimit", size: largest, build: echoBehind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.BodyLimitWithConfig(middleware.BodyLimitConfig{Skipper: skip, Limit: "1M"})
			}),
			finding: "raise its limit for /api/inngest to 4 MiB or more", other: 200,
		},
		{
			name: "HTTPSRedirect", build: echoBehind(func(skip middleware.Skipper) echo.MiddlewareFunc {
				return middleware.HTTPSRedirectWithConfig(middleware.RedirectConfig{Skipper: skip})
			}),
			status: 301, finding: "it redirects to https://127.0.0.1", other: 301,
		},
		{
			name: "catch-all", build: func(app *inngestkit.App, fixed bool) server {
				e := echo.New()
				e.Any("/*", func(c echo.Context) error { return c.HTML(http.StatusOK, "<html>") })
				if fixed {
					inngestecho.Mount(e, app)
				} else {
					app.MountedAt("echo", app.Path()) // the app is not mounted
				}
				return serverOf(e)
			},
			status: 200, finding: `200 OK ("<html>"): another handler responds`, other: 200,
		},
	} {
		tc.test(t)
	}
}

// eachEcho runs test on an application of each version of Echo.
func eachEcho(t *testing.T, v4, v5 func(app *inngestkit.App) server, test func(t *testing.T, s *site)) {
	t.Helper()
	for version, build := range map[string]func(app *inngestkit.App) server{"v4": v4, "v5": v5} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			test(t, run(t, inngestkit.Config{}, build))
		})
	}
}

// Echo routes by the path as sent. A Skipper that compares the unescaped path skips other
// routes, too; it has to compare the route that was found.
func TestEchoSkipperSkipsNothingElse(t *testing.T) {
	t.Parallel()
	eachEcho(t, echoWithSkipper, echoV5WithSkipper, func(t *testing.T, s *site) {
		s.callSucceeds(t, 0)
		for _, path := range []string{"/other", "/api%2finngest", "/%61pi/inngest", "/api/inngest/", "//api/inngest", "/API/inngest", "/api/inngest/../x"} {
			status, _, _ := s.request(t, http.MethodPost, path, "", nil)
			require.Equal(t, http.StatusUnauthorized, status, path)
		}
	})
}

func echoWithSkipper(app *inngestkit.App) server {
	e := echo.New()
	e.Use(middleware.BasicAuthWithConfig(middleware.BasicAuthConfig{
		Skipper:   func(c echo.Context) bool { return c.Path() == app.Path() },
		Validator: func(string, string, echo.Context) (bool, error) { return false, nil },
	}))
	e.Any("/*", func(c echo.Context) error { return c.String(http.StatusOK, "secret") })
	inngestecho.Mount(e, app)
	return serverOf(e)
}

// A group of its own is a fix as well as a Skipper.
func TestEchoGroup(t *testing.T) {
	t.Parallel()
	eachEcho(t, echoWithGroup, echoV5WithGroup, func(t *testing.T, s *site) {
		s.callSucceeds(t, 0)
		require.NoError(t, s.app.CheckEndpoint(t.Context()))
		status, _, _ := s.request(t, http.MethodPost, "/other", "", nil)
		require.Equal(t, http.StatusBadRequest, status)
	})
}

func echoWithGroup(app *inngestkit.App) server {
	e := echo.New()
	inngestecho.Mount(e, app)
	site := e.Group("", middleware.CSRF())
	site.POST("/other", func(c echo.Context) error { return c.String(http.StatusOK, "other") })
	return serverOf(e)
}

// The server accepts gzip, and its client decodes it. BodyDump passes bodies on whole.
func TestEchoGzipAndSecureDoNoHarm(t *testing.T) {
	t.Parallel()
	eachEcho(t, echoWithGzip, echoV5WithGzip, func(t *testing.T, s *site) {
		s.callSucceeds(t, largest)
		require.NoError(t, s.app.CheckEndpoint(t.Context()))
		_, header, _ := s.request(t, http.MethodGet, endpoint, "", http.Header{"Accept-Encoding": {"gzip"}})
		require.Equal(t, "gzip", header.Get("Content-Encoding"), "it compresses")
	})
}

func echoWithGzip(app *inngestkit.App) server {
	e := echo.New()
	dump := middleware.BodyDump(func(echo.Context, []byte, []byte) {})
	e.Use(middleware.Gzip(), middleware.Secure(), middleware.CORS(), middleware.Decompress(), dump)
	inngestecho.Mount(e, app)
	return serverOf(e)
}
