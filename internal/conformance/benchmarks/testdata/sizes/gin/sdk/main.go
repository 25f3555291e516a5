// Package main serves a function with Gin and the SDK mounted by hand.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/step"
)

func main() {
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "greet"}, inngestgo.EventTrigger("hello", nil),
		func(ctx context.Context, _ inngestgo.Input[map[string]any]) (any, error) {
			return step.Run(ctx, "greet", func(context.Context) (string, error) { return "hello", nil })
		})
	if err != nil {
		log.Fatal(err)
	}
	r := gin.New()
	r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	r.Any("/api/inngest", gin.WrapH(client.Serve()))
	log.Fatal(r.Run(":8080"))
}
