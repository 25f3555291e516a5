package mistakes

import (
	"context"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

var registration = []mistake{
	{"A function ID with a space", register(inngestkit.OnEvent("welcome user", userCreated, hello))},
	{"Two functions with one ID", register(onUser(), onUser())},
	{"A function without a handler", register(inngestkit.OnEvent[user, string]("welcome", userCreated, nil))},
	{"An event without a name", register(inngestkit.OnEvent("welcome", inngestkit.DefineEvent[user](""), hello))},
	{"Event data that is not an object", register(inngestkit.OnEvent("welcome", inngestkit.DefineEvent[string]("user/created"),
		func(context.Context, inngestkit.Input[string]) (any, error) { return nil, nil }))},
	{"A schedule with a typo", register(inngestkit.OnCron("report", "0 25 * * *", hello))},
	{"A schedule that never fires", register(inngestkit.OnCron("report", "0 9 30 2 *", hello))},
	{"A time zone for a function without a schedule", register(onUser(inngestkit.TimeZone("Europe/Paris")))},
	{"A debounced schedule", register(inngestkit.OnCron("report", "0 9 * * *", hello, flow.Debounce(time.Minute)))},
	{"Too many retries", register(onUser(flow.Retries(50)))},
	{"A concurrency of 0", register(onUser(flow.Concurrency(0)))},
	{"An option given twice", register(onUser(flow.Retries(1), flow.Retries(2)))},
	{"Options that exclude each other", register(onUser(flow.BatchEvents(10, time.Second), flow.RateLimit(1, time.Minute)))},
	{"A period that is too short", register(onUser(flow.Throttle(10, time.Millisecond)))},
	{"A rate limit with fractions of a second", register(onUser(flow.RateLimit(10, 1500*time.Millisecond)))},
	{"An empty key", register(onUser(flow.Concurrency(1, flow.Key(""))))},
	{"A key that no event has", register(onUser(flow.Concurrency(1, flow.Key("event.data.userID"))))},
	{"A key without event", register(onUser(flow.Concurrency(1, flow.Key("data.userId"))))},
	{"A condition with an unknown name", register(inngestkit.OnEvent("welcome", userCreated.If("user.email != ''"), hello))},
	{"A condition with a backslash", register(inngestkit.OnEvent("welcome", userCreated.If(`event.data.email == "a\"b"`), hello))},
	{"A result that JSON cannot represent", register(inngestkit.OnEvent("welcome", userCreated,
		func(context.Context, inngestkit.Input[user]) (func(), error) { return nil, nil }))},
	{"A match that begins with event", register(onUser(flow.CancelOn(userCreated, flow.Match("event.data.userId"))))},
}
