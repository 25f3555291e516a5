package front

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	fibertimeout "github.com/gofiber/fiber/v2/middleware/timeout"
	fiberv3 "github.com/gofiber/fiber/v3"
	fiberv3timeout "github.com/gofiber/fiber/v3/middleware/timeout"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	echov5 "github.com/labstack/echo/v5"
	middlewarev5 "github.com/labstack/echo/v5/middleware"
	"github.com/stretchr/testify/require"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A timeout is a timeout of one framework.
type timeout struct {
	name string
	// build returns an application with the timeout around the endpoint, or, if fixed, only
	// around /other, whose handler is slow.
	build func(app *inngestkit.App, after time.Duration, fixed bool) server
	// status is the status of a call whose function takes longer and ignores its context, 0
	// without a response. One that does not ignore it always fails.
	status int
	log    string
	// other is the status of the slow /other if fixed, 0 without a response.
	other int
}

// slowly is a handler that takes as long as a slow call, or until its context ends.
func slowly(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(slow):
		return true
	}
}

func slowOther(w http.ResponseWriter, r *http.Request) {
	if !slowly(r.Context()) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	other(w, r)
}

// withDeadline is the timeout middleware of chi, and of others for Gin and net/http.
func withDeadline(after time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), after)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

func netTimeout(around func(after time.Duration) func(http.Handler) http.Handler) func(*inngestkit.App, time.Duration, bool) server {
	return func(app *inngestkit.App, after time.Duration, fixed bool) server {
		mux, outer := http.NewServeMux(), http.NewServeMux()
		mux.HandleFunc("/other", slowOther)
		outer.Handle("/", around(after)(mux))
		if fixed {
			inngesthttp.Mount(outer, app)
		} else {
			inngesthttp.Mount(mux, app)
		}
		return serverOf(outer)
	}
}

// bareWriter is the writer of a middleware that does not give access to the one it wraps.
type bareWriter struct{ http.ResponseWriter }

func writeTimeout(app *inngestkit.App, after time.Duration, fixed bool) server {
	site := http.NewServeMux()
	site.HandleFunc("/other", slowOther)
	mux := http.NewServeMux()
	if fixed {
		inngesthttp.Mount(mux, app)
	} else {
		inngesthttp.Mount(site, app)
	}
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { site.ServeHTTP(bareWriter{w}, r) }))
	s := serverOf(mux)
	s.WriteTimeout = after
	return s
}

func ginTimeout(app *inngestkit.App, after time.Duration, fixed bool) server {
	r := gin.New()
	if fixed {
		inngestgin.Mount(r, app)
	}
	r.Use(func(c *gin.Context) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), after)
		defer cancel()
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	})
	if !fixed {
		inngestgin.Mount(r, app)
	}
	r.POST("/other", func(c *gin.Context) { slowOther(c.Writer, c.Request) })
	return serverOf(r)
}

func echoTimeout(guard func(after time.Duration, skip middleware.Skipper) echo.MiddlewareFunc) func(*inngestkit.App, time.Duration, bool) server {
	return func(app *inngestkit.App, after time.Duration, fixed bool) server {
		e := echo.New()
		e.Use(guard(after, func(c echo.Context) bool { return fixed && c.Path() == app.Path() }))
		inngestecho.Mount(e, app)
		e.POST("/other", func(c echo.Context) error {
			if !slowly(c.Request().Context()) {
				return c.Request().Context().Err()
			}
			return c.String(http.StatusOK, "other")
		})
		return serverOf(e)
	}
}

func echoV5Timeout(app *inngestkit.App, after time.Duration, fixed bool) server {
	e := echov5.New()
	e.Use(middlewarev5.ContextTimeoutWithConfig(middlewarev5.ContextTimeoutConfig{
		Timeout: after, Skipper: func(c *echov5.Context) bool { return fixed && c.Path() == app.Path() },
	}))
	inngestechov5.Mount(e, app)
	e.POST("/other", func(c *echov5.Context) error {
		if !slowly(c.Request().Context()) {
			return c.Request().Context().Err()
		}
		return c.String(http.StatusOK, "other")
	})
	return serverOf(e)
}

func fiberTimeout(app *inngestkit.App, after time.Duration, fixed bool) server {
	f := newFiber(streaming)
	if fixed {
		inngestfiber.Mount(f, app)
	} else {
		f.All(app.Path(), fibertimeout.NewWithContext(inngestfiber.Handler(app), after))
		app.MountedAt("fiber", app.Path())
	}
	f.All("/other", fibertimeout.NewWithContext(func(c *fiber.Ctx) error {
		if !slowly(c.UserContext()) {
			return c.UserContext().Err()
		}
		return c.SendString("other")
	}, after))
	return f
}

// fiberV3Timeout wraps single handlers, like fiberTimeout, and responds itself.
func fiberV3Timeout(app *inngestkit.App, after time.Duration, fixed bool) server {
	f := newFiberV3(streamingV3)
	limit := func(h fiberv3.Handler) fiberv3.Handler {
		return fiberv3timeout.New(h, fiberv3timeout.Config{Timeout: after})
	}
	if fixed {
		inngestfiberv3.Mount(f, app)
	} else {
		f.All(app.Path(), limit(inngestfiberv3.Handler(app)))
		app.MountedAt("fiberv3", app.Path())
	}
	f.All("/other", limit(func(c fiberv3.Ctx) error {
		if !slowly(c.Context()) {
			return c.Context().Err()
		}
		return c.SendString("other")
	}))
	return f
}

const deadlineLog = "a timeout ends calls, so a step that takes longer fails and is retried"

var timeouts = []timeout{
	{"http.TimeoutHandler", netTimeout(func(after time.Duration) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler { return http.TimeoutHandler(next, after, "") }
	}), 503, deadlineLog, 503},
	{"net/http, a deadline", netTimeout(withDeadline), 500, deadlineLog, 503},
	{"http.Server.WriteTimeout, a writer without Unwrap", writeTimeout, 0, "WriteTimeout of the http.Server cuts responses off", 0},
	{"gin, a deadline", ginTimeout, 500, deadlineLog, 503},
	{"echo, Timeout", echoTimeout(func(after time.Duration, skip middleware.Skipper) echo.MiddlewareFunc {
		//nolint:staticcheck // deprecated, and in use
		return middleware.TimeoutWithConfig(middleware.TimeoutConfig{Skipper: skip, Timeout: after})
	}), 503, deadlineLog, 503},
	{"echo, ContextTimeout", echoTimeout(func(after time.Duration, skip middleware.Skipper) echo.MiddlewareFunc {
		return middleware.ContextTimeoutWithConfig(middleware.ContextTimeoutConfig{Skipper: skip, Timeout: after})
	}), 500, deadlineLog, 503},
	{"echov5, ContextTimeout", echoV5Timeout, 500, deadlineLog, 503},
	{"fiber, timeout.NewWithContext", fiberTimeout, 500, deadlineLog, 408},
	{"fiberv3, timeout", fiberV3Timeout, 408, deadlineLog, 408},
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	for _, tc := range timeouts {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			t.Run("short calls pass", func(t *testing.T) {
				t.Parallel()
				s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server { return tc.build(app, time.Hour, false) })
				s.callSucceeds(t, 0)
				require.Contains(t, s.log.String(), tc.log)
				require.Contains(t, s.log.String(), "timeout=1h0m0s")
				require.NoError(t, s.app.CheckEndpoint(t.Context()), "CheckEndpoint makes no long calls")
			})
			t.Run("long calls fail", func(t *testing.T) {
				t.Parallel()
				build := func(app *inngestkit.App) server { return tc.build(app, short, false) }
				status, _, _ := run(t, inngestkit.Config{}, build).call(t, "deaf", 0)
				require.Equal(t, tc.status, status)
				status, _, _ = run(t, inngestkit.Config{}, build).call(t, "slow", 0)
				if tc.status != 0 {
					require.GreaterOrEqual(t, status, http.StatusBadRequest)
				} else {
					require.Zero(t, status)
				}
			})
			t.Run("with the fix", func(t *testing.T) {
				t.Parallel()
				s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server { return tc.build(app, short, true) })
				status, sdk, body := s.call(t, "slow", 0)
				require.Equal(t, http.StatusOK, status, body)
				require.True(t, sdk)
				status, _, _ = s.request(t, http.MethodPost, "/other", "", nil)
				require.Equal(t, tc.other, status)
			})
		})
	}
}

func withWriteTimeout(handler http.Handler) server {
	s := serverOf(handler)
	s.WriteTimeout = short
	return s
}

// Timeouts for reading and idle connections do not affect calls, and neither do those for
// writing, which begin with the response.
func TestHarmlessTimeouts(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(app *inngestkit.App) server{
		"http.Server.ReadTimeout": func(app *inngestkit.App) server {
			mux := http.NewServeMux()
			inngesthttp.Mount(mux, app)
			s := serverOf(mux)
			s.ReadTimeout, s.ReadHeaderTimeout, s.IdleTimeout = short, short, short
			return s
		},
		"http.Server.WriteTimeout": func(app *inngestkit.App) server {
			mux := http.NewServeMux()
			inngesthttp.Mount(mux, app)
			return withWriteTimeout(mux)
		},
		"http.Server.WriteTimeout, Gin": func(app *inngestkit.App) server {
			r := gin.New()
			inngestgin.Mount(r, app)
			return withWriteTimeout(r)
		},
		"http.Server.WriteTimeout, Echo": func(app *inngestkit.App) server {
			e := echo.New()
			e.Use(middleware.Gzip()) // its writer has an Unwrap
			inngestecho.Mount(e, app)
			return withWriteTimeout(e)
		},
		"http.Server.WriteTimeout, Echo v5": func(app *inngestkit.App) server {
			e := echov5.New()
			e.Use(middlewarev5.Gzip()) // its writer has an Unwrap
			inngestechov5.Mount(e, app)
			return withWriteTimeout(e)
		},
		"fiber": func(app *inngestkit.App) server {
			f := newFiber(fiber.Config{StreamRequestBody: true, ReadTimeout: short, WriteTimeout: short, IdleTimeout: short})
			inngestfiber.Mount(f, app)
			return f
		},
		"fiberv3": func(app *inngestkit.App) server {
			f := newFiberV3(fiberv3.Config{StreamRequestBody: true, ReadTimeout: short, WriteTimeout: short, IdleTimeout: short})
			inngestfiberv3.Mount(f, app)
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, build)
			status, sdk, body := s.call(t, "slow", 0)
			require.Equal(t, http.StatusOK, status, body)
			require.True(t, sdk)
			require.Empty(t, s.log.String())
		})
	}
}
