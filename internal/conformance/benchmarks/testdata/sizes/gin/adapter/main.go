// Package main serves a function with Gin and our adapter.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

func main() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	err = app.Register(inngestkit.OnEvent("greet", inngestkit.DefineEvent[map[string]any]("hello"),
		func(ctx context.Context, _ inngestkit.Input[map[string]any]) (string, error) {
			return step.Run(ctx, "greet", func(context.Context) (string, error) { return "hello", nil })
		}))
	if err != nil {
		log.Fatal(err)
	}
	r := gin.New()
	r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	inngestgin.Mount(r, app)
	log.Fatal(r.Run(":8080"))
}
