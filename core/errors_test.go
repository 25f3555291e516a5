package inngestkit_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// `return x, inngestkit.NoRetry(err)` is fine without an error, too.
func TestErrorsOfNothing(t *testing.T) {
	t.Parallel()
	require.NoError(t, inngestkit.NoRetry(nil))
	require.NoError(t, inngestkit.RetryAfter(nil, time.Minute))
	require.NoError(t, inngestkit.RetryAt(nil, time.Now()))
}

// The SDK's are not nil, and asking them for their text panics.
func TestErrorsOfNothingFromTheSDK(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"no retry":    inngestgo.NoRetryError(nil),
		"retry at":    inngestgo.RetryAtError(nil, time.Now()),
		"one in both": inngestgo.NoRetryError(inngestgo.RetryAtError(nil, time.Now())),
	} {
		app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
			value, err := step.Run(ctx, "s", func(context.Context) (string, error) { return "ran", err })
			if err != nil {
				return "", err
			}
			return value, nil
		}), inngestkit.OnEvent("whole", signedUp, func(context.Context, input) (string, error) { return "done", err }))
		require.Equal(t, []string{"StepRun s"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))), name)
		resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-whole&stepId=step", signUpEnvelope(user{}).json(t)))
		require.Equal(t, `"done"`, string(resp.Body), name)
	}
}
