package inngestkit_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// A function, a function of a group, and a reference can be invoked.
func TestInvoke(t *testing.T) {
	t.Parallel()
	var _ step.Invocable[user, greeted] = greet
	for want, call := range map[string]func(ctx context.Context) (greeted, error){
		"app-greet": func(ctx context.Context) (greeted, error) { return step.Invoke(ctx, "s", greet, user{ID: "u1"}) },
		"app-hello": func(ctx context.Context) (greeted, error) {
			return step.Invoke(ctx, "s", inngestkit.Ref[user, greeted]{FunctionID: "hello"}, user{ID: "u1"})
		},
		"mail-send": func(ctx context.Context) (greeted, error) {
			return step.Invoke(ctx, "s", inngestkit.Ref[user, greeted]{AppID: "mail", FunctionID: "send"}, user{ID: "u1"})
		},
	} {
		op := only(t, func(ctx context.Context) (any, error) { return call(ctx) })
		require.Equal(t, "InvokeFunction", op["op"])
		require.Equal(t, map[string]any{
			"function_id": want, "payload": map[string]any{"data": map[string]any{"id": "u1"}, "user": nil},
		}, op["opts"], "no timeout: the server's is a year")
	}
}

// Guard for hazard 9 in the other direction: numbers in the payload do not pass through a
// float64.
func TestInvokePayload(t *testing.T) {
	t.Parallel()
	payload := func(call func(ctx context.Context) (any, error)) string {
		resp := callFn(t.Context(), t, newKindApp(t, kind{call: call}, nil), signUpEnvelope(user{}))
		require.Equal(t, http.StatusPartialContent, resp.Status, "%s", resp.Body)
		return gjson.GetBytes(resp.Body, "0.opts.payload.data").Raw
	}
	require.JSONEq(t, `{"id":"u1","number":9007199254740993}`, payload(func(ctx context.Context) (any, error) {
		return step.Invoke(ctx, "s", greet, user{ID: "u1", Number: 1<<53 + 1})
	}))
	anything := inngestkit.Ref[any, any]{FunctionID: "fn"}
	for want, data := range map[string]any{
		`{"n":12345678901234567890}`: map[string]any{"n": json.Number("12345678901234567890")},
		`{"a":{"b":[1,2]}}`:          map[string]any{"a": map[string][]int{"b": {1, 2}}},
		`{"id":"pointer"}`:           &user{ID: "pointer"},
		`{}`:                         nil,
	} {
		require.Equal(t, want, payload(func(ctx context.Context) (any, error) { return step.Invoke(ctx, "s", anything, data) }))
	}
}

// farewell returns the same handler each time. It is small enough to be inlined, so the compiler
// compiles the handler several times.
func farewell() func(context.Context, input) (string, error) {
	return func(context.Context, input) (string, error) { return "bye", nil }
}

// The value of another app's function would invoke the function of this app with the same ID.
func TestInvokeOfAFunctionElsewhere(t *testing.T) {
	t.Parallel()
	namesake := inngestkit.OnEvent("greet", signedUp, func(context.Context, input) (greeted, error) { return greeted{}, nil })
	neighbour := inngestkit.OnEvent("greet", signedUp, func(context.Context, input) (greeted, error) { return greeted{}, nil })
	grouped := inngestkit.NewGroup().Functions(greet)[0]
	for name, tc := range map[string]struct {
		function   inngestkit.TypedFunction[user, greeted]
		registered inngestkit.Function
		refused    bool
	}{
		"registered":         {greet, greet, false},
		"grouped":            {greet, grouped, false},
		"registered nowhere": {greet, nil, true},
		"a namesake":         {namesake, greet, true},
		"of a namesake":      {greet, namesake, true},
		"in one file":        {namesake, neighbour, true},
	} {
		functions := []inngestkit.Function{onSignUp(func(ctx context.Context, _ input) (any, error) {
			return step.Invoke(ctx, "s", tc.function, user{})
		})}
		if tc.registered != nil {
			functions = append(functions, tc.registered)
		}
		app, _ := newApp(t, functions...)
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		if !tc.refused {
			require.Equal(t, []string{"InvokeFunction s"}, listed(ops(t, resp)), name)
			continue
		}
		require.Equal(t, `step "s": function "greet" is not registered with app "app": register it there, `+
			`or name its app in the AppID of an inngestkit.Ref`, requireRefused(t, resp), name)
	}
}

// Functions that invoke each other are often made anew for each use.
func TestInvokeOfAFunctionMadeAgain(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, inngestkit.OnEvent("farewell", signedUp, farewell()), onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Invoke(ctx, "s", inngestkit.OnEvent("farewell", signedUp, farewell()), user{})
	}))
	require.Equal(t, []string{"InvokeFunction s"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
}

func TestInvalidInvokes(t *testing.T) {
	t.Parallel()
	invoke := func(ref inngestkit.Ref[any, any], data any) string {
		return refused(t, func(ctx context.Context) (any, error) { return step.Invoke(ctx, "s", ref, data) })
	}
	require.Contains(t, invoke(inngestkit.Ref[any, any]{}, nil), `step "s": the function to invoke has no ID`)
	fn := inngestkit.Ref[any, any]{FunctionID: "fn"}
	require.Contains(t, invoke(fn, []int{1}), `step "s": the data for function app-fn: it is not a JSON object`)
	require.Contains(t, invoke(fn, "text"), "it is not a JSON object; use a struct or a map")
	require.Contains(t, invoke(fn, map[string]any{"x": math.Inf(1)}), "unsupported value")
	const limit = 8<<20 - 32<<10
	most := map[string]string{"x": strings.Repeat("x", limit-len(`{"x":""}`))}
	require.Equal(t, "InvokeFunction", only(t, func(ctx context.Context) (any, error) { return step.Invoke(ctx, "s", fn, any(most)) })["op"])
	most["x"] += "x"
	require.Contains(t, invoke(fn, most), `step "s": the data for function app-fn: it has 8355841 bytes as JSON, and the limit is 8355840`)
}

// A function that the bare SDK serves has no app to which the invoked function could belong.
func TestInvokeOnTheBareSDK(t *testing.T) {
	t.Parallel()
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "bare", Dev: new(true), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fn"}, inngestgo.EventTrigger("x", nil),
		func(ctx context.Context, _ inngestgo.Input[any]) (any, error) {
			return step.Invoke(ctx, "s", greet, user{})
		})
	require.NoError(t, err)
	status, body := serveSDK(t, client, signUpEnvelope(user{}))
	require.Equal(t, http.StatusInternalServerError, status)
	require.Contains(t, body, "use a Ref with an AppID")
}

// The result is decoded into the type of the invoked function. Its error is not retried, even if
// the function wraps it.
func TestInvokeResults(t *testing.T) {
	t.Parallel()
	var got any
	k := kind{call: func(ctx context.Context) (any, error) { return step.Invoke(ctx, "s", greet, user{}) }}
	resp := callFn(t.Context(), t, newKindApp(t, k, &got), signUpEnvelope(user{}).done("s", greeted{Text: "hi", Big: 1<<53 + 1}))
	require.Equal(t, http.StatusOK, resp.Status)
	require.Equal(t, greeted{Text: "hi", Big: 1<<53 + 1}, got)

	k.call = func(ctx context.Context) (any, error) {
		return step.Invoke(ctx, "s", inngestkit.Ref[any, any]{FunctionID: "fn"}, nil)
	}
	for want, kept := range map[any]any{"text": "text", nil: nil, 1.5: 1.5, true: true} {
		resp := callFn(t.Context(), t, newKindApp(t, k, &got), signUpEnvelope(user{}).done("s", kept))
		require.Equal(t, http.StatusOK, resp.Status)
		require.Equal(t, want, got)
	}
}

// The second step with an ID has its own result and error.
func TestInvokeTwice(t *testing.T) {
	t.Parallel()
	var second error
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		first, err := step.Invoke(ctx, "s", greet.Ref(), user{})
		if err != nil {
			return "", err
		}
		_, second = step.Invoke(ctx, "s", greet.Ref(), user{})
		return first.Text, nil
	}, flow.Retries(0)))
	e := signUpEnvelope(user{}).done("s", greeted{Text: "hi"})
	e.Steps[hashed("s:1")] = map[string]any{"error": map[string]any{"name": "Second", "message": "no", "data": 5}}
	require.Equal(t, `"hi"`, string(callFn(t.Context(), t, app, e).Body))
	var failed step.Error
	require.ErrorAs(t, second, &failed)
	require.Equal(t, step.Error{Name: "Second", Message: "no", Data: json.RawMessage("5")}, failed)
	require.True(t, sdkerrors.IsNoRetryError(second))
}
