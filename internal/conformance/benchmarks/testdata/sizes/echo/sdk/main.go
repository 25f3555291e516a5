// Package main serves a function with Echo v4 and the SDK mounted by hand.
package main

import (
	"log"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/sdk"
)

func main() {
	r := echo.New()
	r.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	r.Any("/api/inngest", echo.WrapHandler(sdk.NewHandler()))
	log.Fatal(r.Start(":8080"))
}
