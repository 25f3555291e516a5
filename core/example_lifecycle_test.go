package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strings"

	"github.com/inngest/inngestgo"
	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A program can announce its functions when it is deployed.
func ExampleApp_Sync() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true,"modified":true}`)
	}))
	defer server.Close()

	app, err := inngestkit.New(inngestkit.Config{
		AppID:      "shop",
		SigningKey: "signkey-prod-0123456789abcdef0123456789abcdef",
		BaseURL:    server.URL, // a self-hosted server; without it, Inngest Cloud
		ServeHost:  "https://shop.example.com",
	})
	if err != nil {
		panic(err)
	}
	defer func() { _ = app.Shutdown(context.Background()) }()
	if err := app.Register(inngestkit.OnEvent("hello", signedUp, hello)); err != nil {
		panic(err)
	}
	app.MountedAt("my framework", "/api/inngest") // which the adapters' Mount does
	if err := app.Sync(context.Background()); err != nil {
		panic(err)
	}
	if err := app.AwaitSync(context.Background()); err != nil { // returns at once: there was a sync
		panic(err)
	}
	last, _ := app.LastSync()
	fmt.Println(last.Functions, "function at", last.URL)
	// Output: 1 function at https://shop.example.com/api/inngest
}

// Functions created on a client of the bare SDK are served unchanged, together with new ones.
func ExampleFromClient() {
	dev := true
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "shop", Dev: &dev})
	if err != nil {
		panic(err)
	}
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "welcome"},
		inngestgo.EventTrigger("user/signed-up", nil),
		func(ctx context.Context, in inngestgo.Input[user]) (any, error) {
			return sdkstep.Run(ctx, "greet", func(context.Context) (string, error) {
				return "hello " + in.Event.Data.ID, nil
			})
		})
	if err != nil {
		panic(err)
	}

	app, err := inngestkit.FromClient(client)
	if err != nil {
		panic(err)
	}
	if err := app.Register(inngestkit.OnEvent("moved", signedUp, hello)); err != nil {
		panic(err)
	}
	fmt.Println(app.FunctionIDs())
	// Output: [welcome moved]
}

// A program without a public endpoint connects to the server. The signal to stop ends
// Connect, which lets running calls end first.
func ExampleApp_Connect() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		panic(err)
	}
	if err := app.Register(inngestkit.OnEvent("hello", signedUp, hello)); err != nil {
		panic(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	stop() // in a program, the signal does this
	if err := app.Connect(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: inngestkit: connect to http://127.0.0.1:8288: never connected: context canceled
}

// CheckEndpoint finds middleware that would block the server's calls.
func ExampleApp_CheckEndpoint() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden) // a middleware in front of the app
	}))
	defer server.Close()

	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, ServeHost: server.URL})
	if err != nil {
		panic(err)
	}
	defer func() { _ = app.Shutdown(context.Background()) }()
	if err := app.Register(inngestkit.OnEvent("hello", signedUp, hello)); err != nil {
		panic(err)
	}
	app.MountedAt("my framework", "/api/inngest") // which the adapters' Mount does
	err = app.CheckEndpoint(context.Background())
	fmt.Println(strings.ReplaceAll(err.Error(), server.URL, "https://shop.example.com"))
	// Output:
	// inngestkit: check endpoint: POST https://shop.example.com/api/inngest was not answered by the app but with 403 Forbidden: CSRF protection, authentication or a firewall is in front of it and must exclude /api/inngest, because the app verifies the server's signature itself; or it is the port of another program (PORT)
}

// Errors that occur because the app is shut down need not be logged.
func ExampleErrShutdown() {
	app := newExampleApp()
	_ = app.Shutdown(context.Background())
	err := app.Go(func(context.Context) {})
	fmt.Println(errors.Is(err, inngestkit.ErrShutdown), err)
	// Output: true inngestkit: go: the app is shut down
}
