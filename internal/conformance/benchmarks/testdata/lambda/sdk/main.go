// Sdk is a Lambda function with an app of the bare SDK, behind a library that makes a Lambda
// handler of an http.Handler.
package main

import (
	"context"
	"log"

	"github.com/akrylysov/algnhsa"
	"github.com/inngest/inngestgo"
)

func main() {
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "app", Dev: inngestgo.BoolPtr(true)})
	if err != nil {
		log.Fatal(err)
	}
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "hello"}, inngestgo.EventTrigger("hello", nil),
		func(context.Context, inngestgo.Input[inngestgo.GenericEvent[struct{}]]) (any, error) {
			return "hello", nil
		})
	if err != nil {
		log.Fatal(err)
	}
	algnhsa.ListenAndServe(client.Serve(), nil)
}
