package inngestkit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

type foreignOption struct{}

func (foreignOption) FunctionOption() any { return "Retries" }

func TestRegisterKeepsTheOrder(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	var want []string
	for _, id := range []string{"z", "a", "m.2", "B_1", "k-9"} {
		require.NoError(t, app.Register(inngestkit.OnEvent(id, signedUp, hello)))
		want = append(want, id)
	}
	require.Equal(t, want, app.FunctionIDs())
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	event := func(id string, options ...inngestkit.Option) inngestkit.Function {
		return inngestkit.OnEvent(id, signedUp, hello, options...)
	}
	cron := func(schedule string) inngestkit.Function {
		return inngestkit.OnCron("fn", schedule, hello)
	}
	long := strings.Repeat("x", 256)
	many := make([]inngestkit.Trigger[user], 11)
	for i := range many {
		many[i] = inngestkit.DefineEvent[user](strings.Repeat("e", i+1))
	}
	for _, tc := range []struct {
		name     string
		function inngestkit.Function
		field    string
		reason   string
	}{
		{"zero value", inngestkit.TypedFunction[any, any]{}, "Handler", "make functions with OnEvent or OnCron"},
		{"no ID", event(""), "ID", "malformed"},
		{"ID with a space", event("a b"), "ID", "malformed"},
		{"ID with a slash", event("a/b"), "ID", "malformed"},
		{"ID that begins with a hyphen", event("-a"), "ID", "malformed"},
		{"nil handler", inngestkit.OnEvent[user, any]("fn", signedUp, nil), "Handler", "missing"},
		{"nil trigger", inngestkit.OnEvent("fn", nil, hello[user]), "Trigger", "at least one"},
		{"no triggers", inngestkit.OnEvent("fn", inngestkit.AnyOf[user](), hello), "Trigger", "at least one"},
		{"nil among triggers", inngestkit.OnEvent("fn", inngestkit.AnyOf(signedUp, nil), hello), "Trigger", "without a name"},
		{"too many triggers", inngestkit.OnEvent("fn", inngestkit.AnyOf(many...), hello), "Trigger", "at most 10"},
		{"trigger twice", inngestkit.OnEvent("fn", inngestkit.AnyOf[user](signedUp, signedUp), hello), "Trigger", "given twice"},
		{"event without a name", inngestkit.OnEvent("fn", inngestkit.DefineEvent[user](""), hello), "Trigger", "without a name"},
		{"long event name", inngestkit.OnEvent("fn", inngestkit.DefineEvent[user](long), hello), "Trigger", "at most 255 bytes, this one has 256"},
		{"event name with a trailing space", inngestkit.OnEvent("fn", inngestkit.DefineEvent[user]("user/created "), hello), "Trigger", "white space around it"},
		{"event name with a line break", inngestkit.OnEvent("fn", inngestkit.AnyOf(signedUp, inngestkit.DefineEvent[user]("a\nb")), hello), "Trigger", "control characters"},
		{"empty condition", inngestkit.OnEvent("fn", signedUp.If(""), hello), "If", "is empty"},
		{"event data that is not an object", inngestkit.OnEvent("fn", inngestkit.DefineEvent[int]("e"),
			func(context.Context, inngestkit.Input[int]) (any, error) { return nil, nil }), "Event", "use a struct or a map"},
		{"slice as event data", inngestkit.OnEvent("fn", inngestkit.DefineEvent[[]user]("e"),
			func(context.Context, inngestkit.Input[[]user]) (any, error) { return nil, nil }), "Event", "use a struct or a map"},
		{"interface as event data", inngestkit.OnEvent("fn", inngestkit.DefineEvent[error]("e"),
			func(context.Context, inngestkit.Input[error]) (any, error) { return nil, nil }), "Event", "JSON cannot be decoded into the interface error"},
		{"opaque event data", inngestkit.OnEvent("fn", inngestkit.DefineEvent[opaque]("e"),
			func(context.Context, inngestkit.Input[opaque]) (any, error) { return nil, nil }), "Event", "opaque has no exported field"},
		{"lost in the output", onSignUp(returnsNothing[amounts]), "Handler", "cannot be the output, which is JSON: field ByItem: the JSON of each big.Int"},
		{"function as output", onSignUp(returnsNothing[func()]), "Handler", "cannot be the output, which is JSON: JSON has no func"},
		{"channel in the output", onSignUp(returnsNothing[map[string]struct{ C chan int }]), "Handler", "field C: JSON has no chan"},
		{"error as output", onSignUp(returnsNothing[error]), "Handler", "the JSON of an error does not have its message"},
		{"opaque output", onSignUp(returnsNothing[*opaque]), "Handler", "opaque has no exported field"},
		{"bad cron", cron("every day"), "Cron", "not a five-field schedule"},
		{"cron with six fields", cron("0 0 9 * * *"), "Cron", "not a five-field schedule"},
		{"cron descriptor", cron("@daily"), "Cron", "not a five-field schedule"},
		{"cron zone alone", cron("TZ=UTC"), "Cron", "not a five-field schedule"},
		{"cron unknown zone", cron("TZ=Nowhere/Town 0 9 * * *"), "Cron", `"Nowhere/Town" is not in this machine's time zone database; ` +
			`give a name such as "Europe/Paris", or import time/tzdata`},
		{"cron local zone", cron("CRON_TZ=Local 0 9 * * *"), "Cron", "the zone of the Inngest server"},
		{"empty cron", cron(""), "Cron", "not a five-field schedule"},
		{"long cron", cron(long), "Cron", "at most 255 bytes"},
		{"nil option", event("fn", nil), "Option", "is nil"},
		{"option of another package", event("fn", foreignOption{}), "Option", "not an option of package inngestkit or flow"},
		{"empty name", event("fn", inngestkit.Name("")), "Name", "is empty"},
		{"name twice", event("fn", inngestkit.Name("a"), inngestkit.Name("b")), "Name", "given twice"},
		{"negative retries", event("fn", flow.Retries(-1)), "Retries", "at least 0 and at most 20"},
		{"too many retries", event("fn", flow.Retries(21)), "Retries", "at least 0 and at most 20"},
		{"retries twice", event("fn", flow.Retries(1), flow.Retries(2)), "Retries", "given twice"},
		{"zero concurrency", event("fn", flow.Concurrency(0)), "Concurrency", "at least 1"},
		{"three concurrency limits", event("fn", flow.Concurrency(1), flow.Concurrency(2, flow.Key("event.data.id")), flow.Concurrency(3, flow.Key("event.id"))), "Concurrency", "at most 2"},
		{"same concurrency twice", event("fn", flow.Concurrency(1), flow.Concurrency(2)), "Concurrency", "same key"},
		{"empty key", event("fn", flow.Concurrency(1, flow.Key(""))), "Concurrency.Key", "is empty"},
		{"zero rate limit", event("fn", flow.RateLimit(0, time.Minute)), "RateLimit", "at least 1"},
		{"short rate limit period", event("fn", flow.RateLimit(1, time.Millisecond)), "RateLimit.Period", "at least 1s and at most 24h"},
		{"long rate limit period", event("fn", flow.RateLimit(1, 25*time.Hour)), "RateLimit.Period", "at least 1s and at most 24h"},
		{"rate limit twice", event("fn", flow.RateLimit(1, time.Minute), flow.RateLimit(1, time.Hour)), "RateLimit", "given twice"},
		{"zero throttle", event("fn", flow.Throttle(0, time.Minute)), "Throttle", "at least 1"},
		{"throttle with broken seconds", event("fn", flow.Throttle(1, 1500*time.Millisecond)), "Throttle.Period", "whole seconds"},
		{"long throttle period", event("fn", flow.Throttle(1, 8*24*time.Hour)), "Throttle.Period", "at most 168h"},
		{"zero burst", event("fn", flow.Throttle(1, time.Minute, flow.Burst(0))), "Throttle.Burst", "at least 1"},
		{"short debounce", event("fn", flow.Debounce(time.Millisecond)), "Debounce.Period", "at least 1s"},
		{"long debounce", event("fn", flow.Debounce(8*24*time.Hour)), "Debounce.Period", "at most 168h"},
		{"short debounce timeout", event("fn", flow.Debounce(time.Minute, flow.Timeout(time.Second))), "Debounce.Timeout", "shorter than the period"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t)
			err := app.Register(tc.function)
			var mistake *inngestkit.RegistrationError
			require.ErrorAs(t, err, &mistake)
			require.Contains(t, err.Error(), tc.reason)
			require.Contains(t, fields(err), tc.field)
			require.Empty(t, app.FunctionIDs())
		})
	}
}

// fields returns the fields of all mistakes in err.
func fields(err error) []string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var all []string
	for _, e := range joined.Unwrap() {
		if mistake := new(inngestkit.RegistrationError); errors.As(e, &mistake) {
			all = append(all, mistake.Field)
		}
	}
	return all
}

func TestRegisterListsAllMistakesAndAddsNothing(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, inngestkit.OnEvent("first", signedUp, hello))
	err := app.Register(
		inngestkit.OnEvent("good", signedUp, hello),
		inngestkit.OnEvent("good", signedUp, hello),
		inngestkit.OnEvent("first", signedUp, hello),
		inngestkit.OnEvent[user, any]("bad id", nil, nil),
		inngestkit.OnCron("report", "daily", hello, flow.Retries(99)),
	)
	require.Error(t, err)
	require.Equal(t, []string{"ID", "ID", "ID", "Handler", "Trigger", "Cron", "Retries"}, fields(err))
	for _, part := range []string{`function "good"`, `function "first"`, `function "bad id"`, `function "report"`, "99", `"daily"`} {
		require.Contains(t, err.Error(), part)
	}
	require.Equal(t, []string{"first"}, app.FunctionIDs())
}

func TestRegisterAccepts(t *testing.T) {
	t.Parallel()
	pointer := func(_ context.Context, in inngestkit.Input[*user]) (string, error) { return in.Event.Data.ID, nil }
	app, _ := newApp(t,
		inngestkit.OnEvent("fn", inngestkit.DefineEvent[*user]("user/signed-up"), pointer),
		inngestkit.OnCron("paris", "TZ=Europe/Paris 0 9 * * 1-5", func(context.Context, inngestkit.CronInput) (any, error) { return nil, nil }),
		inngestkit.OnEvent("any-of", inngestkit.AnyOf(signedUp, signedUp.If("event.data.id != ''")), hello),
		inngestkit.OnEvent("limits", signedUp, hello, inngestkit.Name("Limits"), flow.Retries(0),
			flow.Concurrency(1), flow.Concurrency(2, flow.Key("event.data.id")),
			flow.Throttle(1, 7*24*time.Hour, flow.Burst(5), flow.Key("event.data.id")),
			flow.RateLimit(1, 24*time.Hour, flow.Key("event.data.id")),
			flow.Debounce(7*24*time.Hour, flow.Key("event.data.id"), flow.Timeout(30*24*time.Hour))),
	)
	require.Equal(t, `"u1"`, string(callFn(t.Context(), t, app, signUpEnvelope(user{ID: "u1"})).Body), "hazard 16: pointer types")
}
