package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// onSend is middleware with only Send.
func onSend(
	wrap func(ctx context.Context, events []inngestkit.RawEvent, next inngestkit.SendHandler) ([]string, error),
) inngestkit.Middleware {
	return inngestkit.Middleware{
		Send: func(next inngestkit.SendHandler) inngestkit.SendHandler {
			return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
				return wrap(ctx, events, next)
			}
		},
	}
}

func TestMiddlewareChangesSentEvents(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "id1", "id2") })
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	app.Use(onSend(func(ctx context.Context, events []inngestkit.RawEvent, next inngestkit.SendHandler) ([]string, error) {
		var data map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(events[0].Data, &data))
		data["trace"] = json.RawMessage(`"t1"`)
		events[0].Data, _ = json.Marshal(data)
		more := inngestkit.RawEvent{Name: "audit", Data: json.RawMessage(`{}`)}
		ids, err := next(ctx, append(events, more))
		return ids[:1], err
	}))
	ids, err := app.Send(t.Context(), signedUp.New(user{ID: "u1", Number: 1<<53 + 1}))
	require.NoError(t, err)
	require.Equal(t, []string{"id1"}, ids)
	_, bodies := server.seen()
	require.Contains(t, bodies[0], "9007199254740993")
	require.JSONEq(t, `[{"name":"user/signed-up","data":{"id":"u1","number":9007199254740993,"trace":"t1"}},
		{"name":"audit","data":{}}]`, bodies[0])
}

func TestMiddlewareRefusesASend(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w) })
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	quota := errors.New("quota spent")
	app.Use(onSend(func(context.Context, []inngestkit.RawEvent, inngestkit.SendHandler) ([]string, error) {
		return nil, quota
	}))
	_, err := app.Send(t.Context(), signedUp.New(user{}))
	require.ErrorIs(t, err, quota)
	requests, _ := server.seen()
	require.Empty(t, requests)
}

// Outside of functions, the app's middleware sees sent events; inside, the function's does too.
// The events are checked after it.
func TestSendMiddlewareOrder(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "id1") })
	var tr trace
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	note := func(name string) inngestkit.Middleware {
		return onSend(func(ctx context.Context, events []inngestkit.RawEvent, next inngestkit.SendHandler) ([]string, error) {
			tr.addf("%s", name)
			return next(ctx, events)
		})
	}
	app.Use(note("app"))
	require.NoError(t, app.Register(inngestkit.NewGroup(inngestkit.Use(note("group"))).Functions(
		onSignUp(func(ctx context.Context, in input) (any, error) {
			return step.SendEvent(ctx, "send", signedUp.New(in.Event.Data))
		}, inngestkit.Use(note("own"))))...))

	_, err := app.Send(t.Context(), signedUp.New(user{}))
	require.NoError(t, err)
	require.Equal(t, []string{"app"}, tr.take())
	require.Equal(t, []any{"id1"}, ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["data"])
	require.Equal(t, []string{"app", "group", "own"}, tr.take())

	_, err = app.Send(t.Context(), inngestkit.DefineEvent[user]("").New(user{}))
	require.ErrorContains(t, err, "event 0: it has no name")
	for _, name := range []string{" a", "a\t", "a\x00b"} {
		_, err = app.Send(t.Context(), inngestkit.DefineEvent[user](name).New(user{}))
		require.ErrorContains(t, err, fmt.Sprintf("event 0: its name %q has white space around it or control characters", name))
	}
	_, err = app.Send(t.Context(), inngestkit.DefineEvent[func()]("f").New(func() {}))
	require.ErrorContains(t, err, "event 0: it cannot be encoded")
}

// Middleware that breaks the data of an event is named in the error, and nothing is sent.
func TestMiddlewareBreaksAnEvent(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "id1") })
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	app.Use(inngestkit.Middleware{Send: func(next inngestkit.SendHandler) inngestkit.SendHandler {
		return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
			events[0].Data = events[0].Data[1:]
			return next(ctx, events)
		}
	}})
	_, err := app.Send(t.Context(), signedUp.New(user{}))
	require.EqualError(t, err, "inngestkit: send: event 0: the middleware passed on data that is not JSON")
	requests, _ := server.seen()
	require.Empty(t, requests)
}

// A step in the middleware hands over to the server, and nothing after the Send runs before it has
// a result.
func TestStepInTheMiddlewareAroundSend(t *testing.T) {
	t.Parallel()
	wentOn := false
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		_, err := inngestkit.Send(ctx, signedUp.New(user{}))
		wentOn = true
		return nil, err
	}, inngestkit.Use(onSend(func(ctx context.Context, _ []inngestkit.RawEvent, _ inngestkit.SendHandler) ([]string, error) {
		return nil, stepOf("quota", new(string))(ctx)
	}))))
	require.Equal(t, []string{"StepRun quota"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
	require.False(t, wentOn)
	require.NotContains(t, l.String(), "panicked")
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, signUpEnvelope(user{}).done("quota", "quota")).Status)
	require.True(t, wentOn)
}
