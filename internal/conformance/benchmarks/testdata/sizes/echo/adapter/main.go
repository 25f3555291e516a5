// Package main serves a function with Echo v4 and our adapter.
package main

import (
	"log"
	"net/http"

	"github.com/labstack/echo/v4"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/ours"
)

func main() {
	r := echo.New()
	r.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	inngestecho.Mount(r, ours.NewApp())
	log.Fatal(r.Start(":8080"))
}
