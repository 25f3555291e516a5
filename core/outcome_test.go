package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// ending records how a call or a step ended.
type ending struct {
	outcome inngestkit.Outcome
	err     error
	times   int
}

func (e *ending) note(outcome inngestkit.Outcome, err error) { *e = ending{outcome, err, e.times + 1} }

// endings is middleware that records how calls and steps ended.
func endings(function, steps *ending) inngestkit.Option {
	return inngestkit.Use(inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				call.OnEnd(function.note)
				return next(ctx, call)
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				s.OnEnd(steps.note)
				return next(ctx, s)
			}
		},
	})
}

// The outcome that middleware sees is the one in the response: no retry after OutcomeFailed and
// OutcomeNonRetriable.
func TestOutcome(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		err          error
		attempt, max int
		want         inngestkit.Outcome
		noRetry      bool // in the response about a function
	}{
		"no error":                {max: 4, want: inngestkit.OutcomeCompleted},
		"error":                   {err: boom, max: 4, want: inngestkit.OutcomeRetried},
		"last attempt":            {err: boom, attempt: 3, max: 4, want: inngestkit.OutcomeFailed},
		"attempts are not known":  {err: boom, attempt: 3, want: inngestkit.OutcomeRetried},
		"not to be retried":       {err: inngestkit.NoRetry(boom), max: 4, want: inngestkit.OutcomeNonRetriable, noRetry: true},
		"wrapped":                 {err: fmt.Errorf("x: %w", inngestkit.NoRetry(boom)), attempt: 3, max: 4, want: inngestkit.OutcomeNonRetriable, noRetry: true},
		"later":                   {err: inngestkit.RetryAfter(boom, 1), max: 4, want: inngestkit.OutcomeRetried},
		"panic":                   {err: nil, max: 4, want: inngestkit.OutcomeRetried},
		"error of a failed step":  {err: fmt.Errorf("x: %w", step.Error{Message: "gone"}), max: 4, want: inngestkit.OutcomeNonRetriable, noRetry: true},
		"that and others, joined": {err: errors.Join(boom, step.Error{Message: "gone"}), max: 4, want: inngestkit.OutcomeNonRetriable, noRetry: true},
	} {
		result := func(context.Context) (string, error) {
			if name == "panic" {
				panic("oh")
			}
			return "ok", tc.err
		}
		e := signUpEnvelope(user{})
		e.Context["attempt"], e.Context["max_attempts"] = tc.attempt, tc.max
		if tc.max == 0 {
			delete(e.Context, "max_attempts")
		}
		t.Run(name+" of a function", func(t *testing.T) {
			t.Parallel()
			var got, none ending
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) { return result(ctx) }, endings(&got, &none)))
			resp := callFn(t.Context(), t, app, e)
			require.Equal(t, ending{tc.want, got.err, 1}, got)
			require.Equal(t, tc.want != inngestkit.OutcomeCompleted, got.err != nil)
			require.Empty(t, none)
			require.Equal(t, tc.noRetry, resp.Header.Get("X-Inngest-No-Retry") == "true")
		})
		t.Run(name+" of a step", func(t *testing.T) {
			t.Parallel()
			var function, got ending
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				return step.Run(ctx, "a", result)
			}, endings(&function, &got)))
			op := ops(t, callFn(t.Context(), t, app, e))[0]
			require.Equal(t, ending{inngestkit.OutcomeYielded, nil, 1}, function)
			want := tc.want
			if errors.Is(tc.err, step.Error{}) { // of another step: in a step it is an error like any other
				want = inngestkit.OutcomeRetried
			}
			require.Equal(t, ending{want, got.err, 1}, got)
			require.Equal(t, want != inngestkit.OutcomeCompleted, got.err != nil)
			require.Equal(t, map[inngestkit.Outcome]string{
				inngestkit.OutcomeCompleted: "StepRun", inngestkit.OutcomeRetried: "StepError",
				inngestkit.OutcomeFailed: "StepFailed", inngestkit.OutcomeNonRetriable: "StepFailed",
			}[got.outcome], op["op"])
		})
	}
}

// The outcome includes errors that occur only when the response is made.
func TestOutcomeOfTheResponse(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 4<<20)
	for name, tc := range map[string]struct {
		handler        func(ctx context.Context) (any, error)
		function, step inngestkit.Outcome
		message        string // of the function, or else of the step
	}{
		"a function whose output is not JSON": {
			handler:  func(context.Context) (any, error) { return func() {}, nil },
			function: inngestkit.OutcomeNonRetriable, message: `the output of function "fn", of Go type func(), is not JSON: json: unsupported type: func()`,
		},
		"a step whose output is not JSON": {
			handler: func(ctx context.Context) (any, error) {
				return step.Run(ctx, "a", func(context.Context) (any, error) { return func() {}, nil })
			},
			function: inngestkit.OutcomeYielded, step: inngestkit.OutcomeNonRetriable, message: `the result of step "a" cannot be kept, because it is not JSON`,
		},
		"a step whose output is too large": {
			handler: func(ctx context.Context) (any, error) {
				return step.Run(ctx, "a", func(context.Context) (any, error) { return large, nil })
			},
			function: inngestkit.OutcomeYielded, step: inngestkit.OutcomeNonRetriable, message: `the result of step "a" has 4194306 bytes as JSON`,
		},
		"a step in a step": {
			handler: func(ctx context.Context) (any, error) {
				return step.Run(ctx, "a", func(context.Context) (any, error) {
					return step.Run(ctx, "b", func(context.Context) (any, error) { return "b", nil })
				})
			},
			function: inngestkit.OutcomeNonRetriable, step: inngestkit.OutcomeNonRetriable, message: `step "b" was called inside the callback of another step`,
		},
		"an output that panics": {
			handler:  func(context.Context) (any, error) { return panics{}, nil },
			function: inngestkit.OutcomeNonRetriable, message: "of Go type inngestkit_test.panics, is not JSON: encoding inngestkit_test.panics panicked: oh",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var function, got ending
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return tc.handler(ctx) }, endings(&function, &got)))
			callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, tc.function, function.outcome, "%v", function.err)
			require.Equal(t, tc.step, got.outcome)
			err := function.err
			if err == nil {
				err = got.err
			}
			require.ErrorContains(t, err, tc.message)
		})
	}
}

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("oh") }

// If the goroutine of a call ends, the call and its step have ended.
func TestOutcomeOfAGoroutineThatEnds(t *testing.T) {
	t.Parallel()
	var function, got ending
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "a", func(context.Context) (any, error) {
			runtime.Goexit()
			return nil, nil
		})
	}, endings(&function, &got)))
	request, done := callRequest(t, signUpEnvelope(user{})), make(chan struct{})
	go func() {
		defer close(done)
		app.Do(t.Context(), request)
	}()
	<-done
	for _, e := range []ending{function, got} {
		require.Equal(t, inngestkit.OutcomeRetried, e.outcome)
		require.Equal(t, 1, e.times)
		require.ErrorContains(t, e.err, "its goroutine has ended")
	}
}

// A panic in a callback of OnEnd changes nothing.
func TestOnEndPanics(t *testing.T) {
	t.Parallel()
	var function, got ending
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		return step.Run(ctx, "a", func(context.Context) (string, error) { return "a", nil })
	}, endings(&function, &got), inngestkit.Use(inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				call.OnEnd(func(inngestkit.Outcome, error) { panic("of a call") })
				return next(ctx, call)
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				s.OnEnd(func(inngestkit.Outcome, error) { panic("of a step") })
				return next(ctx, s)
			}
		},
	})))
	require.Equal(t, "a", ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["data"])
	require.Equal(t, ending{inngestkit.OutcomeYielded, nil, 1}, function)
	require.Equal(t, ending{inngestkit.OutcomeCompleted, nil, 1}, got)
	require.Contains(t, l.String(), `"inngest: a function given to OnEnd panicked"`)
}

// The server would treat a response that is too large as a failed attempt, and retry in vain.
func TestLargeResponses(t *testing.T) {
	t.Parallel()
	const limit = 8<<20 - 16<<10
	text := func(n int) string { return strings.Repeat("x", n) }
	infer := func(id string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := step.Infer[any](ctx, id, step.InferRequest{URL: "http://model.test", Body: text(3 << 20)})
			return err
		}
	}
	for name, tc := range map[string]struct {
		call func(ctx context.Context) (string, error)
		want string // in the message, "" if the server accepts the response
	}{
		"output": {func(context.Context) (string, error) { return text(limit - 2), nil }, ""},
		"large output": {func(context.Context) (string, error) { return text(limit - 1), nil },
			"the output of the function has 8372225 bytes as JSON, more than the 8372224 that the server accepts; keep large data elsewhere"},
		"steps": {func(ctx context.Context) (string, error) { return "", infer("a")(ctx) }, ""},
		"large steps": {func(ctx context.Context) (string, error) {
			return "", step.Parallel(ctx, infer("a"), infer("b"))
		}, "the steps of one call together have 12583"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got, none ending
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) { return tc.call(ctx) }, endings(&got, &none)))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			if tc.want == "" {
				require.Less(t, resp.Status, 300)
				return
			}
			require.Equal(t, 400, resp.Status)
			require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
			require.Contains(t, message(t, resp), tc.want)
			require.Equal(t, inngestkit.OutcomeNonRetriable, got.outcome)
			require.ErrorContains(t, got.err, tc.want)
		})
	}
}
