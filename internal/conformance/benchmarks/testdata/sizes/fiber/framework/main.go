// Package main serves a greeting with Fiber v2.
package main

import (
	"log"

	"github.com/gofiber/fiber/v2"
)

func main() {
	r := fiber.New()
	r.Get("/", func(c *fiber.Ctx) error { return c.SendString("hello") })
	log.Fatal(r.Listen(":8080"))
}
