package inngestlambda_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// newExample returns an app with one function.
func newExample() *inngestkit.App {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	err = app.Register(inngestkit.OnCron("daily-report", "0 9 * * *",
		func(context.Context, inngestkit.CronInput) (string, error) { return "done", nil }))
	if err != nil {
		log.Fatal(err)
	}
	return app
}

func Example() {
	app := newExample()
	handler := inngestlambda.Handler(app) // for lambda.Start

	// On the local machine:
	gateway := &lambdatest.Gateway{Kind: lambdatest.HTTPAPI, Handler: handler}
	w := httptest.NewRecorder()
	gateway.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	fmt.Println(w.Code, app.FunctionIDs())
	// Output: 200 [daily-report]
}

// One Lambda function serves the app and reads a queue.
func ExampleRouter() {
	router := &inngestlambda.Router{Events: lambda.NewHandler(func(_ context.Context, event events.SQSEvent) error {
		for _, record := range event.Records {
			fmt.Println("message:", record.Body)
		}
		return nil
	})}
	inngestlambda.Mount(router, newExample())
	// lambda.Start(router)

	_, err := router.Invoke(context.Background(), []byte(`{"Records": [{"eventSource": "aws:sqs", "body": "hello"}]}`))
	fmt.Println(err)
	// Output:
	// message: hello
	// <nil>
}
