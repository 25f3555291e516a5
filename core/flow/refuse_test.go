package flow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

type refusal struct {
	name    string
	options []inngestkit.Option
	want    []mistake
	reason  string
}

func one(o inngestkit.Option) []inngestkit.Option { return []inngestkit.Option{o} }

func both(a, b inngestkit.Option) []inngestkit.Option { return []inngestkit.Option{a, b} }

const day = 24 * time.Hour

// Each rule has one case, in which App.Register reports only that mistake.
func TestRefusals(t *testing.T) {
	t.Parallel()
	batch := flow.BatchEvents(10, time.Second)
	for _, group := range [][]refusal{
		{
			{"negative retries", one(flow.Retries(-1)), []mistake{{"Retries", -1}}, "at least 0 and at most 20"},
			{"too many retries", one(flow.Retries(21)), []mistake{{"Retries", 21}}, "at least 0 and at most 20"},
		},
		{
			{"concurrency of 0", one(flow.Concurrency(0)), []mistake{{"Concurrency", 0}}, "at least 1"},
			{"three limits", []inngestkit.Option{
				flow.Concurrency(1), flow.Concurrency(2, flow.Key("event.data.id")), flow.Concurrency(3, flow.Key("event.id")),
			}, []mistake{{"Concurrency", 3}}, "one limit too many; a function has at most 2"},
			{"one limit twice", both(flow.Concurrency(1), flow.Concurrency(2)), []mistake{{"Concurrency", 2}}, "has the same key"},
			{"one key twice", both(flow.Concurrency(1, flow.Key("event.data.id")), flow.Concurrency(2, flow.Key("event.data.id"))),
				[]mistake{{"Concurrency", 2}}, "has the same key"},
			{"empty key", one(flow.Concurrency(1, flow.Key(""))), []mistake{{"Concurrency.Key", ""}}, "leave Key out"},
			{"environment without key", one(flow.Concurrency(1, flow.Scope(flow.ScopeEnv))), []mistake{{"Concurrency.Scope", "env"}}, "needs a Key"},
			{"account without key", one(flow.Concurrency(1, flow.Scope(flow.ScopeAccount))),
				[]mistake{{"Concurrency.Scope", "account"}}, "needs a Key"},
			{"no scope", one(flow.Concurrency(1, flow.Key("event.data.id"), flow.Scope(3))), []mistake{{"Concurrency.Scope", 3}}, "is not a scope"},
			{"runs: limit of 0", one(flow.FnConcurrency(0)), []mistake{{"FnConcurrency", 0}}, "at least 1"},
			{"runs: empty key", one(flow.FnConcurrency(1, flow.Key(""))), []mistake{{"FnConcurrency.Key", ""}}, "leave Key out"},
			{"runs: two limits", both(flow.FnConcurrency(1), flow.FnConcurrency(2, flow.Key("event.data.id"))),
				[]mistake{{"FnConcurrency", 2}}, "given twice"},
		},
		{
			{"rate limit of 0", one(flow.RateLimit(0, time.Minute)), []mistake{{"RateLimit", 0}}, "at least 1"},
			{"rate limit in less than a second", one(flow.RateLimit(1, 0)),
				[]mistake{{"RateLimit.Period", "0s"}}, "at least 1s and at most 24h0m0s"},
			{"rate limit in more than a day", one(flow.RateLimit(1, day+time.Second)),
				[]mistake{{"RateLimit.Period", "24h0m1s"}}, "at least 1s and at most 24h0m0s"},
			{"rate limit in half seconds", one(flow.RateLimit(1, 1500*time.Millisecond)),
				[]mistake{{"RateLimit.Period", "1.5s"}}, "not in whole seconds"},
			{"rate limit with an empty key", one(flow.RateLimit(1, day, flow.Key(""))), []mistake{{"RateLimit.Key", ""}}, "leave Key out"},
		},
		{
			{"throttle of 0", one(flow.Throttle(0, time.Minute)), []mistake{{"Throttle", 0}}, "at least 1"},
			{"throttle in less than a second", one(flow.Throttle(1, 0)), []mistake{{"Throttle.Period", "0s"}}, "at least 1s and at most 168h0m0s"},
			{"throttle in more than a week", one(flow.Throttle(1, 7*day+time.Second)),
				[]mistake{{"Throttle.Period", "168h0m1s"}}, "at least 1s and at most 168h0m0s"},
			{"throttle in half seconds", one(flow.Throttle(1, 1500*time.Millisecond)),
				[]mistake{{"Throttle.Period", "1.5s"}}, "not in whole seconds"},
			{"burst of 0", one(flow.Throttle(1, day, flow.Burst(0))), []mistake{{"Throttle.Burst", 0}}, "at least 1"},
			{"throttle with an empty key", one(flow.Throttle(1, day, flow.Key(""))), []mistake{{"Throttle.Key", ""}}, "leave Key out"},
		},
		{
			{"debounce of less than a second", one(flow.Debounce(0)), []mistake{{"Debounce.Period", "0s"}}, "at least 1s and at most 168h0m0s"},
			{"debounce of more than a week", one(flow.Debounce(7*day + time.Second)),
				[]mistake{{"Debounce.Period", "168h0m1s"}}, "at least 1s and at most 168h0m0s"},
			{"debounce of half seconds", one(flow.Debounce(1500 * time.Millisecond)), []mistake{{"Debounce.Period", "1.5s"}}, "not in whole seconds"},
			{"debounce shorter in all than once", one(flow.Debounce(time.Minute, flow.Timeout(time.Second))),
				[]mistake{{"Debounce.Timeout", "1s"}}, "shorter than the period of 1m0s"},
			{"debounce with an empty key", one(flow.Debounce(day, flow.Key(""))), []mistake{{"Debounce.Key", ""}}, "leave Key out"},
		},
		{
			{"batch of 1", one(flow.BatchEvents(1, time.Second)), []mistake{{"BatchEvents.MaxSize", 1}}, "at least 2 events"},
			{"batch in less than a second", one(flow.BatchEvents(2, time.Second-1)),
				[]mistake{{"BatchEvents.Timeout", "999.999999ms"}}, "at least 1s"},
			{"batch with an empty key", one(flow.BatchEvents(2, time.Second, flow.Key(""))), []mistake{{"BatchEvents.Key", ""}}, "leave Key out"},
			{"batch on an empty condition", one(flow.BatchEvents(2, time.Second, flow.If(""))), []mistake{{"BatchEvents.If", ""}}, "is empty"},
			{"batch and cancel-on", both(batch, flow.CancelOn(cancelled)), []mistake{{"BatchEvents", 10}}, "cannot be combined with CancelOn: the server refuses"},
			{"batch and debounce", both(batch, flow.Debounce(day)), []mistake{{"BatchEvents", 10}}, "cannot be combined with Debounce: the server refuses"},
			{"batch and singleton", both(batch, flow.Singleton(flow.SingletonSkip)),
				[]mistake{{"BatchEvents", 10}}, "cannot be combined with Singleton: the server refuses"},
			{"batch and priority", both(batch, flow.Priority("1")), []mistake{{"BatchEvents", 10}}, "cannot be combined with Priority: the server refuses"},
			{"batch and rate limit", both(batch, flow.RateLimit(1, day)), []mistake{{"BatchEvents", 10}}, "cannot be combined with RateLimit: it would not limit"},
			{"batch and idempotency", both(flow.Idempotency("event.id"), batch), []mistake{{"BatchEvents", 10}}, "cannot be combined with Idempotency: it would not apply"},
		},
		{
			{"empty priority", one(flow.Priority("")), []mistake{{"Priority", ""}}, "is empty"},
			{"empty idempotency", one(flow.Idempotency("")), []mistake{{"Idempotency", ""}}, "is empty"},
			{"idempotency and rate limit", both(flow.RateLimit(1, day), flow.Idempotency("event.id")),
				[]mistake{{"Idempotency", "event.id"}}, "cannot be combined with RateLimit"},
			{"no mode", one(flow.Singleton(0)), []mistake{{"Singleton.Mode", 0}}, "is not a mode"},
			{"singleton with an empty key", one(flow.Singleton(flow.SingletonSkip, flow.Key(""))), []mistake{{"Singleton.Key", ""}}, "leave Key out"},
		},
		{
			{"cancel on no event", one(flow.CancelOn(nil)), []mistake{{"CancelOn", nil}}, "without a name"},
			{"cancel on a name with white space", one(flow.CancelOn(flow.EventNamed("order/gone\n"))), []mistake{{"CancelOn", "order/gone\n"}}, "white space around it"},
			{"cancel on an event without a name", one(flow.CancelOn(flow.EventNamed(""))), []mistake{{"CancelOn", nil}}, "without a name"},
			{"cancel on six events", []inngestkit.Option{
				flow.CancelOn(cancelled), flow.CancelOn(cancelled, flow.If("1")), flow.CancelOn(cancelled, flow.If("2")),
				flow.CancelOn(cancelled, flow.If("3")), flow.CancelOn(cancelled, flow.If("4")), flow.CancelOn(flow.EventNamed("e")),
			}, []mistake{{"CancelOn", "e"}}, "one event too many; a function has at most 5"},
			{"cancel on an event twice", both(flow.CancelOn(cancelled), flow.CancelOn(cancelled, flow.Timeout(day))),
				[]mistake{{"CancelOn", "order/cancelled"}}, "given twice with the same condition"},
			{"cancel on a match twice", both(flow.CancelOn(cancelled, flow.Match("data.id")), flow.CancelOn(cancelled, flow.Match("data.id"))),
				[]mistake{{"CancelOn", "order/cancelled"}}, "given twice with the same condition"},
			{"cancel on an empty condition", one(flow.CancelOn(cancelled, flow.If(""))), []mistake{{"CancelOn.If", ""}}, "is empty"},
			{"cancel on an empty match", one(flow.CancelOn(cancelled, flow.Match(""))), []mistake{{"CancelOn.Match", ""}}, "is empty"},
			{"match of one event's path", one(flow.CancelOn(cancelled, flow.Match("event.data.id"))),
				[]mistake{{"CancelOn.Match", "event.data.id"}}, `leave out "event."`},
			{"cancel for no time", one(flow.CancelOn(cancelled, flow.Timeout(0))), []mistake{{"CancelOn.Timeout", "0s"}}, "more than 0 and at most 365 days"},
			{"cancel for more than a year", one(flow.CancelOn(cancelled, flow.Timeout(365*day+1))),
				[]mistake{{"CancelOn.Timeout", "8760h0m0.000000001s"}}, "more than 0 and at most 365 days"},
		},
		{
			{"start in no time", one(flow.StartTimeout(0)), []mistake{{"StartTimeout", "0s"}}, "more than 0"},
			{"finish in negative time", one(flow.FinishTimeout(-1)), []mistake{{"FinishTimeout", "-1ns"}}, "more than 0"},
			{"checkpoint of no steps", one(flow.Checkpoint(flow.BatchSteps(0))), []mistake{{"Checkpoint.BatchSteps", 0}}, "at least 1"},
			{"checkpoint in no time", one(flow.Checkpoint(flow.BatchInterval(0))), []mistake{{"Checkpoint.BatchInterval", "0s"}}, "more than 0"},
			{"run for no time", one(flow.Checkpoint(flow.MaxRuntime(-1))), []mistake{{"Checkpoint.MaxRuntime", "-1ns"}}, "more than 0"},
			{"nil among options", one(flow.Concurrency(1, nil)), []mistake{{"Concurrency", nil}}, "has a nil option"},
			{"key twice", one(flow.Concurrency(1, flow.Key("event.data.id"), flow.Key("event.id"))), []mistake{{"Concurrency.Key", nil}}, "given twice"},
		},
	} {
		for _, tc := range group {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				app, err := register(t, tc.options...)
				require.ErrorContains(t, err, tc.reason)
				require.Equal(t, tc.want, mistakes(t, err))
				require.Empty(t, app.FunctionIDs())
			})
		}
	}
}

// Every option except Concurrency and CancelOn may be given once, as a function or as a
// field of Config.
func TestTwice(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]struct {
		function, config inngestkit.Option
	}{
		"Retries":       {flow.Retries(0), flow.Config{Retries: new(0)}},
		"FnConcurrency": {flow.FnConcurrency(1), flow.Config{FnConcurrency: &flow.FnConcurrencyConfig{Limit: 1}}},
		"RateLimit":     {flow.RateLimit(1, day), flow.Config{RateLimit: &flow.RateLimitConfig{Limit: 1, Period: day}}},
		"Throttle":      {flow.Throttle(1, day), flow.Config{Throttle: &flow.ThrottleConfig{Limit: 1, Period: day}}},
		"Debounce":      {flow.Debounce(day), flow.Config{Debounce: &flow.DebounceConfig{Period: day}}},
		"BatchEvents":   {flow.BatchEvents(2, day), flow.Config{BatchEvents: &flow.BatchConfig{MaxSize: 2, Timeout: day}}},
		"Priority":      {flow.Priority("1"), flow.Config{Priority: "1"}},
		"Idempotency":   {flow.Idempotency("1"), flow.Config{Idempotency: "1"}},
		"Singleton": {flow.Singleton(flow.SingletonSkip),
			flow.Config{Singleton: &flow.SingletonConfig{Mode: flow.SingletonSkip}}},
		"StartTimeout":  {flow.StartTimeout(day), flow.Config{StartTimeout: day}},
		"FinishTimeout": {flow.FinishTimeout(day), flow.Config{FinishTimeout: day}},
		"Checkpoint":    {flow.Checkpoint(), flow.Config{Checkpoint: &flow.CheckpointConfig{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, options := range [][]inngestkit.Option{
				both(option.function, option.function), both(option.config, option.config), both(option.function, option.config),
			} {
				_, err := register(t, options...)
				require.ErrorContains(t, err, "is given twice; give it once")
				all := mistakes(t, err)
				require.Len(t, all, 1)
				require.Equal(t, name, all[0].field)
			}
		})
	}
}

// App.Register reports all mistakes at once, with function, field and value.
func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := register(t, flow.Retries(50), flow.Concurrency(0, flow.Scope(flow.ScopeEnv)),
		flow.BatchEvents(1, 0, flow.If("")), flow.Priority(""), flow.CancelOn(nil, flow.Match("")))
	require.Equal(t, []mistake{
		{"Retries", 50}, {"Concurrency", 0}, {"Concurrency.Scope", "env"},
		{"BatchEvents.MaxSize", 1}, {"BatchEvents.Timeout", "0s"}, {"BatchEvents.If", ""},
		{"Priority", ""}, {"CancelOn", nil}, {"CancelOn.Match", ""},
		{"BatchEvents", 1}, {"BatchEvents", 1},
	}, mistakes(t, err))
	require.ErrorContains(t, err, `inngestkit: function "fn": Retries 50 is out of range; it must be at least 0 and at most 20`)
}
