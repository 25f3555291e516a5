// Package main serves a function with Gin and our adapter.
package main

import (
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/ours"
)

func main() {
	r := gin.New()
	r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	inngestgin.Mount(r, ours.NewApp())
	log.Fatal(r.Run(":8080"))
}
