package inngestkit_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// Hooks in the context of a call see its steps, take the place of callbacks inside all
// middleware, and of the network and the clock.
func TestHooks(t *testing.T) {
	t.Parallel()
	var order, entered []string
	logs := inngestkit.Middleware{Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
		return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
			order = append(order, "middleware")
			return next(ctx, s)
		}
	}}
	until := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	app, _ := newAppWith(t, inngestkit.Config{Dev: true}, inngestkit.OnEvent("f", signedUp,
		func(ctx context.Context, _ inngestkit.Input[user]) (any, error) {
			if _, err := inngestkit.Send(ctx, signedUp.New(user{ID: "u2"})); err != nil {
				return nil, err
			}
			if _, err := step.Run(ctx, "memoized", func(context.Context) (int, error) { return 0, nil }); err != nil {
				return nil, err
			}
			step.SleepUntil(ctx, "later", until)
			return nil, nil
		}, inngestkit.Use(logs)),
		inngestkit.OnEvent("g", signedUp, func(ctx context.Context, _ inngestkit.Input[user]) (int, error) {
			return step.Run(ctx, "charge", func(context.Context) (int, error) { return 0, io.EOF })
		}, inngestkit.Use(logs)))
	ctx := testhooks.NewContext(t.Context(), &testhooks.Hooks{
		RoundTrip: func(r *http.Request) (*http.Response, error) {
			order = append(order, r.URL.Path)
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"ids":["e1"]}`))}, nil
		},
		EnterFunction: func(_ context.Context, handler uintptr) {
			name := runtime.FuncForPC(handler).Name()
			require.Contains(t, name, "TestHooks.func")
			entered = append(entered, "function")
		},
		EnterStep: func(_ context.Context, s testhooks.Step) {
			text := s.Kind + " " + s.ID
			if s.Memoized {
				text += ", memoized"
			}
			entered = append(entered, text)
		},
		RunStep: func(_ context.Context, s testhooks.Step, _ func(context.Context) (any, error)) (any, error) {
			require.Equal(t, reflect.TypeFor[int](), s.Output)
			order = append(order, "hook of "+s.ID)
			return 7, nil
		},
		SleepUntil: func(_ context.Context, id string, at time.Time) time.Duration {
			require.Equal(t, "later", id)
			require.Equal(t, until, at)
			return 90 * time.Second
		},
	})
	const memoized = `"a19b59fe7c4e9e646536b074ceb648bfe6421d9c":{"data":1}`
	resp := app.Do(ctx, request(http.MethodPost, "fnId=app-f&stepId=step", `{"ctx":{"run_id":"r"},"event":{"name":"user.signed_up","data":{}},`+
		`"events":[{"name":"user.signed_up","data":{}}],"steps":{`+memoized+`}}`))
	require.Equal(t, http.StatusPartialContent, resp.Status, "%s", resp.Body)
	require.Contains(t, string(resp.Body), "1m30s")
	resp = app.Do(ctx, request(http.MethodPost, "fnId=app-g&stepId=step",
		`{"ctx":{"run_id":"r"},"event":{"name":"user.signed_up","data":{}},"events":[{"name":"user.signed_up","data":{}}],"steps":{}}`))
	require.Equal(t, http.StatusPartialContent, resp.Status, "%s", resp.Body)
	require.Contains(t, string(resp.Body), `"data":7`)
	require.Equal(t, []string{"/e/NO_EVENT_KEY_SET", "middleware", "hook of charge"}, order)
	require.Equal(t, []string{
		"function", "StepRun memoized, memoized", "Sleep later", "function", "StepRun charge",
	}, entered)
}

// Outside a function, hooks answer the steps of the server, and see what the step asks for. A
// step that would end a call in a function comes with the reason.
func TestHooksOutsideAFunction(t *testing.T) {
	t.Parallel()
	var refusals []string
	var asked []any
	ctx := testhooks.NewContext(t.Context(), &testhooks.Hooks{
		Wait: func(_ context.Context, s testhooks.Step, refused error) (json.RawMessage, error) {
			asked = append(asked, s.Options)
			if refused != nil {
				refusals = append(refusals, refused.Error())
				return nil, refused
			}
			return json.Marshal(reflect.Zero(s.Output).Interface())
		},
	})
	charge := inngestkit.Ref[user, int]{AppID: "shop", FunctionID: "charge"}
	step.Sleep(ctx, "sleep", time.Hour)
	_, err := step.WaitForEvent(ctx, "event", signedUp, step.Timeout(time.Minute), step.Match("data.id"))
	require.NoError(t, err)
	_, err = step.WaitForSignal[int](ctx, "signal", "s1", step.Timeout(time.Minute))
	require.NoError(t, err)
	_, err = step.Invoke(ctx, "invoke", charge, user{ID: "u1"})
	require.NoError(t, err)
	_, err = step.Fetch(ctx, "fetch", step.FetchRequest{URL: "https://example.com/"})
	require.NoError(t, err)
	_, err = step.Infer[int](ctx, "infer", step.InferRequest{URL: "https://example.com/", Body: 1})
	require.NoError(t, err)
	require.Equal(t, []any{
		time.Hour,
		sdkstep.WaitForEventOpts{Event: "user/signed-up", Timeout: time.Minute, If: new("event.data.id == async.data.id")},
		sdkstep.WaitForSignalOpts{Name: "signal", Signal: "s1", Timeout: time.Minute, OnConflict: sdkstep.SignalConflictFail},
		sdkstep.InvokeOpts{FunctionId: "shop-charge", Data: map[string]any{"id": json.RawMessage(`"u1"`)}},
		sdkstep.FetchOpts{Method: "GET", URL: "https://example.com/"},
		sdkstep.InferOpts[json.RawMessage]{
			Opts: sdkstep.InferRequestOpts{URL: "https://example.com/"}, Body: json.RawMessage("1"),
		},
	}, asked)

	_, err = step.WaitForEvent(ctx, "event", signedUp)
	require.Error(t, err)
	_, err = step.Infer[int](ctx, "", step.InferRequest{})
	require.True(t, sdkerrors.IsNoRetryError(err))
	require.Equal(t, []string{
		`step "event" waits 0s for event "user/signed-up": give step.Timeout more than 0 and at most 366 days`,
		"a step has an empty ID: give it one that names it in the run",
	}, refusals)
}

// A hook gets the error of a function that has returned, not of one that a step has unwound.
func TestLeaveFunctionHook(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, inngestkit.Config{Dev: true}, inngestkit.OnEvent("f", signedUp,
		func(ctx context.Context, in inngestkit.Input[user]) (any, error) {
			if in.Event.Data.ID == "unwound" {
				step.Sleep(ctx, "nap", time.Hour)
			}
			return nil, io.EOF
		}))
	var left []error
	ctx := testhooks.NewContext(t.Context(), &testhooks.Hooks{
		LeaveFunction: func(_ context.Context, err error) { left = append(left, err) },
	})
	for _, id := range []string{"unwound", "returned"} {
		event := `{"name":"user.signed_up","data":{"id":"` + id + `"}}`
		app.Do(ctx, request(http.MethodPost, "fnId=app-f&stepId=step",
			`{"ctx":{"run_id":"r"},"event":`+event+`,"events":[`+event+`],"steps":{}}`))
	}
	require.Equal(t, []error{io.EOF}, left)
}
