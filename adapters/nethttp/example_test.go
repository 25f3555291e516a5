package inngesthttp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

func Example() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = app.Register(inngestkit.OnCron("daily-report", "0 9 * * *",
		func(context.Context, inngestkit.CronInput) (string, error) { return "done", nil }))
	if err != nil {
		fmt.Println(err)
		return
	}

	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app) // /api/inngest

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	fmt.Println(w.Code, app.FunctionIDs())
	// Output: 200 [daily-report]
}

// The Handle of gorilla/mux returns a route.
type gorillaRouter struct{ *http.ServeMux }

func (r gorillaRouter) Handle(pattern string, handler http.Handler) any {
	r.ServeMux.Handle(pattern, handler)
	return nil
}

func ExampleRouterFunc() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	router := gorillaRouter{http.NewServeMux()}
	inngesthttp.Mount(inngesthttp.RouterFunc(func(pattern string, handler http.Handler) {
		router.Handle(pattern, handler)
	}), app)

	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	fmt.Println(w.Code)
	// Output: 200
}
