// Package main serves a function with Fiber v3 and the SDK mounted by hand.
package main

import (
	"context"
	"log"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/step"
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
	r := fiber.New()
	r.Get("/", func(c fiber.Ctx) error { return c.SendString("hello") })
	r.All("/api/inngest", adaptor.HTTPHandler(client.Serve()))
	log.Fatal(r.Listen(":8080"))
}
