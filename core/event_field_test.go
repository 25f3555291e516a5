package inngestkit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

type texts map[string]string

// asking is a type that declares the field and therefore gets it.
type asking struct {
	ID    string          `json:"id"`
	Trace json.RawMessage `json:"trace"`
}

// traced is the data of an event with the field that middleware added.
var traced = json.RawMessage(`{ "a":"1" , "trace" : {"parent":"x"}}`)

// withTrace returns middleware that adds a field to events and reads it.
func withTrace(seen *[]string) inngestkit.Middleware {
	return inngestkit.Middleware{
		EventField: "trace",
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				events, err := call.Events()
				if err != nil {
					return nil, err
				}
				for _, event := range events {
					*seen = append(*seen, string(event.Data))
				}
				return next(ctx, call)
			}
		},
	}
}

func onTexts[T any](got *any) inngestkit.Function {
	return inngestkit.OnEvent("fn", inngestkit.DefineEvent[T]("user/signed-up"), func(_ context.Context, in inngestkit.Input[T]) (any, error) {
		all := []T{in.Event.Data}
		for _, event := range in.Events {
			all = append(all, event.Data)
		}
		*got = all
		return nil, nil
	})
}

// Functions do not see the fields that middleware adds to events.
func TestEventFieldsOfMiddlewareAreHidden(t *testing.T) {
	t.Parallel()
	batch := signUpEnvelope(traced)
	batch.Events = append(batch.Events, map[string]any{"name": "user/signed-up", "data": map[string]any{"trace": map[string]any{}}})
	var got any
	for name, tc := range map[string]struct {
		function inngestkit.Function
		envelope envelope
		want     any
	}{
		"map":           {onTexts[texts](&got), signUpEnvelope(traced), []texts{{"a": "1"}, {"a": "1"}}},
		"pointer":       {onTexts[*texts](&got), signUpEnvelope(traced), []*texts{{"a": "1"}, {"a": "1"}}},
		"batch":         {onTexts[texts](&got), batch, []texts{{"a": "1"}, {"a": "1"}, {}}},
		"any":           {onTexts[any](&got), signUpEnvelope(traced), []any{map[string]any{"a": "1"}, map[string]any{"a": "1"}}},
		"raw":           {onTexts[json.RawMessage](&got), signUpEnvelope(json.RawMessage(`{"trace":{"a":{}},"b":{"trace":{}}}`)), []json.RawMessage{json.RawMessage(`{"b":{"trace":{}}}`), json.RawMessage(`{"b":{"trace":{}}}`)}},
		"of the user's": {onTexts[texts](&got), signUpEnvelope(json.RawMessage(`{"trace":"text"}`)), []texts{{"trace": "text"}, {"trace": "text"}}},
		"asked for":     {onTexts[asking](&got), signUpEnvelope(json.RawMessage(`{"id":"1","trace":{}}`)), []asking{{"1", json.RawMessage("{}")}, {"1", json.RawMessage("{}")}}},
	} {
		var seen []string
		app, _ := newApp(t, tc.function)
		app.Use(withTrace(&seen))
		resp := callFn(t.Context(), t, app, tc.envelope)
		require.Equal(t, http.StatusOK, resp.Status, "%s: %s", name, resp.Body)
		require.Equal(t, tc.want, got, name)
		require.Contains(t, seen[0], `"trace"`, "middleware finds it: "+name)
	}
}

func TestEventFieldsAreHiddenFromWaits(t *testing.T) {
	t.Parallel()
	var seen []string
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		a, err := step.WaitForEvent(ctx, "a", inngestkit.DefineEvent[texts]("e"), step.Timeout(time.Hour))
		require.NoError(t, err)
		b, err := step.WaitForEvent(ctx, "b", inngestkit.DefineEvent[asking]("e"), step.Timeout(time.Hour))
		require.NoError(t, err)
		return []any{a.Data, b.Data}, nil
	}))
	app.Use(withTrace(&seen))
	event := map[string]any{"name": "e", "data": traced}
	e := signUpEnvelope(user{})
	e.Steps[hashed("a")], e.Steps[hashed("b")] = event, event
	require.JSONEq(t, `[{"a":"1"},{"id":"","trace":{"parent":"x"}}]`, string(callFn(t.Context(), t, app, e).Body))
}

// The event of a failure contains the events of the run that failed.
func TestEventFieldsAreHiddenFromFailures(t *testing.T) {
	t.Parallel()
	var seen []string
	var got inngestkit.FailedRun[texts]
	app, _ := newApp(t, inngestkit.OnEvent("fn", inngestkit.DefineEvent[texts]("e"),
		func(context.Context, inngestkit.Input[texts]) (any, error) { return nil, nil },
		inngestkit.OnFailure(func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[texts]]) (any, error) {
			got = in.Event.Data
			return nil, nil
		})))
	app.Use(withTrace(&seen))
	event := map[string]any{"name": "e", "data": traced}
	e := signUpEnvelope(nil)
	e.Event = map[string]any{"name": "inngest/function.failed", "data": map[string]any{"event": event, "events": []any{event, event}}}
	e.Events = []any{e.Event}
	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn-failure&stepId=step", e.json(t)))
	require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
	require.Equal(t, texts{"a": "1"}, got.Event.Data)
	require.Equal(t, []texts{{"a": "1"}, {"a": "1"}}, []texts{got.Events[0].Data, got.Events[1].Data})
}

func TestEventFieldsAreHiddenFromAdoptedFunctions(t *testing.T) {
	t.Parallel()
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "app", Dev: new(true)})
	require.NoError(t, err)
	var got texts
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fn"}, inngestgo.EventTrigger("e", nil),
		func(_ context.Context, in inngestgo.Input[texts]) (any, error) { got = in.Event.Data; return nil, nil })
	require.NoError(t, err)
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	var seen []string
	app.Use(withTrace(&seen))
	resp := callFn(t.Context(), t, app, signUpEnvelope(traced))
	require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
	require.Equal(t, texts{"a": "1"}, got)
	require.Contains(t, seen[0], `"trace"`)
}
