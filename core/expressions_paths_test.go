package inngestkit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// account has a field without a tag, whose JSON name is its Go name.
type account struct {
	UserID string
	Plan   string   `json:"plan"`
	Tags   []string `json:"tags,omitempty"`
}

var (
	opened = inngestkit.DefineEvent[account]("account/opened")
	closed = inngestkit.DefineEvent[account]("account/closed")
	// partial declares one of the fields that its events have.
	partial = inngestkit.DefineEvent[account]("account/partial", inngestkit.AdditionalProperties())
)

// onOpened returns a function whose event has data of type account.
func onOpened(options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent("fn", opened, onAccount, options...)
}

func onAccount(context.Context, inngestkit.Input[account]) (any, error) { return nil, nil }

// Every option with an expression checks its paths.
func TestRegisterRefusesPathsThatEventsDoNotHave(t *testing.T) {
	t.Parallel()
	key := flow.Key("event.data.userId")
	for field, f := range map[string]inngestkit.Function{
		"If":                inngestkit.OnEvent("fn", opened.If("event.data.userId == 'x'"), onAccount),
		"Concurrency.Key":   onOpened(flow.Concurrency(1, key)),
		"FnConcurrency.Key": onOpened(flow.FnConcurrency(1, key)),
		"RateLimit.Key":     onOpened(flow.RateLimit(1, time.Minute, key)),
		"Throttle.Key":      onOpened(flow.Throttle(1, time.Minute, key)),
		"Debounce.Key":      onOpened(flow.Debounce(time.Minute, key)),
		"BatchEvents.Key":   onOpened(flow.BatchEvents(2, time.Minute, key)),
		"BatchEvents.If":    onOpened(flow.BatchEvents(2, time.Minute, flow.If("event.data.userId != null"))),
		"Singleton.Key":     onOpened(flow.Singleton(flow.SingletonSkip, key)),
		"Idempotency":       onOpened(flow.Idempotency("event.data.userId")),
		"Priority":          onOpened(flow.Priority("event.data.userId == 'x' ? 1 : 0")),
		"CancelOn.Match":    onOpened(flow.CancelOn(closed, flow.Match("data.userId"))),
		"CancelOn.If":       onOpened(flow.CancelOn(closed, flow.If("async.data.userId == 'x'"))),
	} {
		app, _ := newApp(t)
		err := app.Register(f)
		require.Equal(t, []string{field}, fields(err))
		require.ErrorContains(t, err, `inngestkit_test.account, the type of event "account/`, field)
		require.ErrorContains(t, err, `has no "userId"; write `, field)
		require.ErrorContains(t, err, `.data.UserID`, field)
		require.ErrorContains(t, err, "inngestkit.AdditionalProperties()", field)
		var mistake *inngestkit.RegistrationError
		require.ErrorAs(t, err, &mistake)
		require.Contains(t, mistake.Value, "data.userId")
	}
}

func TestPathsOfSeveralKindsOfTriggers(t *testing.T) {
	t.Parallel()
	free := inngestkit.DefineEvent[map[string]any]("free")
	onFree := func(context.Context, inngestkit.Input[map[string]any]) (any, error) { return nil, nil }
	key := func(path string) inngestkit.Option { return flow.Concurrency(1, flow.Key(path)) }
	failed := func(context.Context, inngestkit.Input[inngestkit.FailedRun[account]]) (any, error) { return nil, nil }
	for _, tc := range []struct {
		name    string
		f       inngestkit.Function
		refused string
	}{
		{"fields without and with tags", onOpened(key("event.data.UserID"), key("event.data.plan")), ""},
		{"another root", onOpened(key("data.plan")), "does not begin with event"},
		{"a misspelt root", onOpened(key("event.dta.plan")), `an event has no "dta"`},
		{"the wrong side", onOpened(key("async.data.plan")), "has only the triggering event"},
		{"the event itself", onOpened(key("event.user.id"), key("event.ts")), ""},
		{"free data", inngestkit.OnEvent("fn", free, onFree, key("event.data.anything.below")), ""},
		{"free data, a misspelt root", inngestkit.OnEvent("fn", free, onFree, key("event.data2.x")), `an event has no "data2"`},
		{"declared in part", inngestkit.OnEvent("fn", partial, onAccount, key("event.data.userId")), ""},
		{"one of two in part", inngestkit.OnEvent("fn", inngestkit.AnyOf[account](partial, opened), onAccount, key("event.data.userId")), `"account/opened"`},
		{"cancelled by an event without a type", onOpened(flow.CancelOn(flow.EventNamed("e"), flow.Match("data.plan"))), ""},
		{"cancelled by such an event, and no such path", onOpened(flow.CancelOn(flow.EventNamed("e"), flow.Match("data.userId"))), `"account/opened"`},
		{"cancelled by an event of another type", onOpened(flow.CancelOn(signedUp, flow.Match("data.plan"))), `inngestkit_test.user, the type of event "user/signed-up", has no "plan"`},
		{"a match from one of the events", onOpened(flow.CancelOn(closed, flow.Match("event.data.plan"))), `leave out "event."`},
		{"a match from the other event", onOpened(flow.CancelOn(closed, flow.Match("async.data.plan"))), `leave out "async."`},
		{"a match of elements", onOpened(flow.CancelOn(closed, flow.Match("data.tags[0]"))), "cannot compare an element"},
		{"a schedule", inngestkit.OnCron("fn", "0 9 * * *", hello, key("event.data.cron")), ""},
		{"what a schedule does not have", inngestkit.OnCron("fn", "0 9 * * *", hello, key("event.data.userId")), `the type of event "inngest/scheduled.timer", has no "userId"; it has cron, fireAt, scheduledAt`},
		{"several schedules", inngestkit.OnEvent("fn", inngestkit.AnyOf(inngestkit.Cron("0 9 * * *"), inngestkit.Cron("0 12 * * *")), hello, key("event.data.scheduledAt")), ""},
		{"several schedules, and no such path", inngestkit.OnEvent("fn", inngestkit.AnyOf(inngestkit.Cron("0 9 * * *"), inngestkit.Cron("0 12 * * *")), hello, key("event.data.scheduled")), `has no "scheduled"`},
		{"an event and a schedule", inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(opened, inngestkit.Cron("0 9 * * *")), hello, key("event.data.UserID")), ""},
		{"an event and a schedule, and neither has it", inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(opened, inngestkit.Cron("0 9 * * *")), hello, key("event.data.userId")), "write event.data.UserID"},
		{"events of two types", inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(opened, signedUp), hello, key("event.data.UserID")), `inngestkit_test.user, the type of event "user/signed-up"`},
		{"events of two types, with has", inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(opened, signedUp), hello, key("has(event.data.UserID) ? event.data.UserID : event.data.id")), ""},
		{"events of two types, with null", inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(opened, signedUp), hello, key("event.data.id != null ? event.data.id : event.data.UserID")), ""},
		{"events of two types, by name", inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(opened, signedUp), hello, key("event.name == 'account/opened' ? event.data.UserID : event.data.id")), ""},
		{"what neither of two types has", inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(opened, signedUp), hello, key("has(event.data.userId) ? event.data.userId : event.data.id")), "write event.data.UserID"},
		{"what the one type does not have", onOpened(key("has(event.data.userId) ? event.data.userId : event.data.plan")), "write event.data.UserID"},
		{"each its own condition", inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(opened.If("event.data.plan == 'x'"), signedUp.If("event.data.id == 'y'")), hello), ""},
		{"a condition of another", inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(opened, signedUp.If("event.data.plan == 'y'")), hello), `has no "plan"`},
		{"a failure handler", onOpened(inngestkit.OnFailure(failed, key("event.data.event.data.UserID"))), ""},
		{"text with a backslash", onOpened(key(`event.data.plan + "\n"`)), "has a backslash in text"},
		{"a group's option", inngestkit.NewGroup(key("event.data.userId")).Functions(onOpened())[0], "write event.data.UserID"},
		{"a group's option that does not count", inngestkit.NewGroup(key("event.data.userId")).Functions(onOpened(key("event.data.UserID")))[0], ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t)
			err := app.Register(tc.f)
			if tc.refused == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.refused)
			require.Len(t, fields(err), 1)
		})
	}
}

// A wait on a path that one of the events does not have ends the run, in its first call and
// in later ones.
func TestWaitRefusesPathsThatEventsDoNotHave(t *testing.T) {
	t.Parallel()
	call := func(t *testing.T, e inngestkit.EventType[account], options ...step.WaitOption) *adapter.Response {
		t.Helper()
		app, _ := newApp(t, inngestkit.OnEvent("fn", opened, func(ctx context.Context, _ inngestkit.Input[account]) (any, error) {
			return step.WaitForEvent(ctx, "wait", e, append(options, step.Timeout(time.Hour))...)
		}))
		first := callFn(t.Context(), t, app, signUpEnvelope(account{}))
		second := callFn(t.Context(), t, app, signUpEnvelope(account{}))
		require.Equal(t, first, second)
		return first
	}
	for want, option := range map[string]step.WaitOption{
		`step "wait" waits for event "account/closed" on the condition "data.userId", which has "event.data.userId", ` +
			`which is null to the server: inngestkit_test.account, the type of event "account/opened", has no "userId"; ` +
			`write event.data.UserID`: step.Match("data.userId"),
		`leave out "event."`:           step.Match("event.data.UserID"),
		`leave out "async."`:           step.Match("async.data.UserID"),
		"write async.data.UserID":      step.If("async.data.userId == 'x'"),
		"does not begin with event or": step.If("data.plan == 'x'"),
		"which is not known":           step.If("async.data.plan == pro"),
		"is empty":                     step.If(""),
		"no async":                     step.If("event.data.plan == 'x'"),
		"is not a path":                step.Match("data.user-id"),
		"has a backslash":              step.If(`async.data.plan == "a\"b"`),
		"text without its closing":     step.If(`async.data.plan == "a`),
		"compare an element of a list": step.Match("data.tags[0]"),
	} {
		resp := call(t, closed, option)
		require.Equal(t, http.StatusBadRequest, resp.Status, "%s", resp.Body)
		require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
		require.Contains(t, message(t, resp), want)
	}
	for _, ok := range []step.WaitOption{
		step.Match("data.UserID"), step.If("async.data.plan == event.data.plan && async.ts > event.ts"), step.If("async.data.tags[0] == 'x'"),
		step.If("true"), // without paths
	} {
		require.Equal(t, http.StatusPartialContent, call(t, closed, ok).Status)
	}
	require.Equal(t, http.StatusPartialContent, call(t, partial, step.If("async.data.userId == 'x'")).Status)
	_, err := step.WaitForEvent(t.Context(), "wait", closed, step.Match("data.userId"), step.Timeout(time.Hour))
	require.ErrorContains(t, err, "write async.data.UserID", "outside of a function")
}

// Each event arrives with its data in its own Go type, in batches too.
func TestAnyOfTypes(t *testing.T) {
	t.Parallel()
	patterns := inngestkit.DefineEvent[map[string]int]("stock/*")
	function := inngestkit.OnEvent("fn",
		inngestkit.AnyOfTypes(opened, signedUp.If("event.data.id != ''"), inngestkit.Cron("0 9 * * *"), inngestkit.AnyOf(closed), patterns),
		func(_ context.Context, in inngestkit.Input[any]) ([]string, error) {
			var got []string
			for _, event := range in.Events {
				switch data := event.Data.(type) {
				case account:
					got = append(got, event.Name+" account "+data.UserID+" "+*event.ID)
				case user:
					got = append(got, event.Name+" user "+data.ID)
				case map[string]int:
					got = append(got, fmt.Sprintf("%s %v", event.Name, data))
				case inngestkit.CronData:
					got = append(got, data.Cron+" "+data.ScheduledAt.Format(time.TimeOnly))
				case json.RawMessage:
					got = append(got, event.Name+" "+string(data))
				}
			}
			require.Equal(t, in.Event, in.Events[0])
			return got, nil
		})
	app, _ := newApp(t, function)
	event := func(name, data string) map[string]any {
		return map[string]any{"id": "e1", "name": name, "data": json.RawMessage(data)}
	}
	call := func(events ...any) *adapter.Response {
		e := signUpEnvelope(nil)
		e.Event, e.Events = events[0], events
		return callFn(t.Context(), t, app, e)
	}
	for _, tc := range []struct {
		event, data, want string
	}{
		{"account/opened", `{"UserID":"u1"}`, "account/opened account u1 e1"},
		{"account/closed", `{"UserID":"u1"}`, "account/closed account u1 e1"},
		{"user/signed-up", `{"id":"u2","number":9007199254740993}`, "user/signed-up user u2"},
		{"stock/moved", `{"n":1}`, "stock/moved map[n:1]"},
		{"inngest/scheduled.timer", `{"cron":"0 9 * * *"}`, "0 9 * * * 00:00:00"},
		{"inngest/scheduled.timer", `{"cron":"0 9 * * *","scheduledAt":"2026-01-02T09:00:00Z"}`, "0 9 * * * 09:00:00"},
		{"inngest/function.invoked", `{"id":9007199254740993}`, `inngest/function.invoked {"id":9007199254740993}`},
	} {
		resp := call(event(tc.event, tc.data))
		require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
		require.Equal(t, []string{tc.want}, decoded(t, resp.Body))
	}
	resp := call(event("account/opened", `{"UserID":"u1"}`), event("user/signed-up", `{"id":"u2"}`))
	require.Equal(t, []string{"account/opened account u1 e1", "user/signed-up user u2"}, decoded(t, resp.Body))
	resp = call(event("account/opened", `{"UserID":7}`))
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"), "another attempt gets the same data")
	require.Equal(t, `the data of event "account/opened" does not fit its Go type inngestkit_test.account: `+
		`field "UserID" is a JSON number where Go has string`, message(t, resp))
}

func decoded(t *testing.T, body []byte) (all []string) {
	t.Helper()
	require.NoError(t, json.Unmarshal(body, &all), "%s", body)
	return all
}

// The most specific pattern that matches an event determines the type.
func TestAnyOfTypesWithPatterns(t *testing.T) {
	t.Parallel()
	type all struct{ All string }
	type some struct{ Some string }
	app, _ := newApp(t, inngestkit.OnEvent("fn",
		inngestkit.AnyOfTypes(inngestkit.DefineEvent[all]("stock/*"), inngestkit.DefineEvent[some]("stock/tags/*"), signedUp),
		func(_ context.Context, in inngestkit.Input[any]) (string, error) {
			return fmt.Sprintf("%T", in.Event.Data), nil
		}))
	for name, want := range map[string]string{
		"stock/moved":    "inngestkit_test.all",
		"stock/tags/new": "inngestkit_test.some",
		"stocks":         "json.RawMessage",
	} {
		e := signUpEnvelope(map[string]any{})
		e.Event.(map[string]any)["name"] = name
		require.Equal(t, `"`+want+`"`, string(callFn(t.Context(), t, app, e).Body))
	}
}

func TestAnyOfTypesRefusals(t *testing.T) {
	t.Parallel()
	type private struct{ id string } //nolint:unused // which is the mistake
	for want, types := range map[string]inngestkit.Trigger[any]{
		"given twice":             inngestkit.AnyOfTypes(opened, inngestkit.DefineEvent[user]("account/opened")),
		"an event without a name": inngestkit.AnyOfTypes(opened, nil),
		"two Go types":            inngestkit.AnyOfTypes(opened, inngestkit.DefineEvent[user]("account/opened").If("event.data.id == 'x'")),
		"is a JSON object":        inngestkit.AnyOfTypes(opened, inngestkit.DefineEvent[int]("count")),
		"exported":                inngestkit.AnyOfTypes(opened, inngestkit.DefineEvent[private]("private")),
	} {
		app, _ := newApp(t)
		require.ErrorContains(t, app.Register(inngestkit.OnEvent("fn", types, hello)), want)
	}
}

// Middleware gets events with their data as JSON.
func TestDecode(t *testing.T) {
	t.Parallel()
	event := inngestkit.RawEvent{ID: new("e1"), Name: "account/opened", Data: json.RawMessage(`{"UserID":"u1"}`), Timestamp: 7}
	decoded, err := opened.Decode(event)
	require.NoError(t, err)
	require.Equal(t, inngestkit.Event[account]{ID: new("e1"), Name: "account/opened", Data: account{UserID: "u1"}, Timestamp: 7}, decoded)
	event.Name = "inngest/function.invoked"
	decoded, err = opened.Decode(event)
	require.NoError(t, err)
	require.Equal(t, account{UserID: "u1"}, decoded.Data)
	_, err = closed.Decode(inngestkit.RawEvent{Name: "account/opened"})
	require.EqualError(t, err, `event "account/opened" is not "account/closed": check its Name before decoding it`)
	_, err = opened.Decode(inngestkit.RawEvent{Name: "account/opened", Data: json.RawMessage(`{"UserID":7}`)})
	require.EqualError(t, err, `the data of event "account/opened" does not fit its Go type inngestkit_test.account: `+
		`field "UserID" is a JSON number where Go has string`)
}
