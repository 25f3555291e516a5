package inngestkit_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// A new deferred step does not run while the function panics: its response would hide the panic.
// It runs if the panic was recovered, or without a panic.
func TestDeferredSteps(t *testing.T) {
	t.Parallel()
	type body = func(ctx context.Context, cleanup func(context.Context) (string, error)) error
	for name, tc := range map[string]struct {
		body    body
		panics  string // "" if the step runs
		options []inngestkit.Option
	}{
		"panics": {body: func(ctx context.Context, cleanup func(context.Context) (string, error)) error {
			defer step.Run(ctx, "cleanup", cleanup)
			panic("boom")
		}, panics: "boom"},
		"a runtime error": {body: func(ctx context.Context, cleanup func(context.Context) (string, error)) error {
			defer step.Run(ctx, "cleanup", cleanup)
			var none []int
			return errors.New(http.StatusText(none[len(none)]))
		}, panics: "index out of range"},
		"panics, and may run several steps": {body: func(ctx context.Context, cleanup func(context.Context) (string, error)) error {
			defer step.Run(ctx, "cleanup", cleanup)
			panic("boom")
		}, panics: "boom", options: []inngestkit.Option{flow.Checkpoint()}},
		"panics below another function": {body: func(ctx context.Context, cleanup func(context.Context) (string, error)) error {
			defer step.Run(ctx, "cleanup", cleanup)
			func() { panic(errors.New("deep")) }()
			return nil
		}, panics: "deep"},
		"an event is sent": {body: func(ctx context.Context, _ func(context.Context) (string, error)) error {
			defer step.SendEvent(ctx, "cleanup", signedUp.New(user{}))
			panic("boom")
		}, panics: "boom"},
		"returns an error": {body: func(ctx context.Context, cleanup func(context.Context) (string, error)) error {
			defer step.Run(ctx, "cleanup", cleanup)
			return errors.New("failed")
		}},
		"has recovered": {body: func(ctx context.Context, cleanup func(context.Context) (string, error)) (err error) {
			defer func() {
				if recover() != nil {
					_, err = step.Run(ctx, "cleanup", cleanup)
				}
			}()
			panic("boom")
		}},
		"has recovered in a function inside": {body: func(ctx context.Context, cleanup func(context.Context) (string, error)) error {
			func() {
				defer func() { _ = recover() }()
				panic("boom")
			}()
			_, err := step.Run(ctx, "cleanup", cleanup)
			return err
		}},
		"recovers before the step": {body: func(ctx context.Context, cleanup func(context.Context) (string, error)) error {
			defer step.Run(ctx, "cleanup", cleanup)
			defer func() { _ = recover() }()
			panic("boom")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran := 0
			app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
				return "", tc.body(ctx, func(context.Context) (string, error) { ran++; return "clean", nil })
			}, tc.options...))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			if tc.panics == "" {
				require.Equal(t, "StepRun", ops(t, resp)[0]["op"])
				require.Equal(t, 1, ran)
				return
			}
			require.Equal(t, http.StatusInternalServerError, resp.Status, "%s", resp.Body)
			require.Contains(t, message(t, resp), tc.panics)
			require.Zero(t, ran)
			require.Contains(t, l.String(), "steps_deferred_test.go", "the stack")
		})
	}
}

// A memoized deferred step returns its result, and the panic continues.
func TestDeferredStepThatIsMemoized(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		defer step.Run(ctx, "cleanup", func(context.Context) (string, error) { return "", nil })
		panic("boom")
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}).done("cleanup", "clean"))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Contains(t, message(t, resp), "boom")
}
