package front

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/basicauth"
	"github.com/gofiber/fiber/v2/middleware/cache"
	"github.com/gofiber/fiber/v2/middleware/compress"
	"github.com/gofiber/fiber/v2/middleware/csrf"
	"github.com/gofiber/fiber/v2/middleware/keyauth"
	"github.com/gofiber/fiber/v2/middleware/limiter"
	"github.com/stretchr/testify/require"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// streaming is how Fiber should run: otherwise it reads whole bodies of strangers.
var streaming = fiber.Config{StreamRequestBody: true}

func newFiber(config fiber.Config) testsite.Fiber {
	config.DisableStartupMessage = true
	return testsite.Fiber{App: fiber.New(config)}
}

func fiberOther(c *fiber.Ctx) error { return c.SendString("other") }

// fiberBehind mounts the app behind a middleware, or before it if fixed: Fiber calls
// handlers in the order of their registration.
func fiberBehind(guard func() fiber.Handler) func(app *inngestkit.App, fixed bool) server {
	return func(app *inngestkit.App, fixed bool) server {
		f := newFiber(streaming)
		if fixed {
			inngestfiber.Mount(f, app)
		}
		f.Use(guard())
		if !fixed {
			inngestfiber.Mount(f, app)
		}
		f.All("/other", fiberOther)
		return f
	}
}

// fiberSkipping has the fix in the middleware: its Next.
func fiberSkipping(guard func(next func(c *fiber.Ctx) bool) fiber.Handler) func(app *inngestkit.App, fixed bool) server {
	return func(app *inngestkit.App, fixed bool) server {
		f := newFiber(streaming)
		f.Use(guard(func(c *fiber.Ctx) bool { return fixed && c.Path() == app.Path() }))
		inngestfiber.Mount(f, app)
		f.All("/other", fiberOther)
		return f
	}
}

func TestFiber(t *testing.T) {
	t.Parallel()
	for _, tc := range []obstacle{
		{
			name: "csrf", build: fiberBehind(func() fiber.Handler { return csrf.New() }),
			status: 403, finding: "CSRF protection", other: 403,
		},
		{
			name: "csrf with Next", build: fiberSkipping(func(next func(c *fiber.Ctx) bool) fiber.Handler { return csrf.New(csrf.Config{Next: next}) }),
			status: 403, finding: "CSRF protection", other: 403,
		},
		{
			name: "basicauth", build: fiberSkipping(func(next func(c *fiber.Ctx) bool) fiber.Handler {
				return basicauth.New(basicauth.Config{Next: next, Users: map[string]string{"me": "x"}})
			}),
			status: 401, finding: "authentication is in front of it", other: 401,
		},
		{
			name: "keyauth", build: fiberSkipping(func(next func(c *fiber.Ctx) bool) fiber.Handler {
				return keyauth.New(keyauth.Config{Next: next, Validator: func(*fiber.Ctx, string) (bool, error) { return false, nil }})
			}),
			status: 401, finding: `("missing or malformed API Key"): authentication`, other: 401,
		},
		{
			name: "limiter", before: 1, build: fiberSkipping(func(next func(c *fiber.Ctx) bool) fiber.Handler {
				return limiter.New(limiter.Config{Next: next, Max: 1, Expiration: time.Hour})
			}),
			status: 429, finding: "a rate limit is in front of it", other: 429,
		},
		{
			name: "BodyLimit", size: largest, build: func(app *inngestkit.App, fixed bool) server {
				config := fiber.Config{BodyLimit: 1 << 20}
				if fixed {
					config = fiber.Config{StreamRequestBody: true, BodyLimit: inngestkit.DefaultMaxBodyBytes}
				}
				f := newFiber(config)
				inngestfiber.Mount(f, app)
				f.All("/other", fiberOther)
				return f
			},
			finding: "raise its limit for /api/inngest to 4 MiB or more", log: "limit=1048576 server_sends=4194304", other: 200,
		},
		{
			name: "catch-all", build: fiberBehind(func() fiber.Handler { return fiberOther }),
			status: 200, finding: `200 OK ("other"): another handler responds`, other: 200,
		},
	} {
		tc.test(t)
	}
}

// Fiber's default limit is exactly the largest body that the server sends. The log warns
// that Fiber reads anyone's bodies up to that limit.
func TestFiberDefaultBodyLimit(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		f := newFiber(fiber.Config{})
		inngestfiber.Mount(f, app)
		return f
	})
	status, _, body := s.call(t, "fn", largest)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `"done"`, body)
	require.NoError(t, s.app.CheckEndpoint(t.Context()))
	require.Equal(t, 1, strings.Count(s.log.String(), "\n"), s.log.String())
	require.Contains(t, s.log.String(), "StreamRequestBody in fiber.Config")
	status, _, _ = s.call(t, "fn", largest+1)
	require.NotEqual(t, http.StatusOK, status)
}

// Fiber's cache stores responses to GET although they say no-store, and those to POST if
// configured: under the path alone, so every call gets the first one's response.
func TestFiberCache(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		config  cache.Config
		finding string
	}{
		{"GET", cache.Config{}, "GET http"},
		{"POST", cache.Config{Methods: []string{fiber.MethodPost}, StoreResponseHeaders: true}, "POST http"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, fixed := range []bool{false, true} {
				s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
					return fiberSkipping(func(next func(c *fiber.Ctx) bool) fiber.Handler {
						tc.config.Next = next
						return cache.New(tc.config)
					})(app, fixed)
				})
				_, _, first := s.call(t, "none", 0)
				status, sdk, second := s.call(t, "fn", 0)
				err := s.app.CheckEndpoint(t.Context())
				_, header, _ := s.request(t, http.MethodGet, endpoint, "", nil)
				switch {
				case fixed:
					require.NoError(t, err)
					require.Equal(t, http.StatusOK, status)
					require.NotEqual(t, "hit", header.Get("X-Cache"))
				case tc.name == "POST":
					require.ErrorContains(t, err, tc.finding)
					require.ErrorContains(t, err, "answered by a cache (X-Cache: hit)")
					require.Equal(t, http.StatusGone, status)
					require.True(t, sdk)
					require.Equal(t, first, second)
				default:
					require.ErrorContains(t, err, tc.finding)
					require.ErrorContains(t, err, "answered by a cache (X-Cache: hit)")
					require.Equal(t, http.StatusOK, status)
					require.Equal(t, "hit", header.Get("X-Cache"))
				}
				for range 2 {
					_, header, _ = s.request(t, tc.name, "/other", "", nil)
				}
				require.Equal(t, "hit", header.Get("X-Cache"), "other routes are cached")
			}
		})
	}
}

// The server accepts gzip, and its client decodes it.
func TestFiberCompressDoesNoHarm(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		f := newFiber(streaming)
		f.Use(compress.New(compress.Config{Level: compress.LevelBestSpeed}))
		inngestfiber.Mount(f, app)
		return f
	})
	s.callSucceeds(t, 0)
	require.NoError(t, s.app.CheckEndpoint(t.Context()))
	_, header, _ := s.request(t, http.MethodGet, endpoint, "", http.Header{"Accept-Encoding": {"br, gzip"}})
	require.Equal(t, "br", header.Get("Content-Encoding"), "it compresses")
}
