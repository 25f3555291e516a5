// Package main serves a function with Fiber v2 and our adapter.
package main

import (
	"log"

	"github.com/gofiber/fiber/v2"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/ours"
)

func main() {
	r := fiber.New()
	r.Get("/", func(c *fiber.Ctx) error { return c.SendString("hello") })
	inngestfiber.Mount(r, ours.NewApp())
	log.Fatal(r.Listen(":8080"))
}
