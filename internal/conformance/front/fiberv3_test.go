package front

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	fiberv3 "github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/basicauth"
	"github.com/gofiber/fiber/v3/middleware/cache"
	"github.com/gofiber/fiber/v3/middleware/compress"
	"github.com/gofiber/fiber/v3/middleware/cors"
	"github.com/gofiber/fiber/v3/middleware/csrf"
	"github.com/gofiber/fiber/v3/middleware/earlydata"
	"github.com/gofiber/fiber/v3/middleware/encryptcookie"
	"github.com/gofiber/fiber/v3/middleware/etag"
	"github.com/gofiber/fiber/v3/middleware/helmet"
	"github.com/gofiber/fiber/v3/middleware/hostauthorization"
	"github.com/gofiber/fiber/v3/middleware/idempotency"
	"github.com/gofiber/fiber/v3/middleware/keyauth"
	"github.com/gofiber/fiber/v3/middleware/limiter"
	"github.com/gofiber/fiber/v3/middleware/logger"
	"github.com/gofiber/fiber/v3/middleware/paginate"
	fiberrecover "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/redirect"
	"github.com/gofiber/fiber/v3/middleware/requestid"
	"github.com/gofiber/fiber/v3/middleware/responsetime"
	"github.com/gofiber/fiber/v3/middleware/rewrite"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/stretchr/testify/require"

	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// streamingV3 is how Fiber should run: otherwise it reads whole bodies of strangers.
var streamingV3 = fiberv3.Config{StreamRequestBody: true}

func newFiberV3(config fiberv3.Config) testsite.FiberV3 {
	return testsite.FiberV3{App: fiberv3.New(config)}
}

func fiberV3Other(c fiberv3.Ctx) error { return c.SendString("other") }

// fiberV3Behind is fiberBehind for Fiber v3.
func fiberV3Behind(guard func() fiberv3.Handler) func(app *inngestkit.App, fixed bool) server {
	return func(app *inngestkit.App, fixed bool) server {
		f := newFiberV3(streamingV3)
		if fixed {
			inngestfiberv3.Mount(f, app)
		}
		f.Use(guard())
		if !fixed {
			inngestfiberv3.Mount(f, app)
		}
		f.All("/other", fiberV3Other)
		return f
	}
}

type fiberV3Next = func(c fiberv3.Ctx) bool

// fiberV3Skipping is fiberSkipping for Fiber v3.
func fiberV3Skipping(guard func(next fiberV3Next) fiberv3.Handler) func(app *inngestkit.App, fixed bool) server {
	return func(app *inngestkit.App, fixed bool) server {
		f := newFiberV3(streamingV3)
		f.Use(guard(func(c fiberv3.Ctx) bool { return fixed && c.Path() == app.Path() }))
		inngestfiberv3.Mount(f, app)
		f.All("/other", fiberV3Other)
		return f
	}
}

func TestFiberV3(t *testing.T) {
	t.Parallel()
	for _, tc := range []obstacle{
		{
			name: "csrf", build: fiberV3Behind(func() fiberv3.Handler { return csrf.New() }),
			status: 403, finding: "CSRF protection", other: 403,
		},
		{
			name: "csrf with Next", build: fiberV3Skipping(func(next fiberV3Next) fiberv3.Handler { return csrf.New(csrf.Config{Next: next}) }),
			status: 403, finding: "CSRF protection", other: 403,
		},
		{
			name: "basicauth", build: fiberV3Skipping(func(next fiberV3Next) fiberv3.Handler {
				return basicauth.New(basicauth.Config{Next: next, Authorizer: func(string, string, fiberv3.Ctx) bool { return false }})
			}),
			status: 401, finding: "authentication is in front of it", other: 401,
		},
		{
			name: "keyauth", build: fiberV3Skipping(func(next fiberV3Next) fiberv3.Handler {
				return keyauth.New(keyauth.Config{Next: next, Validator: func(fiberv3.Ctx, string) (bool, error) { return false, nil }})
			}),
			status: 401, finding: `("missing or invalid API Key"): authentication`, other: 401,
		},
		{
			name: "hostauthorization", build: fiberV3Skipping(func(next fiberV3Next) fiberv3.Handler {
				return hostauthorization.New(hostauthorization.Config{Next: next, AllowedHosts: []string{"shop.example.com"}})
			}),
			status: 403, finding: `403 Forbidden ("Forbidden"): CSRF protection, authentication or a firewall`, other: 403,
		},
		{
			name: "limiter", before: 1, build: fiberV3Skipping(func(next fiberV3Next) fiberv3.Handler {
				return limiter.New(limiter.Config{Next: next, Max: 1, Expiration: time.Hour})
			}),
			status: 429, finding: "a rate limit is in front of it", other: 429,
		},
		{
			name: "BodyLimit", size: largest, build: func(app *inngestkit.App, fixed bool) server {
				config := fiberv3.Config{BodyLimit: 1 << 20}
				if fixed {
					config = fiberv3.Config{StreamRequestBody: true, BodyLimit: inngestkit.DefaultMaxBodyBytes}
				}
				f := newFiberV3(config)
				inngestfiberv3.Mount(f, app)
				f.All("/other", fiberV3Other)
				return f
			},
			finding: "raise its limit for /api/inngest to 4 MiB or more", log: "limit=1048576 server_sends=4194304", other: 200,
		},
		{
			name: "redirect", build: fiberV3Skipping(func(next fiberV3Next) fiberv3.Handler {
				return redirect.New(redirect.Config{Next: next, Rules: map[string]string{"/*": "https://shop.example.com/$1"}})
			}),
			status: 302, finding: "it redirects to https://shop.example.com/api/inngest, and the server would follow with GET", other: 302,
		},
		{
			name: "rewrite", build: fiberV3Skipping(func(next fiberV3Next) fiberv3.Handler {
				return rewrite.New(rewrite.Config{Next: next, Rules: map[string]string{"/*": "/v2/$1"}})
			}),
			status: 404, finding: "the app is elsewhere", other: 404,
		},
		{
			name: "catch-all", build: fiberV3Behind(func() fiberv3.Handler { return fiberV3Other }),
			status: 200, finding: `200 OK ("other"): another handler responds`, other: 200,
		},
	} {
		tc.test(t)
	}
}

// Like TestFiberDefaultBodyLimit.
func TestFiberV3DefaultBodyLimit(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		f := newFiberV3(fiberv3.Config{})
		inngestfiberv3.Mount(f, app)
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

// Unlike v2's, the cache of v3 does not store responses that say no-store, as those to GET
// do. It stores those to POST if configured, under the path and the query, so every call of a
// function gets the first one's response.
func TestFiberV3Cache(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method string
		fixed        bool
		cached       bool
	}{
		{"GET", http.MethodGet, false, false},
		{"POST", http.MethodPost, false, true},
		{"POST with Next", http.MethodPost, true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
				// A response without reading the body would reset the connection of the check.
				f := newFiberV3(fiberv3.Config{BodyLimit: inngestkit.DefaultMaxBodyBytes})
				f.Use(cache.New(cache.Config{
					Next:    func(c fiberv3.Ctx) bool { return tc.fixed && c.Path() == app.Path() },
					Methods: []string{tc.method}, StoreResponseHeaders: true,
				}))
				inngestfiberv3.Mount(f, app)
				f.All("/other", fiberV3Other)
				return f
			})
			s.callSucceeds(t, 0)
			_, ofCall, _ := send(s.signed(t, "fn", 500))
			s.request(t, http.MethodGet, endpoint, "", nil)
			_, ofGet, _ := s.request(t, http.MethodGet, endpoint, "", nil)
			require.NotEqual(t, "hit", ofGet.Get("X-Cache"))
			err := s.app.CheckEndpoint(t.Context())
			if tc.cached {
				require.Equal(t, "hit", ofCall.Get("X-Cache"), "the second call, with another body")
				require.ErrorContains(t, err, "POST http")
				require.ErrorContains(t, err, "answered by a cache (X-Cache: hit)")
			} else {
				require.NotEqual(t, "hit", ofCall.Get("X-Cache"))
				require.NoError(t, err)
			}
			var header http.Header
			for range 2 {
				_, header, _ = s.request(t, tc.method, "/other", "", nil)
			}
			require.Equal(t, "hit", header.Get("X-Cache"), "other routes are cached")
		})
	}
}

// Middleware that reads requests, sets headers of responses, or does nothing without a header
// that the server does not send.
func TestFiberV3Harmless(t *testing.T) {
	t.Parallel()
	for name, middleware := range map[string]fiberv3.Handler{
		"cors":          cors.New(),
		"earlydata":     earlydata.New(),
		"encryptcookie": encryptcookie.New(encryptcookie.Config{Key: encryptcookie.GenerateKey(32)}),
		"etag":          etag.New(),
		"helmet":        helmet.New(),
		"idempotency":   idempotency.New(),
		"logger":        logger.New(logger.Config{Format: "${status} ${body} ${resBody}\n", Stream: io.Discard}),
		"paginate":      paginate.New(),
		"recover":       fiberrecover.New(),
		"requestid":     requestid.New(),
		"responsetime":  responsetime.New(),
		"session":       session.New(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
				return fiberV3Behind(func() fiberv3.Handler { return middleware })(app, false)
			})
			for range 2 {
				s.callSucceeds(t, 0)
			}
			s.callSucceeds(t, largest)
			require.NoError(t, s.app.CheckEndpoint(t.Context()))
		})
	}
}

// Fiber skips middleware for paths and methods without a route. The endpoint has routes for
// all of them.
func TestFiberV3SkipUnmatchedRoutes(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		f := newFiberV3(fiberv3.Config{StreamRequestBody: true, SkipUnmatchedRoutes: true})
		f.Use(func(c fiberv3.Ctx) error { return c.Next() })
		inngestfiberv3.Mount(f, app)
		return f
	})
	s.callSucceeds(t, 0)
	status, header, _ := s.request(t, http.MethodDelete, endpoint, "", nil)
	require.Equal(t, http.StatusMethodNotAllowed, status)
	require.NotEmpty(t, header.Get("X-Inngest-Sdk"), "the response is the app's")
	require.NoError(t, s.app.CheckEndpoint(t.Context()))
}

// The server accepts gzip, and its client decodes it.
func TestFiberV3CompressDoesNoHarm(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		f := newFiberV3(streamingV3)
		f.Use(compress.New(compress.Config{Level: compress.LevelBestSpeed}))
		inngestfiberv3.Mount(f, app)
		return f
	})
	s.callSucceeds(t, 0)
	require.NoError(t, s.app.CheckEndpoint(t.Context()))
	_, header, _ := s.request(t, http.MethodGet, endpoint, "", http.Header{"Accept-Encoding": {"br, gzip"}})
	require.Equal(t, "br", header.Get("Content-Encoding"), "it compresses")
}
