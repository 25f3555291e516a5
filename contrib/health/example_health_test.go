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

// newApp is an app with a function.
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

// mount is the Mount of an adapter.
func mount(mux *http.ServeMux, app *inngestkit.App) {
	for _, route := range app.Routes() {
		mux.Handle(route.Path, adapter.HTTPHandler("example", route.Do))
	}
	app.MountedAt("example", app.Path())
}

// show prints the answer to a GET.
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

// What one would tell Install in production.
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

// By default everybody gets the details who asks for them, in dev mode.
func ExampleWithDetails() {
	app := newApp()
	health, err := inngesthealth.Install(app, inngesthealth.WithDetails(inngesthealth.DetailsNever))
	if err != nil {
		panic(err)
	}
	show(health.Handler(), "/health/inngest?details=true")
	// Output: 200 {"status":"ok","info":{"inngest":{"status":"up","functions":1,"lastSync":null}}}
}

// The program's own database, in the report and in the readiness.
func ExampleWithChecks() {
	app := newApp()
	ping := func(context.Context) error { return nil } // (*sql.DB).PingContext, for one
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

// Whether the Inngest server answers, and whether it has been told of the functions,
// counts only where that is asked for.
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

// A function that watches the others. From finds what Install has returned.
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

// The readiness goes off first, so that load balancers send nothing new, and calls end
// normally.
func ExampleHealth_Drain() {
	app := newApp()
	health, err := inngesthealth.Install(app)
	if err != nil {
		panic(err)
	}
	health.Drain() // on SIGTERM
	show(health.ReadyHandler(), "/readyz")
	// … as long as the load balancer takes, and then
	_ = app.Shutdown(context.Background())
	show(health.LiveHandler(), "/livez")
	// Output:
	// 503 {"status":"shutting_down","info":{},"error":{"inngest":{"status":"down","message":"the app is shutting down","functions":1,"lastSync":null}}}
	// 200 {"status":"ok","info":{}}
}

// Probes of a framework's own middleware: with Fiber's healthcheck the type in brackets
// is *fiber.Ctx.
func ExampleProbe() {
	health, err := inngesthealth.Install(newApp())
	if err != nil {
		panic(err)
	}
	ready := inngesthealth.Probe[*http.Request](health.Ready)
	fmt.Println(ready(nil))
	// Output: true
}

// Metrics as Go values.
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

// Details for those whom the program knows.
func ExampleWithAuthorization() {
	health, err := inngesthealth.Install(newApp(), inngesthealth.WithAuthorization(
		func(ctx context.Context, _ *adapter.Request) bool { return ctx.Value("role") == "admin" }))
	if err != nil {
		panic(err)
	}
	show(health.Handler(), "/health/inngest?details=true")
	// Output: 403 {"message":"access to the details is denied; remove details from the query"}
}

// Health on a port of its own.
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
