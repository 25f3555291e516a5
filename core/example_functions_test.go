package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

func ExampleNoRetry() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated,
		func(_ context.Context, in inngestkit.Input[UserCreated]) (string, error) {
			if in.Event.Data.Email == "" {
				return "", inngestkit.NoRetry(errors.New("the user has no address"))
			}
			return "sent", nil
		}))
	serverCalls(app, "welcome", `{"userId":"u1"}`)
	// Output:
	// level=ERROR msg="inngest: function failed" function=welcome run_id=run-1 attempt=0 no_retry=true error="the user has no address"
	// 400 {"name":"Error","message":"the user has no address"}
}

// An overloaded API reports when to retry.
func ExampleRetryAfter() {
	err := inngestkit.RetryAfter(errors.New("too many requests"), time.Minute)
	fmt.Println(err)
	// Output: too many requests
}

func ExampleRetryAt() {
	tomorrow := time.Now().Add(24 * time.Hour)
	err := inngestkit.RetryAt(errors.New("quota spent for today"), tomorrow)
	fmt.Println(err)
	// Output: quota spent for today
}

// Middleware can count final errors separately.
func ExampleIsNoRetry() {
	declined := inngestkit.NoRetry(errors.New("card declined"))
	err := fmt.Errorf("order 7: %w", declined)
	fmt.Println(inngestkit.IsNoRetry(err), err)
	fmt.Println(inngestkit.IsNoRetry(errors.New("timeout")))
	// Output:
	// true order 7: card declined
	// false
}

func ExampleRetryTime() {
	tomorrow := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	err := inngestkit.RetryAt(errors.New("quota spent for today"), tomorrow)
	if t, ok := inngestkit.RetryTime(err); ok {
		fmt.Println(err, "- next attempt at", t.Format(time.DateTime))
	}
	// Output: quota spent for today - next attempt at 2026-01-02 00:00:00
}

// addressError is an error whose message contains an address, which telemetry should not record.
type addressError struct{ address string }

func (e addressError) Error() string       { return "cannot send to " + e.address }
func (e addressError) WithoutData() string { return "cannot send to the address" }

// An error of the app can keep data out of traces.
func ExampleDataError() {
	err := fmt.Errorf("welcome: %w", addressError{"u1@example.com"})
	if withData, ok := errors.AsType[inngestkit.DataError](err); ok {
		fmt.Println(withData.WithoutData())
	}
	// Output: cannot send to the address
}

// A function can inspect the final error of a step and continue.
func Example_stepError() {
	pay := func(ctx context.Context, _ inngestkit.Input[UserCreated]) (string, error) {
		_, err := step.Run(ctx, "charge", func(context.Context) (string, error) { return "", errors.New("card declined") })
		if stepErr, ok := errors.AsType[step.Error](err); ok {
			return "gave up: " + stepErr.Message, nil
		}
		return "paid", err
	}
	app := newExampleApp(inngestkit.OnEvent("pay", userCreated, pay))
	fmt.Println(app.FunctionIDs())
	// Output: [pay]
}

// A Ref refers to a function of another app.
func ExampleRef() {
	type order struct {
		ID string `json:"id"`
	}
	charge := inngestkit.Ref[order, string]{AppID: "billing", FunctionID: "charge"}
	checkout := inngestkit.OnEvent("checkout", inngestkit.DefineEvent[order]("order.placed"),
		func(ctx context.Context, in inngestkit.Input[order]) (string, error) {
			return step.Invoke(ctx, "charge", charge, in.Event.Data, step.Timeout(time.Hour))
		})
	app := newExampleApp(checkout)
	fmt.Println(app.FunctionIDs())
	// Output: [checkout]
}

// One function for three events, each with its own Go type.
func ExampleAnyOfTypes() {
	type Login struct {
		UserID string `json:"userId"`
	}
	type Purchase struct {
		UserID string `json:"userId"`
		Amount int    `json:"amount"`
	}
	type Updated struct {
		UserID string   `json:"userId"`
		Fields []string `json:"fields"`
	}
	var (
		login    = inngestkit.DefineEvent[Login]("user.login")
		purchase = inngestkit.DefineEvent[Purchase]("user.purchase")
		updated  = inngestkit.DefineEvent[Updated]("user.updated")
	)
	app := newExampleApp(inngestkit.OnEvent("handle-user-activity", inngestkit.AnyOfTypes(login, purchase, updated),
		func(_ context.Context, in inngestkit.Input[any]) (string, error) {
			switch data := in.Event.Data.(type) {
			case Login:
				return data.UserID + " is back", nil
			case Purchase:
				return fmt.Sprintf("%s paid %d", data.UserID, data.Amount), nil
			case Updated:
				return fmt.Sprintf("%s changed %v", data.UserID, data.Fields), nil
			default:
				return "", inngestkit.NoRetry(fmt.Errorf("%s is not an activity", in.Event.Name))
			}
		},
		flow.Concurrency(1, flow.Key("event.data.userId")),
	))
	serverCallsWith(app, "handle-user-activity", "user.login", `{"userId":"u1"}`)
	serverCallsWith(app, "handle-user-activity", "user.purchase", `{"userId":"u1","amount":30}`)
	serverCallsWith(app, "handle-user-activity", "user.updated", `{"userId":"u1","fields":["email"]}`)
	// Output:
	// 200 "u1 is back"
	// 200 "u1 paid 30"
	// 200 "u1 changed [email]"
}

// The type declares only one of the fields in the events.
func ExampleAdditionalProperties() {
	type Order struct {
		ID string `json:"id"`
	}
	for _, placed := range []inngestkit.EventType[Order]{
		inngestkit.DefineEvent[Order]("order.placed"),
		inngestkit.DefineEvent[Order]("order.placed", inngestkit.AdditionalProperties()),
	} {
		app := newExampleApp()
		fmt.Println(app.Register(inngestkit.OnEvent("ship", placed.If("event.data.country == 'FR'"),
			func(context.Context, inngestkit.Input[Order]) (any, error) { return nil, nil })))
	}
	// Output:
	// inngestkit: function "ship": If "event.data.country == 'FR'" has "event.data.country", which is null to the server: inngestkit_test.Order, the type of event "order.placed", has no "country"; it has id; if such events have more fields than the type declares, define the event with inngestkit.AdditionalProperties()
	// <nil>
}
