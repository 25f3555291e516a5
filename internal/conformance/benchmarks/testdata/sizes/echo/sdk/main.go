// Package main serves a function with Echo v4 and the SDK mounted by hand.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/step"
	"github.com/labstack/echo/v4"
)

func main() {
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "greet"}, inngestgo.EventTrigger("hello", nil),
		func(ctx context.Context, _ inngestgo.Input[map[string]any]) (any, error) {
			return step.Run(ctx, "greet", func(context.Context) (string, error) { return "hello", nil })
		})
	if err != nil {
		log.Fatal(err)
	}
	r := echo.New()
	r.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	r.Any("/api/inngest", echo.WrapHandler(client.Serve()))
	log.Fatal(r.Start(":8080"))
}
