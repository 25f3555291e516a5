package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// recorded is encoding/json, and records the Go types that it is used for.
type recorded struct {
	mu   sync.Mutex
	used []string
}

func (r *recorded) Marshal(value any) ([]byte, error) {
	r.record("encode", value)
	return json.Marshal(value)
}

func (r *recorded) Unmarshal(data []byte, into any) error {
	r.record("decode", into)
	return json.Unmarshal(data, into)
}

func (r *recorded) record(use string, value any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used = append(r.used, fmt.Sprintf("%s %T", use, value))
}

func (r *recorded) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	used := r.used
	r.used = nil
	return used
}

const (
	userType  = "inngestkit_test.user"
	eventType = "*event.GenericEvent[github.com/inngestkit/inngestkit/core_test.user]"
)

// Config.JSON encodes and decodes everything that is the user's.
func TestJSON(t *testing.T) {
	t.Parallel()
	fresh, kept := signUpEnvelope(user{}), func(k kind) envelope {
		e := signUpEnvelope(user{})
		e.Steps[hashed("s")] = k.kept
		return e
	}
	invoked := func(ctx context.Context) (any, error) { return step.Invoke(ctx, "s", greet.Ref(), user{}) }
	inferred := func(ctx context.Context) (any, error) {
		return step.Infer[greeted](ctx, "s", step.InferRequest{URL: "https://ai.test/", Body: user{}})
	}
	for name, tc := range map[string]struct {
		call func(context.Context) (any, error)
		e    envelope
		want []string
	}{
		"a new result":        {run, fresh, []string{"decode " + eventType, "encode " + userType}},
		"a memoized result":   {run, kept(kinds["Run"]), []string{"decode " + eventType, "decode *" + userType, "encode " + userType}},
		"an event waited for": {kinds["WaitForEvent"].call, kept(kinds["WaitForEvent"]), []string{"decode " + eventType, "decode " + eventType, "encode " + userType}},
		"a signal":            {kinds["WaitForSignal"].call, kept(kinds["WaitForSignal"]), []string{"decode " + eventType, "decode *" + userType, "encode " + userType}},
		"invoked": {invoked, kept(kinds["Invoke"]), []string{
			"decode " + eventType, "decode *inngestkit_test.greeted", "encode inngestkit_test.greeted",
		}},
		"to be invoked":  {invoked, fresh, []string{"decode " + eventType, "encode " + userType}},
		"to be inferred": {inferred, fresh, []string{"decode " + eventType, "encode " + userType}},
		"doubtful": {stepReturning(mute{}, new(int)), fresh, []string{
			"decode " + eventType, "encode inngestkit_test.mute", "decode *inngestkit_test.mute", "encode inngestkit_test.mute",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var codec recorded
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, JSON: &codec},
				onSignUp(func(ctx context.Context, _ input) (any, error) { return tc.call(ctx) }), greet)
			callFn(t.Context(), t, app, tc.e)
			require.Equal(t, tc.want, codec.take())
		})
	}
}

func TestJSONOfEvents(t *testing.T) {
	t.Parallel()
	var codec recorded
	handler := func(context.Context, inngestkit.Input[any]) (any, error) { return nil, nil }
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, JSON: &codec},
		inngestkit.OnEvent("fn", inngestkit.AnyOfTypes(signedUp), handler), onSignUpBatch())
	callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Contains(t, codec.take(), "decode *"+userType, "one of several types")

	batch := signUpEnvelope(user{})
	batch.Events = append(batch.Events, batch.Event)
	require.Equal(t, http.StatusOK, app.Do(t.Context(), request(http.MethodPost, "fnId=app-batch&stepId=step", batch.json(t))).Status)
	require.Equal(t, []string{"decode *[]" + eventType[1:], "encode string"}, codec.take(), "a batch")
}

func onSignUpBatch() inngestkit.Function {
	return inngestkit.OnEvent("batch", signedUp, func(context.Context, input) (string, error) { return "done", nil },
		flow.BatchEvents(10, time.Second))
}

func TestJSONOfWhatIsSent(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/v1/signals" {
			_, _ = io.WriteString(w, `{"data":{"run_id":"01J0000000000000000000000"},"metadata":{}}`)
			return
		}
		accepted(w, "id1")
	})
	var codec recorded
	config := cloud
	config.BaseURL, config.JSON = server.URL, &codec
	app, _ := newAppWith(t, config)
	_, err := app.Send(t.Context(), signedUp.New(user{ID: "u1"}))
	require.NoError(t, err)
	require.Equal(t, []string{"encode " + userType}, codec.take())
	event := signedUp.New(user{ID: "u1"})
	event.User = map[string]any{"plan": "pro"}
	_, err = app.Send(t.Context(), event)
	require.NoError(t, err)
	require.Equal(t, []string{"encode " + eventType[1:]}, codec.take(), "an event with a user")
	require.NoError(t, app.SendSignal(t.Context(), "go", user{}))
	require.Equal(t, []string{"encode " + userType}, codec.take())
}

// replaced is a JSON with functions of its own.
type replaced struct {
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
}

func (r replaced) Marshal(value any) ([]byte, error)     { return r.marshal(value) }
func (r replaced) Unmarshal(data []byte, into any) error { return r.unmarshal(data, into) }

// What goes wrong in Config.JSON is an error that is not retried, as with encoding/json.
func TestJSONThatFails(t *testing.T) {
	t.Parallel()
	returns := func(raw string, err error) func(any) ([]byte, error) {
		return func(any) ([]byte, error) { return []byte(raw), err }
	}
	for name, tc := range map[string]struct {
		marshal func(any) ([]byte, error)
		want    string
	}{
		"an error":       {returns("", errors.New("no luck")), "no luck"},
		"a panic":        {func(any) ([]byte, error) { panic("at the disco") }, "panicked: at the disco"},
		"half an object": {returns(`{"id":`, nil), "what Config.JSON returned is not valid JSON"},
		"two values":     {returns(`1 2`, nil), "what Config.JSON returned is not valid JSON"},
		"nothing":        {returns(``, nil), "what Config.JSON returned is not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := inngestkit.Config{Dev: true, JSON: replaced{tc.marshal, json.Unmarshal}}
			app, _ := newAppWith(t, config, onSignUp(func(context.Context, input) (user, error) { return user{}, nil }))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, http.StatusBadRequest, resp.Status)
			require.Contains(t, message(t, resp), `the output of function "fn", of Go type inngestkit_test.user, is not JSON: `)
			require.Contains(t, message(t, resp), tc.want)

			app, _ = newAppWith(t, config, onSignUp(func(ctx context.Context, _ input) (any, error) { return run(ctx) }))
			op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]
			require.Equal(t, "StepFailed", op["op"])
			require.Contains(t, op["error"].(map[string]any)["message"], tc.want)
		})
	}
	config := inngestkit.Config{Dev: true, JSON: replaced{json.Marshal, func([]byte, any) error { return errors.New("no luck") }}}
	app, _ := newAppWith(t, config, onSignUp(func(context.Context, input) (any, error) { return nil, nil }))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Contains(t, message(t, resp), `the event does not fit the type of function "fn": no luck`)
}

// The output of a codec reaches the server as it is.
func TestJSONOfOutputs(t *testing.T) {
	t.Parallel()
	marshal := func(any) ([]byte, error) { return []byte(`{"by":"another"}`), nil }
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, JSON: replaced{marshal, json.Unmarshal}},
		onSignUp(func(ctx context.Context, _ input) (any, error) { return run(ctx) }))
	e := signUpEnvelope(user{})
	require.Equal(t, map[string]any{"by": "another"}, ops(t, callFn(t.Context(), t, app, e))[0]["data"])
	e.Steps[hashed("s")] = kinds["Run"].kept
	resp := callFn(t.Context(), t, app, e)
	require.Equal(t, http.StatusOK, resp.Status)
	require.JSONEq(t, `{"by":"another"}`, string(resp.Body))
}

// Functions of the SDK keep to encoding/json, as do the steps in them.
func TestJSONOfAdoptedFunctions(t *testing.T) {
	t.Parallel()
	var codec recorded
	app, _ := adopt(t, func(ctx context.Context, _ input) (any, error) { return run(ctx) },
		func(c *inngestkit.Config) { c.JSON = &codec })
	e := signUpEnvelope(user{})
	require.Equal(t, "StepRun", ops(t, callFn(t.Context(), t, app, e))[0]["op"])
	e.Steps[hashed("s")] = kinds["Run"].kept
	require.JSONEq(t, `{"id":"u1"}`, string(callFn(t.Context(), t, app, e).Body))
	require.Empty(t, codec.take())
}
