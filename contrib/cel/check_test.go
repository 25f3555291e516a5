package inngestcel_test

import (
	"context"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestcel "github.com/inngestkit/inngestkit/contrib/cel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

type item struct {
	Price int `json:"price"`
}

type order struct {
	ID    string          `json:"id"`
	Total int             `json:"total"`
	Items []item          `json:"items"`
	Tags  map[string]item `json:"tags"`
	Odd   string          `json:"an-odd one"`
}

var (
	placed    = inngestkit.DefineEvent[order]("order/placed")
	cancelled = inngestkit.DefineEvent[order]("order/cancelled")
)

func app(tb testing.TB, functions ...inngestkit.Function) *inngestkit.App {
	tb.Helper()
	a, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(tb, err)
	require.NoError(tb, a.Register(functions...))
	return a
}

func on(trigger inngestkit.Trigger[order], options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent("fn", trigger, func(context.Context, inngestkit.Input[order]) (any, error) { return nil, nil }, options...)
}

func key(expression string) inngestkit.Option {
	return flow.Throttle(1, time.Minute, flow.Key(expression))
}

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	for _, f := range []inngestkit.Function{
		on(placed.If("event.data.total > 10 && event.user.plan == 'pro'")),
		on(placed.If("event.data.items.exists(i, i.price > 10) || has(event.data.id)")),
		on(placed.If("event.data.tags['x'].price == 1.5 || event.ts < 2")),
		on(placed, key("event.data.id + '-' + event.data.total")),
		on(placed, key(`event.data["an-odd one"]`)),
		on(placed, key("lowercase(event.data.id) + string(event.data.items[0].price)")),
		on(placed, key("date(event.ts) > now_minus('1h') ? 'new' : b64decode(event.data.id)")),
		on(placed, key("size(event.data.items.filter(i, i.price > 1).map(i, i.price * 2))")),
		on(placed, key(`{'a': [event.data.id]}`)),
		on(placed, flow.Priority("event.data.total > 10 ? 60 : 0")),
		on(placed, flow.CancelOn(cancelled, flow.Match("data.id"), flow.If("int(async.data.total) in [1, 2] && !(event.data.id == 'x')"))),
		on(placed, inngestkit.OnFailure(func(context.Context, inngestkit.Input[inngestkit.FailedRun[order]]) (any, error) { return nil, nil })),
		inngestkit.OnCron("fn", "0 9 * * *", func(context.Context, inngestkit.CronInput) (any, error) { return nil, nil }),
	} {
		require.NoError(t, inngestcel.Check(app(t, f)))
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	good := inngestkit.OnEvent("good", cancelled.If("event.data.id != ''"),
		func(context.Context, inngestkit.Input[order]) (any, error) { return nil, nil })
	for _, tc := range []struct {
		name  string
		f     inngestkit.Function
		field string
		want  string
	}{
		{"syntax", on(placed, key("event.data.id ==")), "Throttle.Key", "does not compile, at column 17: Syntax error"},
		{"one equals sign", on(placed.If("event.data.id = 'x'")), "If", "does not compile, at column 15"},
		{"unknown function", on(placed, key("lower(event.data.id)")), "Throttle.Key", "undeclared reference to 'lower'"},
		{"function of other types", on(placed, key("lowercase(1)")), "Throttle.Key", "found no matching overload for 'lowercase'"},
		{"unknown name among commas", on(placed.If("event.data.id in [pro, 'x']")), "If", "undeclared reference to 'pro'"},
		{"a path of a macro's variable", on(placed.If("event.data.items.exists(i, i.prize > 1)")), "If", `inngestcel_test.item, the type of event "order/placed", has no "prize"; it has price`},
		{"a path in a macro in a macro", on(placed.If("event.data.items.exists(i, event.data.items.all(j, j.price > i.prize))")), "If", `has no "prize"`},
		{"condition that is text", on(placed.If("'true'")), "If", "is of type string; it must be true or false"},
		{"batch condition that is a number", on(placed, flow.BatchEvents(2, time.Second, flow.If("1"))), "BatchEvents.If", "is of type int; it must be true or false"},
		{"priority that is text", on(placed, flow.Priority("'60'")), "Priority", "is of type string; it must be an integer"},
		{"function over two events", on(placed, flow.CancelOn(cancelled, flow.If("size(async.data.id) > 1"))), "CancelOn.If", "calls size; here the server accepts only"},
		{"method over two events", on(placed, flow.CancelOn(cancelled, flow.If("async.data.id.startsWith('x')"))), "CancelOn.If", "calls startsWith"},
		{"sum over two events", on(placed, flow.CancelOn(cancelled, flow.If("async.data.total + 1 > event.data.total"))), "CancelOn.If", "calls +;"},
		{"has over two events", on(placed, flow.CancelOn(cancelled, flow.If("has(async.data.id)"))), "CancelOn.If", "uses has(…); the server accepts no macros here"},
		{"macro over two events", on(placed, flow.CancelOn(cancelled, flow.If("event.data.items.exists(i, i.price == 1)"))), "CancelOn.If", "uses a macro such as exists(…)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := inngestcel.Check(app(t, good, tc.f))
			var mistake *inngestkit.RegistrationError
			require.ErrorAs(t, err, &mistake)
			require.Equal(t, "fn", mistake.Function)
			require.Equal(t, tc.field, mistake.Field)
			require.Contains(t, mistake.Reason, tc.want)
		})
	}
}

// Register does not check the functions of an SDK client, so Check must.
func TestCheckOfAdoptedFunctions(t *testing.T) {
	t.Setenv("INNGEST_DEV", "1")
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "bare"})
	require.NoError(t, err)
	condition, escaped := "event.data.anything > 1", `event.data.id == "a\"b"`
	for id, expression := range map[string]*string{"good": &condition, "bad": &escaped} {
		_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: id}, inngestgo.EventTrigger("e", expression),
			func(context.Context, inngestgo.Input[any]) (any, error) { return nil, nil })
		require.NoError(t, err)
	}
	adopted, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	err = inngestcel.Check(adopted)
	require.ErrorContains(t, err, `function "bad": If`)
	require.ErrorContains(t, err, "has a backslash in text")
	require.NotContains(t, err.Error(), `"good"`)
}

func TestCheckWithoutAnApp(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, inngestcel.Check(nil), "the app is nil")
}
