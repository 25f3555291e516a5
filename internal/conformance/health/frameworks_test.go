package health

import (
	"context"
	"net/http"
	"testing"

	"github.com/akrylysov/algnhsa"
	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/healthcheck"
	fiberv3 "github.com/gofiber/fiber/v3"
	healthcheckv3 "github.com/gofiber/fiber/v3/middleware/healthcheck"
	"github.com/labstack/echo/v4"
	echov5 "github.com/labstack/echo/v5"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A framework serves an app on the server that its users have. Middleware stores a header
// under key, by the framework's own means. The probes are also at livePath and readyPath,
// through what the framework has for foreign handlers.
type framework struct {
	name   string
	prefix string
	key    any
	serve  func(app *inngestkit.App, health *inngesthealth.Health) testsite.Server
}

const (
	tenantHeader = "Tenant"
	tenant       = "tenant" // the key in frameworks with a store of their own

	// Below the prefix of the framework.
	livePath, readyPath, reportPath = "/own/livez", "/own/readyz", "/own/health"
)

// tenantKey is the key for net/http.
type tenantKey struct{}

var (
	onNetHTTP = framework{"nethttp", "", tenantKey{}, serveNetHTTP}

	frameworks = []framework{
		onNetHTTP,
		{"gin group", "/v1/internal", tenant, serveGin},
		{"echo group", "/v1/internal", tenant, serveEcho},
		{"echov5 group", "/v1/internal", tenant, serveEchoV5},
		{"fiber sub-app", "/v1/internal", tenant, serveFiber},
		{"fiberv3 sub-app", "/v1/internal", tenant, serveFiberV3},
		{"lambda", "", tenantKey{}, serveLambda},
	}
)

func serveNetHTTP(app *inngestkit.App, health *inngesthealth.Health) testsite.Server {
	mux := ownRoutes(health)
	inngesthttp.Mount(mux, app)
	return testsite.HTTP(withTenant(mux))
}

// ownRoutes returns a mux with the handlers of the health module in a sub-router, as chi's Mount
// makes one.
func ownRoutes(health *inngesthealth.Health) *http.ServeMux {
	own := http.NewServeMux()
	own.Handle("/livez", health.LiveHandler())
	own.Handle("/readyz", health.ReadyHandler())
	own.Handle("/health", health.Handler())
	mux := http.NewServeMux()
	mux.Handle("/own/", http.StripPrefix("/own", own))
	return mux
}

// withTenant stores the header in the context.
func withTenant(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tenantKey{}, r.Header.Get(tenantHeader))))
	})
}

func serveLambda(app *inngestkit.App, health *inngesthealth.Health) testsite.Server {
	// Options of its own: without, handlers share a variable, which New writes to.
	router := &inngestlambda.Router{HTTP: algnhsa.New(ownRoutes(health), &algnhsa.Options{})}
	inngestlambda.Mount(router, app)
	return testsite.HTTP(withTenant(&lambdatest.Gateway{Kind: lambdatest.FunctionURL, Handler: router}))
}

func serveGin(app *inngestkit.App, health *inngesthealth.Health) testsite.Server {
	gin.SetMode(gin.TestMode)
	r := gin.New()
	r.Use(func(c *gin.Context) { c.Set(tenant, c.GetHeader(tenantHeader)) })
	group := r.Group("/v1").Group("/internal")
	inngestgin.Mount(group, app)
	group.Any(livePath, gin.WrapH(health.LiveHandler()))
	group.Any(readyPath, gin.WrapH(health.ReadyHandler()))
	group.Any(reportPath, gin.WrapH(health.Handler()))
	return testsite.HTTP(r)
}

func serveEcho(app *inngestkit.App, health *inngesthealth.Health) testsite.Server {
	e := testsite.NewEcho()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set(tenant, c.Request().Header.Get(tenantHeader))
			return next(c)
		}
	})
	group := e.Group("/v1").Group("/internal")
	inngestecho.Mount(group, app)
	group.Any(livePath, echo.WrapHandler(health.LiveHandler()))
	group.Any(readyPath, echo.WrapHandler(health.ReadyHandler()))
	group.Any(reportPath, echo.WrapHandler(health.Handler()))
	return testsite.Echo{Echo: e}
}

func serveEchoV5(app *inngestkit.App, health *inngesthealth.Health) testsite.Server {
	e := echov5.New()
	e.Use(func(next echov5.HandlerFunc) echov5.HandlerFunc {
		return func(c *echov5.Context) error {
			c.Set(tenant, c.Request().Header.Get(tenantHeader))
			return next(c)
		}
	})
	group := e.Group("/v1").Group("/internal")
	inngestechov5.Mount(group, app)
	group.Any(livePath, echov5.WrapHandler(health.LiveHandler()))
	group.Any(readyPath, echov5.WrapHandler(health.ReadyHandler()))
	group.Any(reportPath, echov5.WrapHandler(health.Handler()))
	return testsite.EchoV5(e)
}

// serveFiber mounts the app on a group of a sub-app, and the probes in Fiber's middleware for
// them.
func serveFiber(app *inngestkit.App, health *inngesthealth.Health) testsite.Server {
	sub := fiber.New()
	sub.Use(func(c *fiber.Ctx) error {
		c.Locals(tenant, c.Get(tenantHeader))
		return c.Next()
	})
	inngestfiber.Mount(sub.Group("/internal"), app)
	root := testsite.NewFiber()
	root.Use(healthcheck.New(healthcheck.Config{
		LivenessEndpoint:  "/v1/internal" + livePath,
		LivenessProbe:     inngesthealth.Probe[*fiber.Ctx](health.Live),
		ReadinessEndpoint: "/v1/internal" + readyPath,
		ReadinessProbe:    inngesthealth.Probe[*fiber.Ctx](health.Ready),
	}))
	root.Mount("/v1", sub)
	return testsite.Fiber{App: root}
}

// serveFiberV3 is serveFiber for Fiber v3, which also accepts the handler of the report.
func serveFiberV3(app *inngestkit.App, health *inngesthealth.Health) testsite.Server {
	sub := fiberv3.New()
	sub.Use(func(c fiberv3.Ctx) error {
		c.Locals(tenant, c.Get(tenantHeader))
		return c.Next()
	})
	inngestfiberv3.Mount(sub.Group("/internal"), app)
	root := testsite.NewFiberV3()
	own := root.Group("/v1/internal")
	own.Get(livePath, healthcheckv3.New(healthcheckv3.Config{Probe: inngesthealth.Probe[fiberv3.Ctx](health.Live)}))
	own.Get(readyPath, healthcheckv3.New(healthcheckv3.Config{Probe: inngesthealth.Probe[fiberv3.Ctx](health.Ready)}))
	own.All(reportPath, health.Handler())
	root.Use("/v1", sub)
	return testsite.FiberV3{App: root}
}

// eachFramework runs test once for each framework.
func eachFramework(t *testing.T, test func(t *testing.T, with framework)) {
	t.Helper()
	for _, with := range frameworks {
		t.Run(with.name, func(t *testing.T) {
			t.Parallel()
			test(t, with)
		})
	}
}
