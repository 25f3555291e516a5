package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

type failedInput = inngestkit.Input[inngestkit.FailedRun[user]]

// onFailure returns the option with a handler that does nothing.
func onFailure(options ...inngestkit.Option) inngestkit.Option {
	return inngestkit.OnFailure(func(context.Context, failedInput) (any, error) { return nil, nil }, options...)
}

// syncedFunction is a function as a sync announces it.
type syncedFunction struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Triggers []struct {
		Event      string  `json:"event"`
		Expression *string `json:"expression"`
	} `json:"triggers"`
	Retries     *int            `json:"retries"`
	Concurrency json.RawMessage `json:"concurrency"`
	RateLimit   json.RawMessage `json:"rateLimit"`
	Steps       map[string]struct {
		Retries *struct {
			Attempts int `json:"attempts"`
		} `json:"retries"`
	} `json:"steps"`
}

// syncedFunctions returns the functions of an app as it announces them, in order.
func syncedFunctions(t *testing.T, functions ...inngestkit.Function) []syncedFunction {
	t.Helper()
	server := newAPI(t, synced)
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, functions...)
	require.Equal(t, http.StatusOK, app.Do(t.Context(), request(http.MethodPut, "", "")).Status)
	_, bodies := server.seen()
	var payload struct {
		Functions []syncedFunction `json:"functions"`
	}
	require.NoError(t, json.Unmarshal([]byte(bodies[0]), &payload))
	return payload.Functions
}

func ids(functions []syncedFunction) []string {
	var all []string
	for _, f := range functions {
		all = append(all, f.ID)
	}
	return all
}

func TestOnFailureIsSynced(t *testing.T) {
	t.Parallel()
	functions := []inngestkit.Function{
		inngestkit.OnEvent("z", signedUp, hello, flow.Retries(1), onFailure(flow.Retries(7))),
		inngestkit.OnEvent("m", signedUp, hello),
		inngestkit.OnEvent("a", signedUp, hello, inngestkit.Name("Nice"), onFailure(inngestkit.Name("Sorry"))),
		inngestkit.OnEvent("b", signedUp, hello, inngestkit.Name("Nicer"), onFailure()),
	}
	want := []string{"app-z", "app-z-failure", "app-m", "app-a", "app-a-failure", "app-b", "app-b-failure"}
	for range 20 {
		require.Equal(t, want, ids(syncedFunctions(t, functions...)), "right after its function, in every sync")
	}
	all := syncedFunctions(t, functions...)
	failure := all[1]
	require.Equal(t, "z (failure)", failure.Name)
	require.Len(t, failure.Triggers, 1)
	require.Equal(t, "inngest/function.failed", failure.Triggers[0].Event)
	require.Equal(t, `event.data.function_id == "app-z"`, *failure.Triggers[0].Expression)
	require.Equal(t, 7, *failure.Retries)
	require.Equal(t, 1, *all[0].Retries)
	require.Equal(t, "Sorry", all[4].Name)
	require.Equal(t, "Nicer (failure)", all[6].Name)
	require.Nil(t, all[6].Retries)
}

// failedEnvelope returns a call of a failure handler, with the data that the server sends
// about a failed run (functionFinishedData in its pkg/execution/executor).
func failedEnvelope(err any) envelope {
	e := signUpEnvelope(user{ID: "u1", Number: 1<<53 + 1})
	e.Event = map[string]any{
		"id": "01J0000000000000000000000", "name": "inngest/function.failed", "ts": 1700000000001,
		"data": map[string]any{
			"function_id": "app-fn", "run_id": "01J0000000000000000000000",
			"event": e.Event, "events": e.Events, "error": err, "result": map[string]any{"message": "no"},
		},
	}
	e.Events = []any{e.Event}
	return e
}

// callFailure calls the failure handler of the function fn.
func callFailure(tb testing.TB, app *inngestkit.App, e envelope) *adapter.Response {
	tb.Helper()
	return app.Do(tb.Context(), request(http.MethodPost, "fnId=app-fn-failure&stepId=step", e.json(tb)))
}

func TestOnFailureGetsTheFailedRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  map[string]any
		want inngestkit.RunError
	}{
		"an error of the function": {map[string]any{"name": "Error", "message": "boom"}, inngestkit.RunError{Name: "Error", Message: "boom"}},
		"an error of the server": {
			map[string]any{"error": "invalid status code: 500", "name": "Error", "message": "no", "stack": "at fn.js", "noRetry": true},
			inngestkit.RunError{Name: "Error", Message: "no", Stack: "at fn.js"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got failedInput
			app, _ := newApp(t, onSignUp(hello, inngestkit.OnFailure(func(_ context.Context, in failedInput) (string, error) {
				got = in
				return "handled", nil
			})))
			resp := callFailure(t, app, failedEnvelope(tc.err))
			require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
			require.Equal(t, `"handled"`, string(resp.Body))
			failed := got.Event.Data
			require.Equal(t, "inngest/function.failed", got.Event.Name)
			require.Equal(t, "app-fn", failed.FunctionID)
			require.Equal(t, "01J0000000000000000000000", failed.RunID)
			require.Equal(t, tc.want, failed.Error)
			require.EqualError(t, failed.Error, tc.want.Message)
			require.Equal(t, "user/signed-up", failed.Event.Name)
			require.Equal(t, "e1", *failed.Event.ID)
			require.EqualValues(t, 1700000000000, failed.Event.Timestamp)
			require.Equal(t, user{ID: "u1", Number: 1<<53 + 1}, failed.Event.Data)
			require.Equal(t, []inngestkit.Event[user]{failed.Event}, failed.Events)
		})
	}
}

// The server compares text without resolving escapes: text with one would never be equal.
func TestOnFailureOfAnOddAppID(t *testing.T) {
	t.Parallel()
	const id = "it's a \u200bStraße"
	app, err := inngestkit.New(inngestkit.Config{AppID: id, Dev: true})
	require.NoError(t, err)
	require.NoError(t, app.Register(onSignUp(hello, onFailure())))
	req := withHeader(request(http.MethodPut, "", `{"url":"https://app.test/api/inngest"}`), "X-Inngest-Sync-Kind", "in_band")
	var answer struct {
		Functions []struct {
			Triggers []struct {
				Expression string `json:"expression"`
			} `json:"triggers"`
		} `json:"functions"`
	}
	require.NoError(t, json.Unmarshal(app.Do(t.Context(), req).Body, &answer))
	require.Equal(t, `event.data.function_id == "`+id+`-fn"`, answer.Functions[1].Triggers[0].Expression)
}

func TestOnFailureHasSteps(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(hello, inngestkit.OnFailure(func(ctx context.Context, in failedInput) (string, error) {
		return step.Run(ctx, "tell", func(context.Context) (string, error) { return in.Event.Data.Error.Message, nil })
	})))
	e := failedEnvelope(map[string]any{"name": "Error", "message": "boom"})
	op := ops(t, callFailure(t, app, e))[0]
	require.Equal(t, "StepRun", op["op"])
	require.Equal(t, "boom", op["data"])
	require.Equal(t, `"kept"`, string(callFailure(t, app, e.done("tell", "kept")).Body))
}

// One handler can serve functions with different types, for example from a group.
func TestOnFailureOfAnyType(t *testing.T) {
	t.Parallel()
	var handled []string
	shared := inngestkit.OnFailure(func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[any]]) (any, error) {
		handled = append(handled, in.Event.Data.FunctionID)
		return nil, nil
	})
	own := inngestkit.OnFailure(func(context.Context, failedInput) (any, error) {
		handled = append(handled, "own")
		return nil, nil
	})
	app, _ := newApp(t, inngestkit.NewGroup(shared).Functions(
		onSignUp(hello), inngestkit.OnEvent("other", signedUp, hello, own), inngestkit.OnCron("cron", "0 9 * * *", hello),
	)...)
	require.Equal(t, []string{"fn", "fn-failure", "other", "other-failure", "cron", "cron-failure"}, app.FunctionIDs())
	e := failedEnvelope(map[string]any{"name": "Error", "message": "boom"})
	require.Equal(t, http.StatusOK, callFailure(t, app, e).Status)
	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-other-failure", e.json(t)))
	require.Equal(t, http.StatusOK, resp.Status)
	require.Equal(t, []string{"app-fn", "own"}, handled)
}

func TestOnFailureRefused(t *testing.T) {
	t.Parallel()
	type order struct{ ID string }
	failed := inngestkit.DefineEvent[user]("inngest/function.failed")
	for name, tc := range map[string]struct {
		functions []inngestkit.Function
		function  string
		field     string
		reason    string
	}{
		"another type": {[]inngestkit.Function{onSignUp(hello, inngestkit.OnFailure(
			func(context.Context, inngestkit.Input[inngestkit.FailedRun[order]]) (any, error) { return nil, nil }))},
			"fn", "OnFailure", "is not the type of the function's event data, which is inngestkit_test.user"},
		"no handler": {[]inngestkit.Function{onSignUp(hello, inngestkit.OnFailure[user, any](nil))},
			"fn", "OnFailure", "has no handler"},
		"twice": {[]inngestkit.Function{onSignUp(hello, onFailure(), onFailure())}, "fn", "OnFailure", "given twice"},
		"ID taken by a function before": {[]inngestkit.Function{inngestkit.OnEvent("fn-failure", signedUp, hello), onSignUp(hello, onFailure())},
			"fn-failure", "ID", "taken by another function"},
		"ID taken by a later function": {[]inngestkit.Function{onSignUp(hello, onFailure()), inngestkit.OnEvent("fn-failure", signedUp, hello)},
			"fn-failure", "ID", "taken by another function"},
		"bad option of the handler":  {[]inngestkit.Function{onSignUp(hello, onFailure(flow.Retries(99)))}, "fn-failure", "Retries", "at most 20"},
		"nil option of the handler":  {[]inngestkit.Function{onSignUp(hello, onFailure(nil))}, "fn-failure", "Option", "is nil"},
		"a handler of the handler":   {[]inngestkit.Function{onSignUp(hello, onFailure(onFailure()))}, "fn-failure", "OnFailure", "would never run"},
		"a handler of failed events": {[]inngestkit.Function{inngestkit.OnEvent("fn", failed, hello, onFailure())}, "fn", "OnFailure", "would never run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t)
			err := app.Register(tc.functions...)
			var mistake *inngestkit.RegistrationError
			require.ErrorAs(t, err, &mistake)
			require.Equal(t, tc.function, mistake.Function)
			require.Equal(t, tc.field, mistake.Field)
			require.Contains(t, mistake.Error(), tc.reason)
			require.Empty(t, app.FunctionIDs())
		})
	}
}

// The function's middleware also wraps its failure handler, outside of the handler's own. The
// function's flow control does not apply.
func TestOnFailureMiddlewareAndOptions(t *testing.T) {
	t.Parallel()
	var order []string
	group := inngestkit.NewGroup(noting(&order, "group"), flow.RateLimit(1, 60e9), flow.Retries(3))
	functions := group.Functions(onSignUp(hello, flow.Concurrency(1), noting(&order, "function"),
		inngestkit.OnFailure(func(context.Context, failedInput) (string, error) { return "", errors.New("again") }, noting(&order, "handler"))))
	app, _ := newApp(t, functions...)
	app.Use(note(&order, "app"))
	resp := callFailure(t, app, failedEnvelope(map[string]any{"name": "Error", "message": "boom"}))
	require.Equal(t, http.StatusInternalServerError, resp.Status, "it is tried again")
	require.Equal(t, []string{"app", "group", "function", "handler"}, order)

	all := syncedFunctions(t, functions...)
	require.NotNil(t, all[0].RateLimit)
	require.NotNil(t, all[0].Concurrency)
	require.Equal(t, 3, *all[0].Retries)
	require.Equal(t, []any{json.RawMessage(nil), json.RawMessage(nil), (*int)(nil)},
		[]any{all[1].RateLimit, all[1].Concurrency, all[1].Retries})
}

// note returns middleware that records calls of functions.
func note(order *[]string, name string) inngestkit.Middleware {
	return inngestkit.Middleware{Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
		return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
			*order = append(*order, name)
			return next(ctx, call)
		}
	}}
}

func noting(order *[]string, name string) inngestkit.Option { return inngestkit.Use(note(order, name)) }
