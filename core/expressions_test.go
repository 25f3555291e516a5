package inngestkit_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

// expressionsOf returns the expressions of an app, one per line.
func expressionsOf(app *inngestkit.App) []string {
	var all []string
	for _, e := range app.Expressions() {
		all = append(all, fmt.Sprintf("%s %s %s %v", e.FunctionID, e.Field, e.Text, e.TwoEvents()))
	}
	return all
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t,
		inngestkit.OnEvent("first", inngestkit.AnyOf(opened, closed.If("event.data.plan == 'x'")), onAccount,
			flow.RateLimit(1, time.Minute, flow.Key("event.data.UserID")),
			flow.CancelOn(closed, flow.Match("data.plan"), flow.If("async.ts > 1"))),
		inngestkit.OnCron("none", "0 9 * * *", hello),
		inngestkit.NewGroup(flow.Priority("1 + 1")).Functions(onOpened(inngestkit.OnFailure[account, any](
			func(context.Context, inngestkit.Input[inngestkit.FailedRun[account]]) (any, error) { return nil, nil })))[0],
	)
	require.Equal(t, []string{
		"first If event.data.plan == 'x' false",
		"first RateLimit.Key event.data.UserID false",
		"first CancelOn.Match event.data.plan == async.data.plan true",
		"first CancelOn.If async.ts > 1 true",
		"fn Priority 1 + 1 false",
		`fn-failure If event.data.function_id == "app-fn" false`,
	}, expressionsOf(app))
	e := app.Expressions()
	require.NoError(t, e[0].CheckPath("event.data.UserID"))
	require.ErrorContains(t, e[0].CheckPath("event.data.userId"), `the type of event "account/closed", has no "userId"`)
	require.ErrorContains(t, e[1].CheckPath("async.data.UserID"), "has only the triggering event")
	require.NoError(t, e[2].CheckPath("async.data.tags"))
	require.ErrorContains(t, e[2].CheckPath("async.data.tags[0]"), "cannot compare an element of a list")
	require.ErrorContains(t, e[2].CheckPath("async.data.x"), `has no "x"`)
	require.ErrorContains(t, e[2].CheckPath("data.x"), "does not begin with event")
	require.ErrorContains(t, e[2].CheckPath("1 + 1"), "is not a path")
}

func TestExpressionsOfAdoptedFunctions(t *testing.T) {
	t.Setenv("INNGEST_DEV", "1")
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "bare"})
	require.NoError(t, err)
	text := func(s string) *string { return &s }
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{
		ID: "fn",
		Concurrency: &inngestgo.ConfigConcurrency{
			Step: []inngestgo.ConfigStepConcurrency{{Limit: 1}, {Limit: 1, Key: text("step")}},
			Fn:   []inngestgo.ConfigFnConcurrency{{Limit: 1, Key: text("runs")}},
		},
		RateLimit:   &inngestgo.ConfigRateLimit{Limit: 1, Period: time.Minute, Key: text("rate")},
		Throttle:    &inngestgo.ConfigThrottle{Limit: 1, Period: time.Minute, Key: text("throttle")},
		Debounce:    &inngestgo.ConfigDebounce{Period: time.Minute, Key: "debounce"},
		BatchEvents: &inngestgo.ConfigBatchEvents{MaxSize: 2, Timeout: time.Minute, Key: text("batch"), If: text("condition")},
		Singleton:   &inngestgo.ConfigSingleton{Key: text("singleton")},
		Priority:    &inngestgo.ConfigPriority{Run: text("priority")},
		Idempotency: text("event.data.anything"),
		Cancel:      []inngestgo.ConfigCancel{{Event: "e", If: text("cancel")}, {Event: "f"}},
	}, inngestgo.EventTrigger("e", text("if")), func(context.Context, inngestgo.Input[any]) (any, error) { return nil, nil })
	require.NoError(t, err)
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	require.Equal(t, []string{
		"fn If if false", "fn Concurrency.Key step false", "fn FnConcurrency.Key runs false", "fn RateLimit.Key rate false",
		"fn Throttle.Key throttle false", "fn Debounce.Key debounce false", "fn BatchEvents.Key batch false",
		"fn BatchEvents.If condition false", "fn Singleton.Key singleton false", "fn Priority priority false",
		"fn Idempotency event.data.anything false", "fn CancelOn.If cancel true",
	}, expressionsOf(app))
	e := app.Expressions()
	require.NoError(t, e[10].Check())
	require.ErrorContains(t, e[9].Check(), `has "priority", which is not known`)
	require.NoError(t, e[10].CheckPath("event.data.anything"))
	require.ErrorContains(t, e[10].CheckPath("event.dta"), "an event has no")
}

// The error names the functions with expressions, because the server does not.
func TestRefusedSyncNamesTheFunctionsWithExpressions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		functions, status int
		want              string
	}{
		{0, http.StatusBadRequest, "why; the server's log may say more"},
		{2, http.StatusBadRequest, "why; the server's log may say more. If the cause is an expression, it is in one of these functions: f0, f1"},
		{13, http.StatusUnprocessableEntity, "one of these functions: f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 and 3 more"},
		{2, http.StatusUnauthorized, `401 Unauthorized: why; it requires a signing key: set SigningKey \(INNGEST_SIGNING_KEY\)`},
	} {
		server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, `{"error":"why"}`)
		})
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(hello))
		for i := range tc.functions {
			require.NoError(t, app.Register(inngestkit.OnEvent(fmt.Sprintf("f%d", i), opened, onAccount,
				flow.Throttle(1, time.Minute, flow.Key("event.data.plan")), flow.Priority("1"))))
		}
		got := message(t, app.Do(t.Context(), request(http.MethodPut, "", "")))
		require.Regexp(t, tc.want+"$", got)
		require.NotContains(t, got, "event.data.plan", "expressions may have values in them")
	}
}
