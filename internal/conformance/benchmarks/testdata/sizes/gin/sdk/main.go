// Package main serves a function with Gin and the SDK mounted by hand.
package main

import (
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/sdk"
)

func main() {
	r := gin.New()
	r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	r.Any("/api/inngest", gin.WrapH(sdk.NewHandler()))
	log.Fatal(r.Run(":8080"))
}
