// Package main serves a function with net/http and our adapter.
package main

import (
	"context"
	"log"
	"net/http"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
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
	r := http.NewServeMux()
	r.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	inngesthttp.Mount(r, app)
	log.Fatal(http.ListenAndServe(":8080", r))
}
