package inngestkit_test

import (
	"context"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// A failure handler gets the event of the failed run with its Go type.
func ExampleOnFailure() {
	apologize := func(ctx context.Context, in inngestkit.Input[inngestkit.FailedRun[UserCreated]]) (string, error) {
		failed := in.Event.Data
		return step.Run(ctx, "send-apology", func(context.Context) (string, error) {
			return fmt.Sprintf("sorry, %s: %s", failed.Event.Data.Email, failed.Error.Message), nil
		})
	}
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = app.Register(inngestkit.OnEvent("welcome", userCreated, (&Users{}).welcome,
		inngestkit.OnFailure(apologize, flow.Retries(10))))
	fmt.Println(app.FunctionIDs(), err)

	// A failure handler can be tested like any other function.
	fmt.Println(apologize(context.Background(), inngestkit.Input[inngestkit.FailedRun[UserCreated]]{
		Event: inngestkit.Event[inngestkit.FailedRun[UserCreated]]{Data: inngestkit.FailedRun[UserCreated]{
			Error: inngestkit.RunError{Message: "the mail server is down"},
			Event: userCreated.New(UserCreated{Email: "u1@example.com"}),
		}},
	}))
	// Output:
	// [welcome welcome-failure] <nil>
	// sorry, u1@example.com: the mail server is down <nil>
}

// A function's own option replaces that of its group.
func ExampleGroup() {
	users := &Users{}
	gentle := inngestkit.NewGroup(
		flow.Retries(10),
		flow.RateLimit(100, time.Minute),
		inngestkit.OnFailure(func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[any]]) (any, error) {
			fmt.Println("failed:", in.Event.Data.FunctionID, in.Event.Data.Error)
			return nil, nil
		}),
	)
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = app.Register(gentle.Functions(
		inngestkit.OnEvent("welcome", userCreated, users.welcome, flow.Retries(2)),
		inngestkit.OnCron("report", "0 9 * * *", users.report),
	)...)
	fmt.Println(app.FunctionIDs(), err)
	// Output: [welcome welcome-failure report report-failure] <nil>
}
