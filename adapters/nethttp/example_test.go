package inngesthttp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

func Example() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	err = app.Register(inngestkit.OnCron("daily-report", "0 9 * * *",
		func(context.Context, inngestkit.CronInput) (string, error) { return "done", nil }))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app) // at /api/inngest

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	fmt.Println(w.Code, app.FunctionIDs())
	// Output: 200 [daily-report]
}

// Handlers log an error of Send and respond with its status.
func ExampleSend() {
	inngest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer inngest.Close()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, BaseURL: inngest.URL})
	if err != nil {
		log.Fatal(err)
	}

	paid := inngestkit.DefineEvent[struct{ ID string }]("invoice.paid")
	handler := inngesthttp.Middleware(app)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := inngesthttp.Send(r, paid.New(struct{ ID string }{"i1"}))
		if failed, ok := errors.AsType[*inngesthttp.Error](err); ok {
			if cause, ok := errors.AsType[*inngestkit.SendError](failed); ok {
				fmt.Println("log: Inngest responded with", cause.Status)
			}
			http.Error(w, http.StatusText(failed.Status), failed.Status)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}))

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/invoices/i1", nil))
	fmt.Print("client: ", w.Code, " ", w.Body)
	// Output:
	// log: Inngest responded with 503
	// client: 503 Service Unavailable
}

// gorillaRouter stands in for a *mux.Router of gorilla/mux, whose Handle has a result.
type gorillaRouter struct{ *http.ServeMux }

type gorillaRoute struct{}

func (r *gorillaRouter) Handle(path string, handler http.Handler) *gorillaRoute {
	r.ServeMux.Handle(path, handler)
	return &gorillaRoute{}
}

func ExampleGorilla() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	router := &gorillaRouter{http.NewServeMux()} // mux.NewRouter()
	inngesthttp.Mount(inngesthttp.Gorilla(router), app)

	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	fmt.Println(w.Code)
	// Output: 200
}

// httpRouter stands in for an *httprouter.Router.
type httpRouter struct{ *http.ServeMux }

func (r *httpRouter) Handler(method, path string, handler http.Handler) {
	r.Handle(method+" "+path, handler)
}

func ExampleHTTPRouter() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	router := &httpRouter{http.NewServeMux()} // httprouter.New()
	inngesthttp.Mount(inngesthttp.HTTPRouter(router), app)

	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	fmt.Println(w.Code)
	// Output: 200
}

func ExampleRouterFunc() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, ServePath: "/v1/api/inngest"})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	inngesthttp.Mount(inngesthttp.RouterFunc(func(path string, handler http.Handler) {
		mux.Handle("/v1"+path, handler)
	}), app)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/api/inngest", nil))
	fmt.Println(w.Code)
	// Output: 200
}
