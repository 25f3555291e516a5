package inngestkit_test

import (
	"context"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// The handler gets the schedule that fired and, from servers since 1.18, the scheduled time,
// which is the same in every attempt.
func ExampleOnCron() {
	app := newExampleApp(inngestkit.OnCron("daily-report", "0 9 * * *",
		func(_ context.Context, in inngestkit.CronInput) (string, error) {
			return "the report for " + in.Event.Data.ScheduledAt.Format(time.DateOnly), nil
		},
		inngestkit.TimeZone("Europe/Paris"),
		inngestkit.Jitter(30*time.Second),
	))
	serverCallsWith(app, "daily-report", "inngest/scheduled.timer",
		`{"cron":"TZ=Europe/Paris 0 9 * * *","scheduledAt":"2026-01-02T08:00:00Z","fireAt":"2026-01-02T08:00:07Z"}`)
	// Output: 200 "the report for 2026-01-02"
}

// One function with two schedules, and one with a schedule and an event.
func ExampleCron() {
	app := newExampleApp(
		inngestkit.OnEvent("report",
			inngestkit.AnyOf(inngestkit.Cron("0 9 * * 1-5"), inngestkit.Cron("0 12 * * 6")),
			func(_ context.Context, in inngestkit.CronInput) (string, error) {
				return "reported by " + in.Event.Data.Cron, nil
			}),
		inngestkit.OnEvent("clean-up",
			inngestkit.AnyOfTypes(userCreated, inngestkit.Cron("0 3 * * *")),
			func(_ context.Context, in inngestkit.Input[any]) (string, error) {
				if user, ok := in.Event.Data.(UserCreated); ok {
					return "cleaned up for " + user.UserID, nil
				}
				return "cleaned up for all", nil
			}),
	)
	serverCallsWith(app, "report", "inngest/scheduled.timer", `{"cron":"0 12 * * 6"}`)
	serverCallsWith(app, "clean-up", "user.created", `{"userId":"u1"}`)
	serverCallsWith(app, "clean-up", "inngest/scheduled.timer", `{"cron":"0 3 * * *"}`)
	// Output:
	// 200 "reported by 0 12 * * 6"
	// 200 "cleaned up for u1"
	// 200 "cleaned up for all"
}

func ExampleTimeZone() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	users := &Users{}
	fmt.Println(app.Register(inngestkit.OnCron("report", "0 9 * * *", users.report, inngestkit.TimeZone("Europe/Paris"))))
	fmt.Println(app.Register(inngestkit.OnEvent("welcome", userCreated, users.welcome, inngestkit.TimeZone("Europe/Paris"))))
	// Output:
	// <nil>
	// inngestkit: function "welcome": TimeZone "Europe/Paris" is for schedules, and the function has none; leave it out
}

func ExampleJitter() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	users := &Users{}
	fmt.Println(app.Register(inngestkit.OnCron("report", "0 9 * * *", users.report, inngestkit.Jitter(time.Minute))))
	fmt.Println(app.Register(inngestkit.OnCron("again", "0 9 * * *", users.report, inngestkit.Jitter(time.Hour))))
	// Output:
	// <nil>
	// inngestkit: function "again": Jitter "1h0m0s" is out of range; it must be 0, or from 1s to 5m0s
}
