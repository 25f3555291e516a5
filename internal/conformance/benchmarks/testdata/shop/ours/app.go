// Package ours makes the app that the programs with our adapters serve.
package ours

import (
	"context"
	"log"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// NewApp returns an app with a function of one step.
func NewApp() *inngestkit.App {
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
	return app
}
