// Package main serves a function with Fiber v2 and the SDK mounted by hand.
package main

import (
	"log"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"

	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/sdk"
)

func main() {
	r := fiber.New()
	r.Get("/", func(c *fiber.Ctx) error { return c.SendString("hello") })
	r.All("/api/inngest", adaptor.HTTPHandler(sdk.NewHandler()))
	log.Fatal(r.Listen(":8080"))
}
