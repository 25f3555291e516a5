// Package main serves a greeting with Echo v4.
package main

import (
	"log"
	"net/http"

	"github.com/labstack/echo/v4"
)

func main() {
	r := echo.New()
	r.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	log.Fatal(r.Start(":8080"))
}
