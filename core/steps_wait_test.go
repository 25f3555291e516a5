package inngestkit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// waits has every kind of step that waits, with a timeout.
var waits = map[string]func(ctx context.Context, d time.Duration) (any, error){
	"event": func(ctx context.Context, d time.Duration) (any, error) {
		return step.WaitForEvent(ctx, "s", signedUp, step.Timeout(d))
	},
	"signal": func(ctx context.Context, d time.Duration) (any, error) {
		return step.WaitForSignal[any](ctx, "s", "go", step.Timeout(d))
	},
	"invoke": func(ctx context.Context, d time.Duration) (any, error) {
		return step.Invoke(ctx, "s", greet.Ref(), user{}, step.Timeout(d))
	},
}

// only returns the operation in the response of a function with one step.
func only(tb testing.TB, call func(ctx context.Context) (any, error)) map[string]any {
	tb.Helper()
	all := ops(tb, callFn(tb.Context(), tb, newKindApp(tb, kind{call: call}, nil), signUpEnvelope(user{})))
	require.Len(tb, all, 1)
	require.Equal(tb, hashed("s"), all[0]["id"])
	require.Equal(tb, "s", all[0]["name"])
	return all[0]
}

// refused returns the message with which a function with one step fails for good.
func refused(tb testing.TB, call func(ctx context.Context) (any, error)) string {
	tb.Helper()
	resp := callFn(tb.Context(), tb, newKindApp(tb, kind{call: call}, nil), signUpEnvelope(user{}))
	require.Equal(tb, http.StatusBadRequest, resp.Status, "%s", resp.Body)
	require.Equal(tb, "true", resp.Header.Get("X-Inngest-No-Retry"))
	return message(tb, resp)
}

// The server parses durations with units up to weeks, and no fractions of months.
func TestTimeoutsAreSentInTheServersFormat(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Nanosecond:        "1ns",
		500 * time.Millisecond: "500ms",
		90*time.Second + 5:     "1m30s5ns",
		36 * time.Hour:         "1d12h",
		366 * 24 * time.Hour:   "52w2d",
	} {
		for name, wait := range waits {
			op := only(t, func(ctx context.Context) (any, error) { return wait(ctx, d) })
			require.Equal(t, want, op["opts"].(map[string]any)["timeout"], name)
		}
		op := only(t, func(ctx context.Context) (any, error) { step.Sleep(ctx, "s", d); return nil, nil })
		require.Equal(t, map[string]any{"duration": want}, op["opts"])
	}
}

func TestInvalidTimeouts(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{0, -time.Second, 366*24*time.Hour + 1} {
		for name, wait := range waits {
			call := func(ctx context.Context) (any, error) { return wait(ctx, d) }
			require.Contains(t, refused(t, call), "give step.Timeout more than 0 and at most 366 days", name)
			ctx := t.Context()
			if name == "invoke" {
				app, _ := newApp(t)
				ctx = inngestkit.NewContext(ctx, app)
			}
			_, err := call(ctx)
			require.ErrorContains(t, err, "give step.Timeout", "outside of a function, in a test for one")
		}
	}
	// Without the option: every wait needs a timeout.
	require.Contains(t, refused(t, func(ctx context.Context) (any, error) {
		return step.WaitForSignal[any](ctx, "s", "go")
	}), `step "s" waits 0s for signal "go"`)
	require.Contains(t, refused(t, func(ctx context.Context) (any, error) {
		return step.WaitForEvent(ctx, "s", signedUp)
	}), `step "s" waits 0s for event "user/signed-up"`)
	require.Contains(t, refused(t, func(ctx context.Context) (any, error) {
		step.SleepUntil(ctx, "s", time.Now().Add(400*24*time.Hour))
		return nil, nil
	}), "a run sleeps for at most 366 days")
}

func TestTimedOut(t *testing.T) {
	t.Parallel()
	kept := map[string]any{
		"event": nil, "signal": nil,
		// The text of the server: SetInvokeTimeoutError in its pkg/execution.
		"invoke": map[string]any{"error": map[string]any{
			"error": "InngestInvokeTimeoutError: Timed out", "name": "InngestInvokeTimeoutError", "message": "Timed out",
		}},
	}
	sdks := map[string]error{"event": sdkstep.ErrEventNotReceived, "signal": sdkstep.ErrSignalNotReceived}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var err error
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				_, err = wait(ctx, time.Hour)
				return "went on", nil
			}))
			e := signUpEnvelope(user{})
			e.Steps[hashed("s")] = kept[name]
			require.Equal(t, `"went on"`, string(callFn(t.Context(), t, app, e).Body))
			require.ErrorIs(t, err, step.ErrTimeout)
			var failed step.Error
			if name == "invoke" {
				require.ErrorAs(t, err, &failed)
				require.Equal(t, step.Error{Name: "InngestInvokeTimeoutError", Message: "Timed out", Data: json.RawMessage("null")}, failed)
				require.EqualError(t, err, "Timed out")
				return
			}
			require.ErrorIs(t, err, sdks[name])
			require.NotErrorAs(t, err, &failed)
		})
	}
}

func TestWaitForSignal(t *testing.T) {
	t.Parallel()
	for conflict, options := range map[string][]step.SignalOption{
		"fail":    {step.Timeout(time.Hour)},
		"replace": {step.Timeout(time.Hour), step.Replace()},
	} {
		op := only(t, func(ctx context.Context) (any, error) {
			return step.WaitForSignal[user](ctx, "s", "approved/u1", options...)
		})
		require.Equal(t, "WaitForSignal", op["op"])
		require.Equal(t, map[string]any{"signal": "approved/u1", "timeout": "1h", "conflict": conflict}, op["opts"])
	}
	require.Contains(t, refused(t, func(ctx context.Context) (any, error) {
		return step.WaitForSignal[any](ctx, "s", "", step.Timeout(time.Hour))
	}), `step "s" waits for a signal without a name`)
}

// The data of a signal may be anything, or missing.
func TestSignalData(t *testing.T) {
	t.Parallel()
	receive := func(call func(ctx context.Context) (any, error), data any) any {
		var got any
		e := signUpEnvelope(user{}).done("s", map[string]any{"signal": "go", "data": data})
		resp := callFn(t.Context(), t, newKindApp(t, kind{call: call}, &got), e)
		require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
		return got
	}
	as := func(ctx context.Context) (any, error) {
		return step.WaitForSignal[any](ctx, "s", "go", step.Timeout(1))
	}
	require.Equal(t, map[string]any{"a": 1.0}, receive(as, map[string]any{"a": 1}))
	require.Equal(t, "text", receive(as, "text"))
	require.Nil(t, receive(as, nil))
	asUser := func(ctx context.Context) (any, error) {
		return step.WaitForSignal[user](ctx, "s", "go", step.Timeout(1))
	}
	require.Equal(t, user{}, receive(asUser, nil))
	require.Equal(t, user{Number: 1<<53 + 1}, receive(asUser, user{Number: 1<<53 + 1}))
}

func TestWaitForEventWithoutAName(t *testing.T) {
	t.Parallel()
	require.Contains(t, refused(t, func(ctx context.Context) (any, error) {
		return step.WaitForEvent(ctx, "s", inngestkit.EventType[user]{}, step.Timeout(time.Hour))
	}), `step "s" waits for an event without a name`)
	require.Contains(t, refused(t, func(ctx context.Context) (any, error) {
		return step.WaitForEvent(ctx, "s", inngestkit.DefineEvent[user]("paid\n"), step.Timeout(time.Hour))
	}), `step "s" waits for event "paid\n", whose name has white space around it`)
}

func TestConditionsOfWaitForEvent(t *testing.T) {
	t.Parallel()
	for want, options := range map[any][]step.WaitOption{
		nil:                              {},
		"true":                           {step.If("true")},
		"event.data.id == async.data.id": {step.Match("data.id")},
		"(true || false) && (1 == 1)":    {step.If("true || false"), step.If("1 == 1")},
		"(true) && (event.data.id == async.data.id) && (false)": {step.If("true"), step.Match("data.id"), step.If("false")},
	} {
		op := only(t, func(ctx context.Context) (any, error) {
			return step.WaitForEvent(ctx, "s", signedUp, append(options, step.Timeout(time.Hour))...)
		})
		require.Equal(t, want, op["opts"].(map[string]any)["if"])
	}
}
