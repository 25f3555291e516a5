package inngestkit_test

import (
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// One function for an event and for a schedule; the handler tells them apart by
// in.Event.Name.
func ExampleCron() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = app.Register(inngestkit.OnEvent("welcome",
		inngestkit.AnyOf(userCreated, inngestkit.Cron[UserCreated]("0 3 * * *")), (&Users{}).welcome,
		inngestkit.TimeZone("Europe/Paris"),
		inngestkit.Jitter(30*time.Second),
	))
	fmt.Println(app.FunctionIDs(), err)
	// Output: [welcome] <nil>
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
	// inngestkit: function "again": Jitter "1h0m0s" is out of range; it is 0 or at least 1s and at most 5m0s
}
