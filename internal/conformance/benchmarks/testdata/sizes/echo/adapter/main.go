// Package main serves a function with Echo v4 and our adapter.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/labstack/echo/v4"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

func main() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	err = app.Register(inngestkit.OnEvent("greet", inngestkit.DefineEvent[map[string]any]("hello"),
		func(ctx context.Context, _ inngestkit.Input[map[string]any]) (string, error) {
			return step.Run(ctx, "greet", func(context.Context) (string, error) { return "hello", nil })
		}))
	if err != nil {
		log.Fatal(err)
	}
	r := echo.New()
	r.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	inngestecho.Mount(r, app)
	log.Fatal(r.Start(":8080"))
}
