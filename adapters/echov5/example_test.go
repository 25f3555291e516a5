package inngestechov5_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v5"

	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

type OrderPlaced struct {
	OrderID string `json:"orderId"`
}

var orderPlaced = inngestkit.DefineEvent[OrderPlaced]("order.placed")

func ship(_ context.Context, in inngestkit.Input[OrderPlaced]) (string, error) {
	return "shipped " + in.Event.Data.OrderID, nil
}

// The app is mounted on a group. App.Start announces the full path.
func Example() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := app.Register(inngestkit.OnEvent("ship-order", orderPlaced, ship)); err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	inngestechov5.Mount(e.Group("/v1"), app) // at /v1/api/inngest

	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/api/inngest", nil))
	fmt.Println(w.Code, app.FunctionIDs())
	// Output: 200 [ship-order]
}

// Handlers return an error of Send. Echo's error handler responds with its status.
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

	e := echo.New()
	respond := echo.DefaultHTTPErrorHandler(false) // true would show clients the cause
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		if cause, ok := errors.AsType[*inngestkit.SendError](err); ok {
			fmt.Println("log: Inngest responded with", cause.Status)
		}
		respond(c, err)
	}
	e.Use(inngestechov5.Middleware(app))
	e.POST("/orders", func(c *echo.Context) error {
		ids, err := inngestechov5.Send(c, orderPlaced.New(OrderPlaced{OrderID: "o1"}))
		if err != nil {
			return err
		}
		return c.JSON(http.StatusAccepted, map[string]any{"events": ids})
	})

	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/orders", nil))
	fmt.Print("client: ", w.Code, " ", w.Body)
	// Output:
	// log: Inngest responded with 503
	// client: 503 {"message":"Service Unavailable"}
}
