package front

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/csrf"
	fiberv3 "github.com/gofiber/fiber/v3"
	csrfv3 "github.com/gofiber/fiber/v3/middleware/csrf"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	echov5 "github.com/labstack/echo/v5"
	middlewarev5 "github.com/labstack/echo/v5/middleware"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// In dev mode, Start reports obstacles by itself. The requests of its check make the app
// report the rest.
func TestStartWarns(t *testing.T) {
	t.Parallel()
	devServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	t.Cleanup(devServer.Close)
	const refused = `level=WARN msg="inngest: calls of the server will fail" error="POST http://127.0.0.1`
	for _, tc := range []struct {
		name  string
		build func(app *inngestkit.App, fixed bool) server
		want  []string
	}{
		{"net/http", behind(refusing(403, "", withoutToken)), []string{refused, "CSRF protection"}},
		{"net/http, a timeout", func(app *inngestkit.App, fixed bool) server {
			return netTimeout(withDeadline)(app, time.Hour, fixed)
		}, []string{deadlineLog}},
		{"gin", ginBehind(func() gin.HandlerFunc { return gin.BasicAuth(gin.Accounts{"me": "x"}) }), []string{refused, "authentication"}},
		{"echo", echoBehind(func(skip middleware.Skipper) echo.MiddlewareFunc {
			return middleware.BodyLimitWithConfig(middleware.BodyLimitConfig{Skipper: skip, Limit: "1M"})
		}), []string{refused, "to 4 MiB or more"}},
		{"echov5", echoV5Behind(func(skip middlewarev5.Skipper) echov5.MiddlewareFunc {
			return middlewarev5.BodyLimitWithConfig(middlewarev5.BodyLimitConfig{Skipper: skip, LimitBytes: 1 << 20})
		}), []string{refused, "to 4 MiB or more"}},
		{"fiber", fiberBehind(func() fiber.Handler { return csrf.New() }), []string{refused, "CSRF protection"}},
		{"fiberv3", fiberV3Behind(func() fiberv3.Handler { return csrfv3.New() }), []string{refused, "CSRF protection"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			config := inngestkit.Config{Dev: true, BaseURL: devServer.URL}
			s := run(t, config, func(app *inngestkit.App) server { return tc.build(app, false) })
			require.NoError(t, s.app.Start(t.Context()))
			for _, part := range tc.want {
				s.log.Await(t, part)
			}
		})
	}
}
