package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// outcomes is middleware that notes how calls and steps ended.
func outcomes(function, steps *inngestkit.Outcome) inngestkit.Option {
	return inngestkit.Use(inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				output, err := next(ctx, call)
				*function = call.Outcome(err)
				return output, err
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				output, err := next(ctx, s)
				*steps = s.Outcome(err)
				return output, err
			}
		},
	})
}

// The outcome that middleware sees is what the server is told: no other try after
// Failed and NonRetriable.
func TestOutcome(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		err          error
		attempt, max int
		want         inngestkit.Outcome
		noRetry      bool // as the server is told about a function
	}{
		"no error":                {max: 4, want: inngestkit.Completed},
		"error":                   {err: boom, max: 4, want: inngestkit.Retried},
		"last attempt":            {err: boom, attempt: 3, max: 4, want: inngestkit.Failed},
		"attempts are not known":  {err: boom, attempt: 3, want: inngestkit.Retried},
		"not to be retried":       {err: inngestkit.NoRetryError(boom), max: 4, want: inngestkit.NonRetriable, noRetry: true},
		"wrapped":                 {err: fmt.Errorf("x: %w", inngestkit.NoRetryError(boom)), attempt: 3, max: 4, want: inngestkit.NonRetriable, noRetry: true},
		"later":                   {err: inngestkit.RetryAfterError(boom, 1), max: 4, want: inngestkit.Retried},
		"panic":                   {err: nil, max: 4, want: inngestkit.Retried},
		"error of a failed step":  {err: fmt.Errorf("x: %w", step.Error{Message: "gone"}), max: 4, want: inngestkit.NonRetriable, noRetry: true},
		"that and others, joined": {err: errors.Join(boom, step.Error{Message: "gone"}), max: 4, want: inngestkit.NonRetriable, noRetry: true},
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
			var got, none inngestkit.Outcome
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) { return result(ctx) }, outcomes(&got, &none)))
			resp := callFn(t.Context(), t, app, e)
			require.Equal(t, tc.want, got)
			require.Empty(t, none)
			require.Equal(t, tc.noRetry, resp.Header.Get("X-Inngest-No-Retry") == "true")
		})
		t.Run(name+" of a step", func(t *testing.T) {
			t.Parallel()
			var function, got inngestkit.Outcome
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				return step.Run(ctx, "a", result)
			}, outcomes(&function, &got)))
			op := ops(t, callFn(t.Context(), t, app, e))[0]
			require.Equal(t, inngestkit.Yielded, function)
			want := tc.want
			if errors.Is(tc.err, step.Error{}) { // of another step: in a step it is an error like any other
				want = inngestkit.Retried
			}
			require.Equal(t, want, got)
			require.Equal(t, map[inngestkit.Outcome]string{
				inngestkit.Completed: "StepRun", inngestkit.Retried: "StepError",
				inngestkit.Failed: "StepFailed", inngestkit.NonRetriable: "StepFailed",
			}[got], op["op"])
		})
	}
}
