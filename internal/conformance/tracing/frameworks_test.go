package tracing

import (
	"io"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/contrib/otelfiber/v2"
	otelfiberv3 "github.com/gofiber/contrib/v3/otel"
	"github.com/gofiber/fiber/v2"
	fiberv3 "github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v4"
	echov5 "github.com/labstack/echo/v5"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/contrib/instrumentation/github.com/labstack/echo/otelecho"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A framework is an adapter and the instrumentation that its users have.
type framework struct {
	name string
	// serve serves the app, and POST /orders, which sends an order with the adapter's Send
	// and responds with the ID of the event.
	serve func(app *inngestkit.App, in instrumented) testsite.Server
}

// instrumented says where the spans of the framework's instrumentation go, and whether it is
// installed after the adapter's Middleware. Without a provider nothing is instrumented.
type instrumented struct {
	traces trace.TracerProvider
	after  bool
}

// w3c is what programs pass to otel.SetTextMapPropagator. Tests share a process, so here it is
// an option of all instrumentation.
var w3c = propagation.TraceContext{}

// chain returns the middleware of a framework, the outermost first.
func chain[M any](app M, in instrumented, instrumentation func(traces trace.TracerProvider) M) []M {
	switch {
	case in.traces == nil:
		return []M{app}
	case in.after:
		return []M{app, instrumentation(in.traces)}
	default:
		return []M{instrumentation(in.traces), app}
	}
}

var frameworks = []framework{
	{"nethttp", onNetHTTP}, {"gin", onGin}, {"echo", onEcho}, {"echov5", onEchoV5}, {"fiber", onFiber}, {"fiberv3", onFiberV3},
}

// anOrder returns the event that POST /orders sends.
func anOrder() inngestkit.AnyEvent { return placed.New(order{ID: "o1"}) }

func onNetHTTP(app *inngestkit.App, in instrumented) testsite.Server {
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app)
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		ids, err := inngesthttp.Send(r, anOrder())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, ids[0])
	})
	middleware := chain(inngesthttp.Middleware(app), in, func(traces trace.TracerProvider) func(http.Handler) http.Handler {
		return otelhttp.NewMiddleware("shop", otelhttp.WithTracerProvider(traces), otelhttp.WithPropagators(w3c))
	})
	var handler http.Handler = mux
	for _, m := range slices.Backward(middleware) {
		handler = m(handler)
	}
	return testsite.HTTP(handler)
}

func onGin(app *inngestkit.App, in instrumented) testsite.Server {
	gin.SetMode(gin.TestMode)
	r := gin.New()
	r.Use(chain(inngestgin.Middleware(app), in, func(traces trace.TracerProvider) gin.HandlerFunc {
		return otelgin.Middleware("shop", otelgin.WithTracerProvider(traces), otelgin.WithPropagators(w3c))
	})...)
	inngestgin.Mount(r, app)
	r.POST("/orders", func(c *gin.Context) {
		ids, err := inngestgin.Send(c, anOrder())
		if err != nil {
			_ = c.AbortWithError(http.StatusBadGateway, err)
			return
		}
		c.String(http.StatusOK, ids[0])
	})
	return testsite.HTTP(r)
}

func onEcho(app *inngestkit.App, in instrumented) testsite.Server {
	e := testsite.NewEcho()
	e.Use(chain(inngestecho.Middleware(app), in, func(traces trace.TracerProvider) echo.MiddlewareFunc {
		return otelecho.Middleware("shop", otelecho.WithTracerProvider(traces), otelecho.WithPropagators(w3c))
	})...)
	inngestecho.Mount(e, app)
	e.POST("/orders", func(c echo.Context) error {
		ids, err := inngestecho.Send(c, anOrder())
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, ids[0])
	})
	return testsite.Echo{Echo: e}
}

// onEchoV5 uses the instrumentation of net/http: otelecho is for Echo v4.
func onEchoV5(app *inngestkit.App, in instrumented) testsite.Server {
	e := echov5.New()
	e.Use(chain(inngestechov5.Middleware(app), in, func(traces trace.TracerProvider) echov5.MiddlewareFunc {
		return echov5.WrapMiddleware(otelhttp.NewMiddleware("shop", otelhttp.WithTracerProvider(traces), otelhttp.WithPropagators(w3c)))
	})...)
	inngestechov5.Mount(e, app)
	e.POST("/orders", func(c *echov5.Context) error {
		ids, err := inngestechov5.Send(c, anOrder())
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, ids[0])
	})
	return testsite.EchoV5(e)
}

func onFiber(app *inngestkit.App, in instrumented) testsite.Server {
	f := testsite.NewFiber()
	for _, m := range chain(inngestfiber.Middleware(app), in, func(traces trace.TracerProvider) fiber.Handler {
		return otelfiber.Middleware(otelfiber.WithTracerProvider(traces), otelfiber.WithPropagators(w3c))
	}) {
		f.Use(m)
	}
	inngestfiber.Mount(f, app)
	f.Post("/orders", func(c *fiber.Ctx) error {
		ids, err := inngestfiber.Send(c, anOrder())
		if err != nil {
			return err
		}
		return c.SendString(ids[0])
	})
	return testsite.Fiber{App: f}
}

func onFiberV3(app *inngestkit.App, in instrumented) testsite.Server {
	f := testsite.NewFiberV3()
	for _, m := range chain(inngestfiberv3.Middleware(app), in, func(traces trace.TracerProvider) fiberv3.Handler {
		return otelfiberv3.Middleware(otelfiberv3.WithTracerProvider(traces), otelfiberv3.WithPropagators(w3c))
	}) {
		f.Use(m)
	}
	inngestfiberv3.Mount(f, app)
	f.Post("/orders", func(c fiberv3.Ctx) error {
		ids, err := inngestfiberv3.Send(c, anOrder())
		if err != nil {
			return err
		}
		return c.SendString(ids[0])
	})
	return testsite.FiberV3{App: f}
}
