package inngestkit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// A plugin gets an endpoint in every framework: adapters mount it with the app.
func ExampleApp_AddRoutes() {
	app := newExampleApp()
	err := app.AddRoutes(adapter.Route{
		Path: "/api/functions",
		Do: func(context.Context, *adapter.Request) *adapter.Response {
			return &adapter.Response{
				Status: http.StatusOK,
				Header: http.Header{"Content-Type": {"text/plain"}},
				Body:   fmt.Append(nil, len(app.FunctionIDs()), " functions"),
			}
		},
	})
	if err != nil {
		panic(err)
	}

	mux := http.NewServeMux()
	for _, route := range app.Routes() { // which the adapters' Mount does
		mux.Handle(route.Path, adapter.HTTPHandler("my framework", route.Do))
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/functions", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 0 functions
}

// The background work of a plugin ends with the app.
func ExampleApp_Go() {
	app := newExampleApp()
	work := make(chan string)
	err := app.Go(func(ctx context.Context) {
		for {
			select {
			case <-ctx.Done():
				fmt.Println("finished")
				return
			case job := <-work:
				fmt.Println(job)
			}
		}
	})
	if err != nil {
		panic(err)
	}
	work <- "measured"
	if err := app.Shutdown(context.Background()); err != nil { // waits for the plugin
		panic(err)
	}
	fmt.Println(app.Go(func(context.Context) {}))
	// Output:
	// measured
	// finished
	// inngestkit: go: the app is shut down
}

// A readiness probe can report that the app drains, so that the load balancer removes it.
func ExampleApp_Draining() {
	app := newExampleApp()
	ready := func() bool {
		select {
		case <-app.Draining():
			return false
		default:
			return true
		}
	}
	fmt.Println(ready())
	if err := app.Shutdown(context.Background()); err != nil {
		panic(err)
	}
	fmt.Println(ready())
	// Output:
	// true
	// false
}

// A program can check that the server is up before it starts.
func ExampleApp_Ping() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway) // a proxy whose server is gone
	}))
	defer server.Close()

	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, BaseURL: server.URL})
	if err != nil {
		panic(err)
	}
	defer func() { _ = app.Shutdown(context.Background()) }()
	err = app.Ping(context.Background())
	fmt.Println(strings.ReplaceAll(err.Error(), server.URL, "https://inngest.example.com"))
	// Output: inngestkit: ping https://inngest.example.com: it responded with 502 Bad Gateway
}

// An app that is served over HTTP has no connection.
func ExampleApp_Connection() {
	app := newExampleApp()
	fmt.Println(app.Connection())
	// Output: unused
}
