// Package main serves a function with Echo v5 and our adapter.
package main

import (
	"log"
	"net/http"

	"github.com/labstack/echo/v5"

	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/ours"
)

func main() {
	r := echo.New()
	r.GET("/", func(c *echo.Context) error { return c.String(http.StatusOK, "hello") })
	inngestechov5.Mount(r, ours.NewApp())
	log.Fatal(r.Start(":8080"))
}
