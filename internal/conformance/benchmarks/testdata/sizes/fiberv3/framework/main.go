// Package main serves a greeting with Fiber v3.
package main

import (
	"log"

	"github.com/gofiber/fiber/v3"
)

func main() {
	r := fiber.New()
	r.Get("/", func(c fiber.Ctx) error { return c.SendString("hello") })
	log.Fatal(r.Listen(":8080"))
}
