// Package main serves a function with Fiber v3 and our adapter.
package main

import (
	"context"
	"log"

	"github.com/gofiber/fiber/v3"

	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
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
	r := fiber.New()
	r.Get("/", func(c fiber.Ctx) error { return c.SendString("hello") })
	inngestfiberv3.Mount(r, app)
	log.Fatal(r.Listen(":8080"))
}
