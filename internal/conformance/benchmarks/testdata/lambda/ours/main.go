// Ours is a Lambda function with an inngestkit app.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

func main() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	err = app.Register(inngestkit.OnEvent("hello", inngestkit.DefineEvent[struct{}]("hello"),
		func(context.Context, inngestkit.Input[struct{}]) (string, error) { return "hello", nil }))
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(inngestlambda.Handler(app))
}
