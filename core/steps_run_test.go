package inngestkit_test

import (
	"context"
	"encoding/json"
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
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// runs returns a function with a step whose callback returns value and err.
func runs(value any, err error) func(ctx context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		return step.Run(ctx, "s", func(context.Context) (any, error) { return value, err })
	}
}

// A result that cannot be memoized fails the step without a retry: the callback would return the
// same again.
func TestResultsThatCannotBeMemoized(t *testing.T) {
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
		"a channel":       {make(chan int), `the result of step "s" cannot be kept, because it is not JSON: json: unsupported type`},
		"a bad number":    {math.NaN(), "because it is not JSON: json: unsupported value"},
		"a bad marshaler": {badMarshaler{}, "because it is not JSON"},
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
		{"no retry", inngestkit.NoRetry(oops), "StepFailed", "true", ""},
		{"retry at", inngestkit.RetryAt(oops, at), "StepError", "", at.Format(time.RFC3339)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return runs(user{ID: "half"}, tc.err)(ctx) }))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			op := ops(t, resp)[0]
			require.Equal(t, tc.op, op["op"])
			sent := op["error"].(map[string]any)
			require.Equal(t, "oops", sent["message"])
			require.Equal(t, map[string]any{"id": "half"}, sent["data"], "the value is memoized with the error")
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

// A step also returns the value that its callback returned with the final error.
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

// The result of a step is always decoded from JSON, so the first call and later ones get the
// same value.
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

// Guard: to the SDK, a step that returns the error of another step is a function that did not
// handle the error.
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
		"for good":   {func(err error) error { return inngestkit.NoRetry(fmt.Errorf("after: %w", err)) }, "StepFailed", ""},
		"for a time": {func(err error) error { return inngestkit.RetryAt(err, at) }, "StepError", at.Format(time.RFC3339)},
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

// Steps of package step also run in parallel in the SDK's group.Parallel, which functions moved
// from the SDK use.
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

// A test that ends in the callback of a step, for example by require, ends as elsewhere: with
// runtime.Goexit, and without a panic.
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
	require.Contains(t, l.String(), `msg="inngest: request left without a response" method=POST path=/api/inngest`)
}

// keptError returns the error of a step that the server memoizes, and checks its size.
func keptError(t *testing.T, resp *adapter.Response) (message string, data any) {
	t.Helper()
	op := ops(t, resp)[0]
	require.Equal(t, "StepFailed", op["op"])
	require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
	failed := op["error"].(map[string]any)
	require.Contains(t, failed, "data", "the SDK fails the function where there is none")
	failed["noRetry"] = true
	kept, err := json.Marshal(map[string]any{"error": failed})
	require.NoError(t, err)
	require.LessOrEqual(t, len(kept), 4<<20)
	return failed["message"].(string), failed["data"]
}

// An error that is too large would fail the run at the server after the step has run again,
// even if it must not be retried.
func TestLargeErrorsOfSteps(t *testing.T) {
	t.Parallel()
	kept := func(value any, text string) (message string, data any) {
		call := runs(value, inngestkit.NoRetry(errors.New(text)))
		return keptError(t, callFn(t.Context(), t, newKindApp(t, kind{call: call}, nil), signUpEnvelope(user{})))
	}
	message, data := kept("half", strings.Repeat("x", 4<<20-100))
	require.Len(t, message, 4<<20-100)
	require.Equal(t, "half", data)

	message, data = kept("half", strings.Repeat("x", 4<<20))
	require.Contains(t, message, "x… (cut, 4194304 bytes)")
	require.Greater(t, len(message), 4<<20-100)
	require.Equal(t, "half", data)

	message, data = kept(strings.Repeat("y", 1<<20), strings.Repeat("x", 4<<20))
	require.Contains(t, message, "x… (cut, 4194304 bytes)")
	require.Len(t, data, 1<<20)

	message, data = kept(strings.Repeat("y", 3<<20), strings.Repeat("x", 3<<20))
	require.Len(t, message, 3<<20, "rather without the data")
	require.Nil(t, data)

	message, data = kept(make(chan int), "no")
	require.Equal(t, "no", message)
	require.Nil(t, data)

	message, _ = kept(nil, strings.Repeat("<", 1<<20))
	require.Contains(t, message, "<… (cut, 1048576 bytes)", "it counts as JSON")
}

func TestLargeErrorsThatAreDeferred(t *testing.T) {
	t.Parallel()
	for _, value := range []any{"half", make(chan int)} {
		app, _ := newCheckpointApp(t, http.StatusOK, func(ctx context.Context, _ input) (string, error) {
			_ = stepOf("before", new(string))(ctx)
			_, err := runs(value, inngestkit.NoRetry(errors.New(strings.Repeat("x", 4<<20))))(ctx)
			return "", err
		})
		message, _ := keptError(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))
		require.Contains(t, message, "x… (cut, 4194304 bytes)")
	}
}

func TestLargeErrorsOfFunctions(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(context.Context, input) (any, error) {
		return nil, inngestkit.RetryAfter(errors.New(strings.Repeat("é", 4<<20)), time.Minute)
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	// A failure handler gets the error twice and the event, of up to 3 MiB, twice.
	require.Less(t, 2*(len(resp.Body)+3<<20), inngestkit.DefaultMaxBodyBytes)
	require.Contains(t, message(t, resp), "é… (cut, 8388608 bytes)")
	require.Greater(t, len(l.String()), 8<<20, "the app's log has all of it")
}
