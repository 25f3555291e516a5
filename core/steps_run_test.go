package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/inngest/inngestgo/group"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// runs is a step with a callback that returns value and err.
func runs(value any, err error) func(ctx context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		return step.Run(ctx, "s", func(context.Context) (any, error) { return value, err })
	}
}

// A result that cannot be kept fails the step at once: the callback would run
// again, and return the same.
func TestResultsThatCannotBeKept(t *testing.T) {
	t.Parallel()
	// The server counts {"data":} too, and the quotes are part of the string.
	most := strings.Repeat("x", 4<<20-len(`{"data":}`)-len(`""`))
	require.Equal(t, "StepRun", only(t, runs(most, nil))["op"])
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"too large":       {most + "x", `the result of step "s" has 4194296 bytes as JSON, and at most 4194295 are kept`},
		"large as JSON":   {strings.Repeat("<", 1<<20), `has 6291458 bytes as JSON`},
		"a channel":       {make(chan int), `the result of step "s" cannot be kept, because it is no JSON: json: unsupported type`},
		"a bad number":    {math.NaN(), "because it is no JSON: json: unsupported value"},
		"a bad marshaler": {badMarshaler{}, "because it is no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := callFn(t.Context(), t, newKindApp(t, kind{call: runs(tc.value, nil)}, nil), signUpEnvelope(user{}))
			require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
			op := ops(t, resp)[0]
			require.Equal(t, "StepFailed", op["op"])
			require.Contains(t, op["error"].(map[string]any)["message"], tc.want)
			require.Nil(t, op["data"])
			require.Less(t, len(resp.Body), 2000)
		})
	}
}

type badMarshaler struct{}

func (badMarshaler) MarshalJSON() ([]byte, error) { return nil, errors.New("no") }

func TestErrorsOfSteps(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	oops := errors.New("oops")
	for _, tc := range []struct {
		name       string
		err        error
		op         string
		noRetry    string
		retryAfter string
	}{
		{"plain", oops, "StepError", "", ""},
		{"no retry", inngestkit.NoRetryError(oops), "StepFailed", "true", ""},
		{"retry at", inngestkit.RetryAtError(oops, at), "StepError", "", at.Format(time.RFC3339)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return runs(user{ID: "half"}, tc.err)(ctx) }))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			op := ops(t, resp)[0]
			require.Equal(t, tc.op, op["op"])
			sent := op["error"].(map[string]any)
			require.Equal(t, "oops", sent["message"])
			require.Equal(t, map[string]any{"id": "half"}, sent["data"], "what came with the error is kept with it")
			require.Equal(t, tc.noRetry, resp.Header.Get("X-Inngest-No-Retry"))
			require.Equal(t, tc.retryAfter, resp.Header.Get("Retry-After"))
			require.Contains(t, l.String(), "step failed")
		})
	}
	last := signUpEnvelope(user{})
	last.Context["attempt"] = 3
	op := ops(t, callFn(t.Context(), t, newKindApp(t, kind{call: runs(nil, oops)}, nil), last))[0]
	require.Equal(t, "StepFailed", op["op"], "of the last try")
}

// A step returns a value next to its final error too, if it did so when it failed.
func TestValueNextToAnError(t *testing.T) {
	t.Parallel()
	var got any
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		var err error
		got, err = step.Run(ctx, "s", func(context.Context) (user, error) { return user{}, nil })
		require.ErrorAs(t, err, new(step.Error))
		return nil, nil
	}))
	for _, tc := range []struct {
		data any
		want user
	}{{user{ID: "half"}, user{ID: "half"}}, {nil, user{}}, {"text", user{}}} {
		e := signUpEnvelope(user{})
		e.Steps[hashed("s")] = map[string]any{"error": map[string]any{"name": "Oops", "message": "no", "data": tc.data}}
		require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, e).Status)
		require.Equal(t, tc.want, got)
	}
}

// What a step returns has always been JSON, so that the first call and those that
// get the kept result see the same.
func TestResultsAreDecodedFromJSON(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		call func(ctx context.Context) (any, error)
		want any
	}{
		"any": {runs(5, nil), 5.0},
		"nil": {runs(nil, nil), nil},
		"pointer": {func(ctx context.Context) (any, error) {
			return step.Run(ctx, "s", func(context.Context) (*user, error) { return &user{ID: "u1"}, nil })
		}, &user{ID: "u1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := only(t, tc.call)["data"]
			var got any
			resp := callFn(t.Context(), t, newKindApp(t, kind{call: tc.call}, &got), signUpEnvelope(user{}).done("s", data))
			require.Equal(t, http.StatusOK, resp.Status)
			require.Equal(t, tc.want, got)
		})
	}
}

// Guard: the SDK takes a step that returns the error of another step for a function
// that has not handled it.
func TestStepThatReturnsTheErrorOfAnother(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	for name, tc := range map[string]struct {
		wrap  func(err error) error
		op    string
		after string
	}{
		"as it is":   {func(err error) error { return err }, "StepError", ""},
		"wrapped":    {func(err error) error { return fmt.Errorf("after: %w", err) }, "StepError", ""},
		"for good":   {func(err error) error { return inngestkit.NoRetryError(fmt.Errorf("after: %w", err)) }, "StepFailed", ""},
		"for a time": {func(err error) error { return inngestkit.RetryAtError(err, at) }, "StepError", at.Format(time.RFC3339)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				_, err := step.Run(ctx, "a", func(context.Context) (string, error) { return "", nil })
				return step.Run(ctx, "b", func(context.Context) (string, error) { return "", tc.wrap(err) })
			}))
			e := signUpEnvelope(user{})
			e.Steps[hashed("a")] = map[string]any{"error": map[string]any{"name": "Error", "message": "a failed"}}
			resp := callFn(t.Context(), t, app, e)
			op := ops(t, resp)[0]
			require.Equal(t, tc.op, op["op"])
			require.Contains(t, op["error"].(map[string]any)["message"], "a failed")
			require.Equal(t, tc.after, resp.Header.Get("Retry-After"))
		})
	}
}

// Our steps are parallel in the SDK's group.Parallel too, as functions moved over
// from it have them.
func TestStepsInAGroupOfTheSDK(t *testing.T) {
	t.Parallel()
	var tr trace
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		branch := func(id string) func(context.Context) (any, error) {
			return func(ctx context.Context) (any, error) {
				return step.Run(ctx, id, func(context.Context) (string, error) { return id, nil })
			}
		}
		group.Parallel(ctx, branch("a"), branch("b"))
		return "done", nil
	}, inngestkit.Use(tr.middleware("own"))))
	planned := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))
	require.Len(t, planned, 2)

	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&stepId="+hashed("b"), signUpEnvelope(user{}).done("a", "a").json(t)))
	require.Equal(t, "b", ops(t, resp)[0]["data"])
	require.NotContains(t, tr.take(), "own: fn finished", "it is called once more")
	resp = callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a").done("b", "b"))
	require.Equal(t, `"done"`, string(resp.Body))
	require.Contains(t, tr.take(), "own: fn finished")
}

// A test that ends in the callback of a step, by require for one, ends as it would
// elsewhere: with runtime.Goexit, and without a panic.
func TestGoexitInAStep(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		return step.Run(ctx, "a", func(context.Context) (string, error) { runtime.Goexit(); return "", nil })
	}))
	request := callRequest(t, signUpEnvelope(user{}))
	returned, ended := false, make(chan any)
	go func() {
		defer func() { ended <- recover() }()
		app.Do(t.Context(), request)
		returned = true
	}()
	require.Nil(t, <-ended)
	require.False(t, returned)
	require.NotContains(t, l.String(), "panicked")
}
