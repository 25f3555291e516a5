package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// exampleServer responds like an Inngest server.
func exampleServer(status int, body string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
}

func ExampleApp_Send() {
	server := exampleServer(http.StatusOK, `{"ids":["01J01","01J02"]}`)
	defer server.Close()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, BaseURL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	ids, err := app.Send(context.Background(),
		userCreated.New(UserCreated{UserID: "u1"}), emailVerified.New(EmailVerified{UserID: "u2"}))
	fmt.Println(ids, err)
	// Output: [01J01 01J02] <nil>
}

// After a failure, the error reports with which event to continue.
func ExampleSendError() {
	server := exampleServer(http.StatusBadRequest, `{"ids":["01J01"],"error":"event is blocked"}`)
	defer server.Close()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, BaseURL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	events := []inngestkit.AnyEvent{
		userCreated.New(UserCreated{UserID: "u1"}), userCreated.New(UserCreated{UserID: "u2"}),
		userCreated.New(UserCreated{UserID: "u3"}),
	}
	_, err = app.Send(context.Background(), events...)
	if sendErr, ok := errors.AsType[*inngestkit.SendError](err); ok {
		fmt.Println(err)
		fmt.Println(len(events[len(sendErr.IDs):]), "events are left, not certain of", sendErr.Uncertain)
	}
	// Output:
	// inngestkit: send: the events were not sent, except the first 1: the server responded with 400 Bad Request: event is blocked
	// 2 events are left, not certain of 0
}

// A signal resumes the one run that waits for it.
func ExampleApp_SendSignal() {
	server := exampleServer(http.StatusNotFound, `{"error":"No signal found","status":404}`)
	defer server.Close()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, BaseURL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = app.SendSignal(context.Background(), "approve/order-7", map[string]string{"by": "Ann"})
	if errors.Is(err, inngestkit.ErrNoSignalWaiter) {
		fmt.Println("order 7 waits for no approval")
	}
	// Output: order 7 waits for no approval
}
