package flow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// announcements has what the app announces to the server for each option, given as a
// function and as a field of Config.
var announcements = []struct {
	name    string
	options []inngestkit.Option
	config  flow.Config
	want    string
}{
	{
		"nothing", nil, flow.Config{}, `{}`,
	},
	{
		"retries", one(flow.Retries(0)), flow.Config{Retries: new(0)}, `{"retries": 0}`,
	},
	{
		"concurrency",
		both(flow.Concurrency(2), flow.Concurrency(1, flow.Key("event.data.id"), flow.Scope(flow.ScopeEnv))),
		flow.Config{Concurrency: []flow.ConcurrencyConfig{{Limit: 2}, {Limit: 1, Key: "event.data.id", Scope: flow.ScopeEnv}}},
		`{"concurrency": [{"limit": 2, "scope": "Fn", "hash": ""}, {"limit": 1, "key": "event.data.id", "scope": "Env", "hash": ""}]}`,
	},
	{
		"concurrency with one key in two scopes",
		both(flow.Concurrency(2, flow.Key("'ai'"), flow.Scope(flow.ScopeFn)), flow.Concurrency(5, flow.Key("'ai'"), flow.Scope(flow.ScopeAccount))),
		flow.Config{Concurrency: []flow.ConcurrencyConfig{{Limit: 2, Key: "'ai'"}, {Limit: 5, Key: "'ai'", Scope: flow.ScopeAccount}}},
		`{"concurrency": [{"limit": 2, "key": "'ai'", "scope": "Fn", "hash": ""}, {"limit": 5, "key": "'ai'", "scope": "Account", "hash": ""}]}`,
	},
	{
		"concurrency of runs",
		one(flow.FnConcurrency(3, flow.Key("event.data.id"))),
		flow.Config{FnConcurrency: &flow.FnConcurrencyConfig{Limit: 3, Key: "event.data.id"}},
		`{"concurrency": {"fn": [{"limit": 3, "key": "event.data.id", "hash": ""}]}}`,
	},
	{
		// Older servers read the object as one limit on steps.
		"concurrency of runs and of steps",
		both(flow.FnConcurrency(3), flow.Concurrency(2, flow.Key("event.data.id"))),
		flow.Config{
			FnConcurrency: &flow.FnConcurrencyConfig{Limit: 3},
			Concurrency:   []flow.ConcurrencyConfig{{Limit: 2, Key: "event.data.id"}},
		},
		`{"concurrency": {
			"fn": [{"limit": 3, "hash": ""}],
			"step": [{"limit": 2, "key": "event.data.id", "scope": "Fn", "hash": ""}],
			"limit": 2, "key": "event.data.id", "scope": "Fn", "hash": ""
		}}`,
	},
	{
		"rate limit",
		one(flow.RateLimit(5, day, flow.Key("event.data.id"))),
		flow.Config{RateLimit: &flow.RateLimitConfig{Limit: 5, Period: day, Key: "event.data.id"}},
		`{"rateLimit": {"limit": 5, "period": "1d", "key": "event.data.id"}}`,
	},
	{
		"throttle",
		one(flow.Throttle(5, 7*day)),
		flow.Config{Throttle: &flow.ThrottleConfig{Limit: 5, Period: 7 * day}},
		`{"throttle": {"limit": 5, "period": "1w", "burst": 0}}`,
	},
	{
		"throttle with burst",
		one(flow.Throttle(5, time.Minute, flow.Burst(3), flow.Key("event.data.id"))),
		flow.Config{Throttle: &flow.ThrottleConfig{Limit: 5, Period: time.Minute, Burst: 3, Key: "event.data.id"}},
		`{"throttle": {"limit": 5, "period": "1m", "burst": 3, "key": "event.data.id"}}`,
	},
	{
		"debounce",
		one(flow.Debounce(7*day, flow.Timeout(30*day), flow.Key("event.data.id"))),
		flow.Config{Debounce: &flow.DebounceConfig{Period: 7 * day, Timeout: 30 * day, Key: "event.data.id"}},
		`{"debounce": {"period": "1w", "timeout": "4w2d", "key": "event.data.id"}}`,
	},
	{
		// Guard for hazard 28: the server does not read the SDK's "2d12h".
		"batch",
		one(flow.BatchEvents(2, 60*time.Hour, flow.Key("event.data.id"), flow.If("event.data.id != 'x'"))),
		flow.Config{BatchEvents: &flow.BatchConfig{MaxSize: 2, Timeout: 60 * time.Hour, Key: "event.data.id", If: "event.data.id != 'x'"}},
		`{"batchEvents": {"maxSize": 2, "timeout": "60h0m0s", "key": "event.data.id", "if": "event.data.id != 'x'"}}`,
	},
	{
		"batch on two conditions",
		one(flow.BatchEvents(2, time.Second, flow.If("event.data.id != 'x'"), flow.If("event.v == '1'"))),
		flow.Config{BatchEvents: &flow.BatchConfig{MaxSize: 2, Timeout: time.Second, If: "(event.data.id != 'x') && (event.v == '1')"}},
		`{"batchEvents": {"maxSize": 2, "timeout": "1s", "if": "(event.data.id != 'x') && (event.v == '1')"}}`,
	},
	{
		"priority and idempotency",
		both(flow.Priority("120"), flow.Idempotency("event.data.id")),
		flow.Config{Priority: "120", Idempotency: "event.data.id"},
		`{"priority": {"run": "120"}, "idempotency": "event.data.id"}`,
	},
	{
		"singleton that skips",
		one(flow.Singleton(flow.SingletonSkip)),
		flow.Config{Singleton: &flow.SingletonConfig{Mode: flow.SingletonSkip}},
		`{"singleton": {"mode": "skip"}}`,
	},
	{
		"singleton that cancels",
		one(flow.Singleton(flow.SingletonCancel, flow.Key("event.data.id"))),
		flow.Config{Singleton: &flow.SingletonConfig{Mode: flow.SingletonCancel, Key: "event.data.id"}},
		`{"singleton": {"mode": "cancel", "key": "event.data.id"}}`,
	},
	{
		"cancel-on",
		[]inngestkit.Option{
			flow.CancelOn(cancelled, flow.Match("data.id"), flow.If("async.data.id != 'x'"), flow.Timeout(36*time.Hour)),
			flow.CancelOn(cancelled, flow.Match("data.id")),
			flow.CancelOn(flow.EventNamed("shop/closed")),
		},
		flow.Config{CancelOn: []flow.CancelOnConfig{
			{Event: cancelled, Match: "data.id", If: "async.data.id != 'x'", Timeout: 36 * time.Hour},
			{Event: cancelled, Match: "data.id"},
			{Event: flow.EventNamed("shop/closed")},
		}},
		`{"cancel": [
			{"event": "order/cancelled", "if": "(event.data.id == async.data.id) && (async.data.id != 'x')", "timeout": "36h0m0s"},
			{"event": "order/cancelled", "if": "event.data.id == async.data.id"},
			{"event": "shop/closed"}
		]}`,
	},
	{
		"start timeout", one(flow.StartTimeout(time.Minute)), flow.Config{StartTimeout: time.Minute}, `{"timeouts": {"start": "1m"}}`,
	},
	{
		"both timeouts",
		both(flow.StartTimeout(day), flow.FinishTimeout(8*day+time.Millisecond)),
		flow.Config{StartTimeout: day, FinishTimeout: 8*day + time.Millisecond},
		`{"timeouts": {"start": "1d", "finish": "1w1d1ms"}}`,
	},
	{
		"checkpoint", one(flow.Checkpoint()), flow.Config{Checkpoint: &flow.CheckpointConfig{}}, `{"checkpoint": {}}`,
	},
	{
		// The SDK writes max_runtime as a number.
		"checkpoint with options",
		one(flow.Checkpoint(flow.BatchSteps(3), flow.BatchInterval(1500*time.Millisecond), flow.MaxRuntime(25*time.Hour))),
		flow.Config{Checkpoint: &flow.CheckpointConfig{BatchSteps: 3, BatchInterval: 1500 * time.Millisecond, MaxRuntime: 25 * time.Hour}},
		`{"checkpoint": {"batch_steps": 3, "batch_interval": "1.5s", "max_runtime": "25h0m0s"}}`,
	},
}

func TestAnnouncements(t *testing.T) {
	t.Parallel()
	for _, tc := range announcements {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.JSONEq(t, tc.want, asJSON(t, announced(t, tc.options...)))
			require.JSONEq(t, tc.want, asJSON(t, announced(t, tc.config)), "as a struct")
		})
	}
}

// The limits are inclusive.
func TestLimitsAreAllowed(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]inngestkit.Option{
		"least": {
			flow.Retries(0), flow.Concurrency(1), flow.FnConcurrency(1), flow.RateLimit(1, time.Second), flow.Throttle(1, time.Second),
			flow.Debounce(time.Second, flow.Timeout(time.Second)), flow.StartTimeout(1), flow.FinishTimeout(1),
			flow.CancelOn(cancelled, flow.Timeout(1)), flow.Checkpoint(flow.BatchSteps(1), flow.BatchInterval(1), flow.MaxRuntime(1)),
		},
		"most": {
			flow.Retries(20), flow.RateLimit(1, day), flow.Throttle(1, 7*day), flow.Debounce(7 * day),
			flow.CancelOn(cancelled), flow.CancelOn(cancelled, flow.If("1")), flow.CancelOn(cancelled, flow.If("2")),
			flow.CancelOn(cancelled, flow.If("3")), flow.CancelOn(cancelled, flow.If("4"), flow.Timeout(365*day)),
		},
		"least batch": {flow.BatchEvents(2, time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := register(t, options...)
			require.NoError(t, err)
		})
	}
}

// An option of a function replaces that of its group, even if it can be given several times.
func TestGroups(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name          string
		own, of, want []inngestkit.Option
	}{
		{"another option", one(flow.Retries(1)), one(flow.Priority("1")), both(flow.Retries(1), flow.Priority("1"))},
		{"the same option", one(flow.Retries(1)), one(flow.Retries(2)), one(flow.Retries(1))},
		{"the same option in a struct", one(flow.Retries(1)), one(flow.Config{Retries: new(2), Priority: "1"}),
			both(flow.Retries(1), flow.Priority("1"))},
		{"other concurrency", one(flow.Concurrency(1)), both(flow.Concurrency(2), flow.Concurrency(3, flow.Key("a"))), one(flow.Concurrency(1))},
		{"the group's concurrency", nil, both(flow.Concurrency(2), flow.Concurrency(3, flow.Key("a"))),
			both(flow.Concurrency(2), flow.Concurrency(3, flow.Key("a")))},
		{"of runs and of steps", one(flow.Concurrency(1)), one(flow.FnConcurrency(2)), both(flow.Concurrency(1), flow.FnConcurrency(2))},
		{"other cancel-on", one(flow.CancelOn(cancelled)), both(flow.CancelOn(placed), flow.CancelOn(cancelled)), one(flow.CancelOn(cancelled))},
		{"the group's cancel-on", nil, both(flow.CancelOn(placed), flow.CancelOn(cancelled)), both(flow.CancelOn(placed), flow.CancelOn(cancelled))},
		{"one timeout each", one(flow.StartTimeout(1)), both(flow.StartTimeout(2), flow.FinishTimeout(2)),
			both(flow.StartTimeout(1), flow.FinishTimeout(2))},
		{"wrong in the group, right in the function", one(flow.Concurrency(1)), one(flow.Concurrency(0)), one(flow.Concurrency(1))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got, want fnconfig.Config
			apply(&got, tc.own)
			got.NextLevel()
			apply(&got, tc.of)
			apply(&want, tc.want)
			require.Empty(t, got.Problems)
			require.Equal(t, want.Options, got.Options)
		})
	}
}

func apply(c *fnconfig.Config, options []inngestkit.Option) {
	for _, o := range options {
		fnconfig.Apply(o, c)
	}
}

func TestScopeNames(t *testing.T) {
	t.Parallel()
	for scope, name := range map[flow.ConcurrencyScope]string{
		flow.ScopeFn: "fn", flow.ScopeEnv: "env", flow.ScopeAccount: "account", 3: "unknown",
	} {
		require.Equal(t, name, scope.String())
	}
}
