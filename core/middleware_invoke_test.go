package inngestkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// onInvoke is middleware that changes the data of invoked functions.
func onInvoke(change func(s *inngestkit.StepCall, data string) (string, error)) inngestkit.Middleware {
	return inngestkit.Middleware{
		Invoke: func(_ context.Context, s *inngestkit.StepCall, data json.RawMessage) (json.RawMessage, error) {
			changed, err := change(s, string(data))
			return json.RawMessage(changed), err
		},
	}
}

// wrap returns a hook that puts the data into an object, under a name.
func wrap(name string) func(*inngestkit.StepCall, string) (string, error) {
	return func(s *inngestkit.StepCall, data string) (string, error) {
		return `{"` + name + " in " + s.Function.FunctionID + "/" + s.ID + " (" + s.Kind + `)":` + data + `}`, nil
	}
}

// The data for an invoked function passes through the middleware when the step is new, the
// app's first.
func TestMiddlewareOfInvokedData(t *testing.T) {
	t.Parallel()
	calls := 0
	count := onInvoke(func(_ *inngestkit.StepCall, data string) (string, error) { calls++; return data, nil })
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (greeted, error) {
		return step.Invoke(ctx, "s", greet.Ref(), user{ID: "u1", Number: 1<<53 + 1})
	}, inngestkit.Use(onInvoke(wrap("own")), count)))
	app.Use(onInvoke(wrap("app")))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.JSONEq(t, `{"own in fn/s (InvokeFunction)":{"app in fn/s (InvokeFunction)":{"id":"u1","number":9007199254740993}}}`,
		gjson.GetBytes(resp.Body, "0.opts.payload.data").Raw)
	require.Equal(t, 1, calls)

	resp = callFn(t.Context(), t, app, signUpEnvelope(user{}).done("s", greeted{}))
	require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
	require.Equal(t, 1, calls, "the step is memoized")
}

// An error there fails the call, and no function is invoked.
func TestMiddlewareOfInvokedDataFails(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*inngestkit.StepCall, string) (string, error){
		`step "s": the data for function app-greet: wrong key`: func(*inngestkit.StepCall, string) (string, error) {
			return "", errors.New("wrong key")
		},
		`step "s": the data for function app-greet: the middleware's Invoke returned data for step "s" that is not JSON`: func(*inngestkit.StepCall, string) (string, error) {
			return "{", nil
		},
		`step "s": the data for function app-greet: it is not a JSON object; use a struct or a map`: func(*inngestkit.StepCall, string) (string, error) {
			return "[]", nil
		},
		`step "s" panicked: oh`: func(*inngestkit.StepCall, string) (string, error) { panic("oh") },
	} {
		app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (greeted, error) {
			return step.Invoke(ctx, "s", greet.Ref(), user{ID: "u1"})
		}, inngestkit.Use(onInvoke(change))))
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		require.GreaterOrEqual(t, resp.Status, 400)
		require.Equal(t, want, message(t, resp))
	}
}

// Middleware sees events as they were sent, whatever they contain.
func TestEventsOfACall(t *testing.T) {
	t.Parallel()
	for name, events := range map[string][]string{
		"one":        {`{"id":"e1","name":"user/signed-up","data":{"id":"u1","number":9007199254740993},"ts":1700000000000,"v":"1","user":{"a":9007199254740993}}`},
		"no data":    {`{"name":"user/signed-up","ts":7}`},
		"null":       {`{"name":"user/signed-up","data":null}`},
		"data first": {`{"data":{"data":{"name":"x"}},"name":"user/signed-up"}`},
		"spaces":     {"{ \"name\" : \"user/signed-up\" ,\n\"data\" : { \"id\" : \"u1\" } }"},
		"a batch":    {`{"id":"e1","name":"user/signed-up","data":{"id":"u1"}}`, `{"id":"e2","name":"user/signed-up","data":{"id":"u2"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want, got []inngestkit.RawEvent
			e := signUpEnvelope(nil)
			e.Event, e.Events = json.RawMessage(events[0]), nil
			for _, event := range events {
				var one inngestkit.RawEvent
				compact, err := json.Marshal(json.RawMessage(event)) // as the envelope has it
				require.NoError(t, err)
				decoder := json.NewDecoder(bytes.NewReader(compact))
				decoder.UseNumber()
				require.NoError(t, decoder.Decode(&one))
				want, e.Events = append(want, one), append(e.Events, json.RawMessage(event))
			}
			app, _ := newApp(t, onSignUp(func(context.Context, input) (any, error) { return "ok", nil },
				onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
					var err error
					got, err = call.Events()
					require.NoError(t, err)
					return next(ctx, call)
				})))
			require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, e).Status)
			require.Equal(t, want, got)
		})
	}
}
