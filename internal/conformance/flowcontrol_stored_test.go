package conformance

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// stored lists what the server has understood of every option. The times are a day or more,
// where the server's two syntaxes for durations differ: if it could not read one, it would
// have refused the sync.
//
// The oldest server ignores jitter, limits on runs and checkpoints; the tests of package
// flow show what it gets.
var stored = []struct {
	function inngestkit.Function
	want     string
	// oldest is what the oldest server has instead, by key; null means nothing.
	oldest string
}{
	{
		inngestkit.OnEvent("limits", storedEvent, seen(new(counter)), flow.Retries(7),
			flow.Concurrency(4), flow.Concurrency(5, flow.Key("event.data.id"), flow.Scope(flow.ScopeEnv)),
			flow.Throttle(2, 7*day, flow.Burst(3), flow.Key("event.data.id")),
			flow.RateLimit(2, day, flow.Key("event.data.id")),
			flow.Debounce(7*day, flow.Timeout(30*day), flow.Key("event.data.id")),
			flow.Priority("120"), flow.Singleton(flow.SingletonCancel, flow.Key("event.data.id")),
			flow.CancelOn(wokenEvent, flow.Match("data.id"), flow.Timeout(365*day)),
			flow.StartTimeout(2*day), flow.FinishTimeout(36*time.Hour+500*time.Millisecond),
			flow.Checkpoint(flow.BatchSteps(3), flow.BatchInterval(time.Second), flow.MaxRuntime(day))),
		`{
			"triggers": [{"event": "flow/stored"}],
			"concurrency": [
				{"limit": 4, "scope": "Fn", "hash": ""},
				{"limit": 5, "scope": "Env", "key": "event.data.id", "hash": "1qli8ewrvdw7i"}
			],
			"throttle": {"limit": 2, "period": "1w", "burst": 3, "key": "event.data.id"},
			"rateLimit": {"limit": 2, "period": "1d", "key": "event.data.id"},
			"debounce": {"period": "1w", "timeout": "4w2d", "key": "event.data.id"},
			"priority": {"run": "120"},
			"singleton": {"mode": "cancel", "key": "event.data.id"},
			"cancel": [{"event": "flow/woken", "if": "event.data.id == async.data.id", "timeout": "8760h0m0s"}],
			"timeouts": {"start": "2d", "finish": "1d12h500ms"},
			"checkpoint": {"batch_steps": 3, "batch_interval": "1s", "max_runtime": "1d"},
			"retries": 7
		}`,
		`{"checkpoint": null}`,
	},
	{
		inngestkit.OnEvent("batch", storedEvent, seen(new(counter)),
			flow.BatchEvents(50, 2*day, flow.Key("event.data.id"), flow.If("event.data.id != ''"))),
		`{
			"triggers": [{"event": "flow/stored"}],
			"batchEvents": {"maxSize": 50, "timeout": "48h0m0s", "key": "event.data.id", "if": "event.data.id != ''"}
		}`,
		`{}`,
	},
	{
		// This is why it cannot be combined with a rate limit.
		inngestkit.OnEvent("idempotent", storedEvent, seen(new(counter)), flow.Idempotency("event.data.id")),
		`{
			"triggers": [{"event": "flow/stored"}],
			"rateLimit": {"limit": 1, "period": "24h0m0s", "key": "event.data.id"}
		}`,
		`{}`,
	},
	{
		inngestkit.OnEvent("runs", storedEvent, seen(new(counter)), flow.FnConcurrency(3), flow.Concurrency(2, flow.Key("event.data.id"))),
		`{
			"triggers": [{"event": "flow/stored"}],
			"concurrency": {
				"fn": [{"limit": 3}],
				"step": [{"limit": 2, "scope": "Fn", "key": "event.data.id", "hash": "1qli8ewrvdw7i"}]
			}
		}`,
		`{"concurrency": [{"limit": 2, "scope": "Fn", "key": "event.data.id", "hash": "1qli8ewrvdw7i"}]}`,
	},
	{
		inngestkit.OnEvent("schedule", inngestkit.AnyOfTypes(
			storedEvent.If("event.data.id == 'x'"), inngestkit.Cron("0 9 * * *"), inngestkit.Cron("0 18 * * 1-5"),
		), func(context.Context, inngestkit.Input[any]) (any, error) { return nil, nil }, inngestkit.TimeZone("Europe/Paris"), inngestkit.Jitter(5*time.Minute)),
		`{"triggers": [
			{"event": "flow/stored", "expression": "event.data.id == 'x'"},
			{"cron": "TZ=Europe/Paris 0 9 * * *", "jitter": "5m0s"},
			{"cron": "TZ=Europe/Paris 0 18 * * 1-5", "jitter": "5m0s"}
		]}`,
		`{"triggers": [
			{"event": "flow/stored", "expression": "event.data.id == 'x'"},
			{"cron": "TZ=Europe/Paris 0 9 * * *"},
			{"cron": "TZ=Europe/Paris 0 18 * * 1-5"}
		]}`,
	},
}

const day = 24 * time.Hour

var (
	storedEvent = inngestkit.DefineEvent[user]("flow/stored")
	wokenEvent  = inngestkit.DefineEvent[user]("flow/woken")
)

func TestFlowControlIsStored(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	functions := make([]inngestkit.Function, len(stored))
	for i, tc := range stored {
		functions[i] = tc.function
	}
	serve(t, server, adapters[0], "stored", "", functions...)
	registered, err := server.Functions(testsite.Within(t))
	require.NoError(t, err)
	for _, tc := range stored {
		t.Run(tc.function.ID(), func(t *testing.T) {
			t.Parallel()
			slug := "stored-" + tc.function.ID()
			i := slices.IndexFunc(registered, func(f devserver.Function) bool { return f.Slug == slug })
			require.GreaterOrEqual(t, i, 0, "not registered")
			want := object(t, []byte(tc.want))
			if oldest(server) {
				for key, value := range object(t, []byte(tc.oldest)) {
					want[key] = value
					if value == nil {
						delete(want, key)
					}
				}
			}
			require.Equal(t, want, flowControl(t, registered[i]))
		})
	}
}

// flowControl returns what the server knows about a function, without what it knows about
// every function, and with the retries, which it stores with the step.
func flowControl(t *testing.T, f devserver.Function) map[string]any {
	t.Helper()
	config := object(t, f.Config)
	step := config["steps"].([]any)[0].(map[string]any)
	if retries, ok := step["retries"]; ok {
		config["retries"] = retries
	}
	for _, key := range []string{"id", "fv", "name", "slug", "steps"} {
		require.Contains(t, config, key)
		delete(config, key)
	}
	return config
}

func object(t *testing.T, text []byte) (decoded map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(text, &decoded), "%s", text)
	return decoded
}
