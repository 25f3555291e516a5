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

type UserCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

type EmailVerified struct {
	UserID string `json:"userId"`
}

var (
	userCreated   = inngestkit.DefineEvent[UserCreated]("user.created")
	emailVerified = inngestkit.DefineEvent[EmailVerified]("user.email-verified")
)

// Users has the functions about users. They are plain values, so a program can list them and
// call their handlers without an app.
type Users struct{}

func (u *Users) Functions() []inngestkit.Function {
	return []inngestkit.Function{
		inngestkit.OnEvent("welcome-new-user", userCreated, u.welcome,
			flow.Retries(5),
			flow.Concurrency(1, flow.Key("event.data.userId")),
			flow.Throttle(100, time.Minute, flow.Burst(20)),
		),
		inngestkit.OnCron("daily-report", "0 9 * * *", u.report),
	}
}

func (u *Users) welcome(ctx context.Context, in inngestkit.Input[UserCreated]) (string, error) {
	user := in.Event.Data
	_, err := step.Run(ctx, "send-welcome-email", func(context.Context) (string, error) {
		return "sent to " + user.Email, nil
	})
	if err != nil {
		return "", err
	}
	_, err = step.WaitForEvent(ctx, "wait-for-verification", emailVerified,
		step.Timeout(24*time.Hour), step.Match("data.userId"))
	if errors.Is(err, step.ErrTimeout) {
		return "not verified", nil
	}
	return "verified", err
}

func (u *Users) report(context.Context, inngestkit.CronInput) (string, error) {
	return "reported", nil
}

func Example() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	users := &Users{}
	if err := app.Register(users.Functions()...); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(app.ID(), app.FunctionIDs(), app.Path())
	// Output: shop [welcome-new-user daily-report] /api/inngest
}

// All mistakes are reported at once, when the functions are registered.
func ExampleApp_Register() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	users := &Users{}
	err = app.Register(
		inngestkit.OnEvent("welcome user", userCreated, users.welcome, flow.Retries(50)),
		inngestkit.OnCron("report", "daily", users.report),
	)
	fmt.Println(err)
	// Output:
	// inngestkit: function "welcome user": ID "welcome user" is malformed; use letters, digits, '-', '_' and '.', beginning with a letter or digit
	// inngestkit: function "welcome user": Retries 50 is out of range; it must be at least 0 and at most 20
	// inngestkit: function "report": Cron "daily" is not a five-field schedule such as "0 9 * * *" or "TZ=Europe/Paris 0 9 * * *": expected exactly 5 fields, found 1: [daily]
}

// An event type makes events to send and triggers to start functions with.
func ExampleEventType() {
	event := userCreated.New(UserCreated{UserID: "u1", Email: "u1@example.com"})
	fmt.Println(event.Name, event.Data.Email)
	_ = inngestkit.OnEvent("welcome-pros", userCreated.If("event.data.plan == 'pro'"), (&Users{}).welcome)
	_ = inngestkit.OnEvent("welcome-both", inngestkit.AnyOf(userCreated, inngestkit.DefineEvent[UserCreated]("user.imported")),
		(&Users{}).welcome)
	// Output: user.created u1@example.com
}
