package inngestkit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// An adapter for a framework on net/http mounts the routes and records where.
func ExampleHTTPHandler() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated, (&Users{}).hello, inngestkit.Name("Welcome a user")))
	mux := http.NewServeMux()
	for _, route := range app.Routes() {
		mux.Handle(route.Path, adapter.HTTPHandler("my-framework", route.Do))
	}
	app.MountedAt("my-framework", app.Path())

	w := httptest.NewRecorder()
	body := strings.NewReader(`{"event":{"name":"user.created","data":{"userId":"u1"}},"ctx":{"run_id":"run-1"}}`)
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/inngest?fnId=shop-welcome&stepId=step", body))
	fmt.Println(w.Code, w.Header().Get("X-Inngest-Framework"), w.Body)
	// Output: 200 my-framework "hello u1"
}

// The middleware of an adapter adds the app to the context of requests.
func ExampleNewContext() {
	app := newExampleApp()
	ctx := inngestkit.NewContext(context.Background(), app)
	fmt.Println(inngestkit.FromContext(ctx).ID())
	// Output: shop
}

// Middleware can decrypt the data of events.
func ExampleFunctionCall_SetEvents() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated, (&Users{}).hello))
	app.Use(inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				events, err := call.Events()
				if err != nil {
					return nil, err
				}
				for i := range events {
					var sealed struct {
						Sealed string `json:"sealed"`
					}
					if err := json.Unmarshal(events[i].Data, &sealed); err != nil {
						return nil, inngestkit.NoRetry(err)
					}
					events[i].Data = json.RawMessage(`{"userId":"` + sealed.Sealed + `, opened"}`)
				}
				if err := call.SetEvents(events); err != nil {
					return nil, err
				}
				return next(ctx, call)
			}
		},
	})
	serverCalls(app, "welcome", `{"sealed":"u1"}`)
	// Output: 200 "hello u1, opened"
}

// Middleware can alert only on the last attempt, and outside of replays.
func ExampleFunctionCall_LastAttempt() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated, (&Users{}).hello))
	app.Use(inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				fmt.Println("begins:", !call.Replaying(), "last attempt:", call.LastAttempt())
				return next(ctx, call)
			}
		},
	})
	serverCalls(app, "welcome", `{"userId":"u1"}`)
	// Output:
	// begins: true last attempt: false
	// 200 "hello u1"
}
