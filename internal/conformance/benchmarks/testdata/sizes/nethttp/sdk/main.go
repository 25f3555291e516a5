// Package main serves a function with net/http and the SDK mounted by hand.
package main

import (
	"context"
	"log"
	"net/http"

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
	r := http.NewServeMux()
	r.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	r.Handle("/api/inngest", client.Serve())
	log.Fatal(http.ListenAndServe(":8080", r))
}
