package inngesttest_test

import (
	"context"
	"errors"
	"fmt"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

type customer struct {
	Email string `json:"email"`
}

var customerJoined = inngestkit.DefineEvent[customer]("customer/joined")

// join is code of a program that only sends.
func join(ctx context.Context, app *inngestkit.App, email string) error {
	_, err := app.Send(ctx, customerJoined.New(customer{Email: email}))
	return err
}

func ExampleNewRecorder() {
	rec := inngesttest.NewRecorder(t)
	if err := join(context.Background(), rec.App(), "ann@example.com"); err != nil {
		panic(err)
	}
	event := inngesttest.RequireEvents(rec, customerJoined, 1)[0]
	fmt.Println(event.Name, event.Data.Email)

	rec.FailNext(1, 401)
	err := join(context.Background(), rec.App(), "bob@example.com")
	failed, _ := errors.AsType[*inngestkit.SendError](err)
	fmt.Println(failed.Status, len(rec.Events()))
	// Output:
	// customer/joined ann@example.com
	// 401 1
}

// welcomeCustomer is the handler of a function.
func welcomeCustomer(ctx context.Context, in inngestkit.Input[customer]) (string, error) {
	id, err := step.Run(ctx, "send mail", func(context.Context) (string, error) {
		return "", errors.New("the mail server is down")
	})
	if failed, ok := errors.AsType[step.Error](err); ok {
		return "no mail to " + in.Event.Data.Email + ": " + failed.Message, nil
	}
	return "mail " + id, err
}

func ExampleStepContext() {
	in := inngesttest.Input(t, customerJoined.New(customer{Email: "ann@example.com"}))
	fmt.Println(welcomeCustomer(inngesttest.StepContext(t), in))

	ctx := inngesttest.StepContext(t, inngesttest.Step("send mail").Returns("m1"))
	fmt.Println(welcomeCustomer(ctx, in))
	for _, s := range inngesttest.Steps(ctx) {
		fmt.Println(s.Kind, s.ID, string(s.Output))
	}
	// Output:
	// no mail to ann@example.com: the mail server is down <nil>
	// mail m1 <nil>
	// StepRun send mail "m1"
}
