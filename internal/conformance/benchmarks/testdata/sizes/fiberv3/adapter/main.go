// Package main serves a function with Fiber v3 and our adapter.
package main

import (
	"log"

	"github.com/gofiber/fiber/v3"

	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/ours"
)

func main() {
	r := fiber.New()
	r.Get("/", func(c fiber.Ctx) error { return c.SendString("hello") })
	inngestfiberv3.Mount(r, ours.NewApp())
	log.Fatal(r.Listen(":8080"))
}
