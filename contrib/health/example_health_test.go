package inngesthealth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

var orderPlaced = inngestkit.DefineEvent[map[string]any]("order.placed")

// newApp returns an app with a function.
func newApp() *inngestkit.App {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		panic(err)
	}
	err = app.Register(inngestkit.OnEvent("process-order", orderPlaced,
		func(context.Context, inngestkit.Input[map[string]any]) (any, error) { return "done", nil }))
	if err != nil {
		panic(err)
	}
	return app
}

// mount does what Mount of an adapter does.
func mount(mux *http.ServeMux, app *inngestkit.App) {
	for _, route := range app.Routes() {
		mux.Handle(route.Path, adapter.HTTPHandler("example", route.Do))
	}
	app.MountedAt("example", app.Path())
}

// show prints the response to a GET.
func show(handler http.Handler, target string) {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, http.NoBody))
	fmt.Println(w.Code, w.Body)
}

func Example() {
	app := newApp()
	if _, err := inngesthealth.Install(app); err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mount(mux, app) // inngestgin.Mount, inngestecho.Mount, …
	show(mux, "/health/inngest")
	show(mux, "/health/inngest/readyz")
	// Output:
	// 200 {"status":"ok","info":{"inngest":{"status":"up","functions":1,"lastSync":null}}}
	// 200 {"status":"ok","info":{"inngest":{"status":"up","functions":1,"lastSync":null}}}
}

// These are typical options for production.
func ExampleInstall() {
	app := newApp()
	health, err := inngesthealth.Install(app,
		inngesthealth.WithPath("/status"),
		inngesthealth.WithProbes("live", "ready"),
		inngesthealth.WithBasicAuth("ops", "a long password"),
		inngesthealth.WithMemoryThreshold(90),
		inngesthealth.WithFailureThreshold(0.2, 20, 15*time.Minute),
	)
	if err != nil {
		panic(err)
	}
	fmt.Println(health.Ready(), health.Live())
	show(health.Handler(), "/status?details=true")
	// Output:
	// <nil> <nil>
	// 401 {"message":"the details need a password; send it, or remove details from the query"}
}

// In dev mode, by default, everybody can request details. DetailsNever disables them.
func ExampleWithDetails() {
	app := newApp()
	health, err := inngesthealth.Install(app, inngesthealth.WithDetails(inngesthealth.DetailsNever))
	if err != nil {
		panic(err)
	}
	show(health.Handler(), "/health/inngest?details=true")
	// Output: 200 {"status":"ok","info":{"inngest":{"status":"up","functions":1,"lastSync":null}}}
}

// The database check affects readiness. The search check is only in the report.
func ExampleWithChecks() {
	app := newApp()
	ping := func(context.Context) error { return nil } // for example (*sql.DB).PingContext
	checked := make(chan struct{})
	health, err := inngesthealth.Install(app, inngesthealth.WithChecks(
		inngesthealth.Check{Name: "database", Run: ping, Timeout: 2 * time.Second},
		inngesthealth.Check{Name: "search", HealthOnly: true, Interval: time.Minute, Run: func(context.Context) error {
			defer close(checked)
			return inngesthealth.Public(errors.New("the index is being built"))
		}},
	))
	if err != nil {
		panic(err)
	}
	<-checked
	for health.Ready() != nil || health.Report().Error["search"].AgeSeconds == nil {
		time.Sleep(time.Millisecond) // until both have a result
	}
	fmt.Println(health.Report().Status, health.Report().Error["search"].Message)
	_ = app.Shutdown(context.Background())
	// Output: error the index is being built
}

// With these options, the report also requires that the Inngest server responds and that
// the app is synced.
func ExampleWithServerCheck() {
	app := newApp()
	health, err := inngesthealth.Install(app, inngesthealth.WithServerCheck(), inngesthealth.WithSyncRequired())
	if err != nil {
		panic(err)
	}
	fmt.Println(health.Report().Error[inngesthealth.InngestIndicator].Message)
	_ = app.Shutdown(context.Background())
	// Output: the app is not synced yet
}

// A function can watch the others. From returns the Health that Install has returned.
func ExampleFrom() {
	watch := inngestkit.OnCron("watch", "*/5 * * * *", func(ctx context.Context, _ inngestkit.CronInput) ([]string, error) {
		return step.Run(ctx, "find-failing-functions", func(ctx context.Context) ([]string, error) {
			health := inngesthealth.From(inngestkit.FromContext(ctx)) // nil without Install
			var failing []string
			for _, f := range health.Functions() {
				if f.Status == inngesthealth.Unhealthy || f.Durations.P95 > time.Minute {
					failing = append(failing, f.ID)
				}
			}
			return failing, nil
		})
	})
	fmt.Println(watch.ID())
	// Output: watch
}

// Drain makes the app unready first. Load balancers then send no new calls, and running
// calls end normally.
func ExampleHealth_Drain() {
	app := newApp()
	health, err := inngesthealth.Install(app)
	if err != nil {
		panic(err)
	}
	health.Drain() // on SIGTERM
	show(health.ReadyHandler(), "/readyz")
	// … wait until the load balancer has noticed, and then
	_ = app.Shutdown(context.Background())
	show(health.LiveHandler(), "/livez")
	// Output:
	// 503 {"status":"shutting_down","info":{},"error":{"inngest":{"status":"down","message":"the app is shutting down","functions":1,"lastSync":null}}}
	// 200 {"status":"ok","info":{}}
}

// Probe adapts Ready to a framework's own middleware. For Fiber's healthcheck, the type
// argument is *fiber.Ctx.
func ExampleProbe() {
	health, err := inngesthealth.Install(newApp())
	if err != nil {
		panic(err)
	}
	ready := inngesthealth.Probe[*http.Request](health.Ready)
	fmt.Println(ready(nil))
	// Output: true
}

// Metrics are available as Go values.
func ExampleHealth_Functions() {
	health, err := inngesthealth.Install(newApp())
	if err != nil {
		panic(err)
	}
	for _, f := range health.Functions() {
		fmt.Println(f.ID, f.Status, f.Executions, f.Failures, f.Durations.P95)
	}
	fmt.Println(health.System().Goroutines > 0)
	// Output:
	// process-order healthy 0 0 0s
	// true
}

// Only requests that the program authorizes get details.
func ExampleWithAuthorization() {
	health, err := inngesthealth.Install(newApp(), inngesthealth.WithAuthorization(
		func(ctx context.Context, _ *adapter.Request) bool { return ctx.Value("role") == "admin" }))
	if err != nil {
		panic(err)
	}
	show(health.Handler(), "/health/inngest?details=true")
	// Output: 403 {"message":"access to the details is denied; remove details from the query"}
}

// The endpoints can be served on another port.
func ExampleWithoutRoutes() {
	health, err := inngesthealth.Install(newApp(), inngesthealth.WithoutRoutes(), inngesthealth.WithInterval(time.Minute))
	if err != nil {
		panic(err)
	}
	admin := http.NewServeMux()
	admin.Handle("/health", health.Handler())
	admin.Handle("/livez", health.LiveHandler())
	admin.Handle("/readyz", health.ReadyHandler())
	show(admin, "/readyz")
	// Output: 200 {"status":"ok","info":{"inngest":{"status":"up","functions":1,"lastSync":null}}}
}
