package inngestkit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

// onCron returns a function with the ID fn and a schedule.
func onCron(schedule string, options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnCron("fn", schedule, hello, options...)
}

// onAny returns a function with the ID fn and several triggers.
func onAny[T any](triggers inngestkit.Trigger[T], options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent("fn", triggers, hello, options...)
}

func TestScheduleRefusals(t *testing.T) {
	t.Parallel()
	const nine = "0 9 * * *"
	// With its time zone it is one byte too long.
	long := strings.Repeat(" ", 255-len(nine)-len("TZ=UTC ")+1) + nine
	for _, tc := range []struct {
		name     string
		function inngestkit.Function
		field    string
		value    any
		reason   string
	}{
		{"unknown zone", onCron(nine, inngestkit.TimeZone("Europe/Pari")), "TimeZone", "Europe/Pari", "not in this machine's time zone database"},
		{"no zone", onCron(nine, inngestkit.TimeZone("")), "TimeZone", "", "is empty"},
		{"local zone", onCron(nine, inngestkit.TimeZone("Local")), "TimeZone", "Local", "the zone of the Inngest server"},
		{"zone twice", onCron(nine, inngestkit.TimeZone("UTC"), inngestkit.TimeZone("Asia/Tokyo")), "TimeZone", "Asia/Tokyo", "given twice"},
		{"zone in a struct too", onCron(nine, inngestkit.TimeZone("UTC"), flow.Config{TimeZone: "Asia/Tokyo"}), "TimeZone", "Asia/Tokyo", "given twice"},
		{"zone in the schedule too", onCron("TZ=UTC "+nine, inngestkit.TimeZone("Asia/Tokyo")), "TimeZone", "Asia/Tokyo",
			`the schedule "TZ=UTC 0 9 * * *", which names one itself`},
		{"zone in the schedule in the other way", onCron("CRON_TZ=UTC "+nine, inngestkit.TimeZone("Asia/Tokyo")), "TimeZone", "Asia/Tokyo",
			"names one itself"},
		{"zone without a schedule", onSignUp(hello, inngestkit.TimeZone("UTC")), "TimeZone", "UTC", "is for schedules"},
		{"too long with its zone", onCron(long, inngestkit.TimeZone("UTC")), "Cron", "TZ=UTC " + long, "at most 255 bytes, this one has 256 with its time zone"},
		{"short jitter", onCron(nine, inngestkit.Jitter(time.Second-1)), "Jitter", "999.999999ms", "must be 0, or from 1s to 5m0s"},
		{"long jitter", onCron(nine, inngestkit.Jitter(5*time.Minute+1)), "Jitter", "5m0.000000001s", "must be 0, or from 1s to 5m0s"},
		{"negative jitter", onCron(nine, inngestkit.Jitter(-time.Second)), "Jitter", "-1s", "must be 0, or from 1s to 5m0s"},
		{"jitter twice", onCron(nine, inngestkit.Jitter(time.Second), flow.Config{Jitter: time.Minute}), "Jitter", "1m0s", "given twice"},
		{"jitter without a schedule", onSignUp(hello, inngestkit.Jitter(time.Second)), "Jitter", "1s", "is for schedules"},
		{"bad schedule among others", onAny(inngestkit.AnyOfTypes(signedUp, inngestkit.Cron("daily"))), "Cron", "daily", "not a five-field schedule"},
		{"30 February", onCron("0 0 30 2 *"), "Cron", "0 0 30 2 *", "never fires"},
		{"31st of short months", onCron("TZ=Asia/Tokyo 0 0 31 2,4,6,9,11 *"), "Cron", "TZ=Asia/Tokyo 0 0 31 2,4,6,9,11 *", "never fires"},
		{"debounced schedule", onCron(nine, flow.Debounce(5*time.Second)), "Debounce", "5s", "cannot be combined with a schedule"},
		{"debounced schedule among events", onAny(inngestkit.AnyOfTypes(signedUp, inngestkit.Cron(nine)),
			flow.Config{Debounce: &flow.DebounceConfig{Period: time.Minute}}), "Debounce", "1m0s", "cannot be combined with a schedule"},
		{"debounced schedule in a group", inngestkit.NewGroup(flow.Debounce(time.Second)).Functions(onCron(nine))[0],
			"Debounce", "1s", "cannot be combined with a schedule"},
		{"schedule twice", onAny(inngestkit.AnyOf(inngestkit.Cron(nine), inngestkit.Cron(nine))), "Trigger", nine, "given twice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t)
			err := app.Register(tc.function)
			require.Equal(t, []string{tc.field}, fields(err))
			var mistake *inngestkit.RegistrationError
			require.ErrorAs(t, err, &mistake)
			require.Equal(t, tc.value, mistake.Value)
			require.Contains(t, mistake.Reason, tc.reason)
			require.Empty(t, app.FunctionIDs())
		})
	}
}

func TestScheduleAnnouncements(t *testing.T) {
	t.Parallel()
	mixed := inngestkit.AnyOfTypes(
		signedUp.If("event.data.number > 1"), inngestkit.Cron("0 9 * * *"), inngestkit.AnyOf(inngestkit.Cron("0 18 * * *")),
	)
	longest := strings.Repeat(" ", 255-len("0 9 * * *")-len("TZ=UTC ")) + "0 9 * * *"
	for _, tc := range []struct {
		name     string
		function inngestkit.Function
		want     []any
	}{
		{"schedule", onCron("0 9 * * *"), []any{map[string]any{"cron": "0 9 * * *"}}},
		{"zone", onCron("0 9 * * *", inngestkit.TimeZone("Europe/Paris")), []any{map[string]any{"cron": "TZ=Europe/Paris 0 9 * * *"}}},
		{"leap day", onCron("0 0 29 2 *"), []any{map[string]any{"cron": "0 0 29 2 *"}}},
		{"longest", onCron(longest, inngestkit.TimeZone("UTC")), []any{map[string]any{"cron": "TZ=UTC " + longest}}},
		{"least jitter", onCron("0 9 * * *", inngestkit.Jitter(time.Second)), []any{map[string]any{"cron": "0 9 * * *", "jitter": "1s"}}},
		{"most jitter", onCron("0 9 * * *", inngestkit.Jitter(5*time.Minute)), []any{map[string]any{"cron": "0 9 * * *", "jitter": "5m0s"}}},
		{"no jitter", onCron("0 9 * * *", inngestkit.Jitter(0)), []any{map[string]any{"cron": "0 9 * * *"}}},
		{"events and schedules", onAny(mixed, inngestkit.TimeZone("Asia/Tokyo"), inngestkit.Jitter(90*time.Second)), []any{
			map[string]any{"event": "user/signed-up", "expression": "event.data.number > 1"},
			map[string]any{"cron": "TZ=Asia/Tokyo 0 9 * * *", "jitter": "1m30s"},
			map[string]any{"cron": "TZ=Asia/Tokyo 0 18 * * *", "jitter": "1m30s"},
		}},
		{"in a struct", onCron("0 9 * * *", flow.Config{TimeZone: "Asia/Tokyo", Jitter: time.Second}),
			[]any{map[string]any{"cron": "TZ=Asia/Tokyo 0 9 * * *", "jitter": "1s"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t, tc.function)
			req := withHeader(request(http.MethodPut, "", `{"url":"https://shop.test/api/inngest"}`), "X-Inngest-Sync-Kind", "in_band")
			require.Equal(t, tc.want, firstFunction(t, app.Do(t.Context(), req).Body)["triggers"])
		})
	}
}

// Registering a function does not change its value, which may be registered with another app.
func TestScheduleOptionsDoNotChangeTheFunction(t *testing.T) {
	t.Parallel()
	function := onCron("0 9 * * *", inngestkit.TimeZone("Europe/Paris"))
	for range 2 {
		newApp(t, function)
	}
}

// The handler gets the schedule that fired, and its times if the server sends them.
func TestCronInput(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)
	for data, want := range map[string]inngestkit.CronData{
		`{"cron":"0 9 * * *"}`: {Cron: "0 9 * * *"},
		`{"cron":"TZ=UTC 0 9 * * *","scheduledAt":"2026-01-02T09:00:00Z","fireAt":"2026-01-02T09:00:07Z"}`: {
			Cron: "TZ=UTC 0 9 * * *", ScheduledAt: at, FireAt: at.Add(7 * time.Second),
		},
	} {
		var got inngestkit.CronData
		app, _ := newApp(t, inngestkit.OnCron("fn", "0 9 * * *", func(_ context.Context, in inngestkit.CronInput) (string, error) {
			got = in.Event.Data
			return in.Event.Name, nil
		}))
		scheduled := signUpEnvelope(json.RawMessage(data))
		scheduled.Event.(map[string]any)["name"] = "inngest/scheduled.timer"
		require.Equal(t, `"inngest/scheduled.timer"`, string(callFn(t.Context(), t, app, scheduled).Body))
		require.Equal(t, want, got)
		encoded, err := json.Marshal(got)
		require.NoError(t, err)
		require.JSONEq(t, data, string(encoded))
	}
}

// A scheduled run and one of an event reach the same handler.
func TestEventAndScheduleInOneFunction(t *testing.T) {
	t.Parallel()
	var names []string
	app, _ := newApp(t, inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(signedUp, inngestkit.Cron("0 9 * * *")),
		func(_ context.Context, in inngestkit.Input[any]) (any, error) {
			names = append(names, in.Event.Name)
			return in.Event.Data, nil
		}))
	require.JSONEq(t, `{"id":"u1"}`, string(callFn(t.Context(), t, app, signUpEnvelope(user{ID: "u1"})).Body))
	scheduled := signUpEnvelope(map[string]any{"cron": "0 9 * * *"})
	scheduled.Event.(map[string]any)["name"] = "inngest/scheduled.timer"
	require.JSONEq(t, `{"cron":"0 9 * * *"}`, string(callFn(t.Context(), t, app, scheduled).Body))
	require.Equal(t, []string{"user/signed-up", "inngest/scheduled.timer"}, names)
}
