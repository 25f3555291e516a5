package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// `return x, inngestkit.NoRetry(err)` also works if err is nil.
func TestErrorsOfNil(t *testing.T) {
	t.Parallel()
	require.NoError(t, inngestkit.NoRetry(nil))
	require.NoError(t, inngestkit.RetryAfter(nil, time.Minute))
	require.NoError(t, inngestkit.RetryAt(nil, time.Now()))
}

func TestRetryPredicates(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	at := time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		err     error
		noRetry bool
		at      time.Time
	}{
		{"nil", nil, false, time.Time{}},
		{"plain", cause, false, time.Time{}},
		{"no retry", inngestkit.NoRetry(cause), true, time.Time{}},
		{"retry at", inngestkit.RetryAt(cause, at), false, at},
		{"the SDK's", inngestgo.RetryAtError(inngestgo.NoRetryError(cause), at), true, at},
		{"wrapped", fmt.Errorf("charge: %w", inngestkit.NoRetry(cause)), true, time.Time{}},
		{"joined", errors.Join(cause, inngestkit.RetryAt(cause, at)), false, at},
	} {
		require.Equal(t, tc.noRetry, inngestkit.IsNoRetry(tc.err), tc.name)
		got, ok := inngestkit.RetryTime(tc.err)
		require.Equal(t, !tc.at.IsZero(), ok, tc.name)
		require.True(t, tc.at.Equal(got), tc.name)
	}
	soon, ok := inngestkit.RetryTime(inngestkit.RetryAfter(cause, time.Hour))
	require.True(t, ok)
	require.WithinDuration(t, time.Now().Add(time.Hour), soon, time.Minute)
}

// Everything that fails because the app is shut down returns the same error, whether or not
// something else is missing.
func TestErrShutdown(t *testing.T) {
	t.Parallel()
	mounted, _ := newApp(t, onSignUp(hello))
	mounted.MountedAt("test", "/api/inngest")
	requireShutdownErrors(t, mounted)

	empty, _ := newApp(t)
	requireShutdownErrors(t, empty)

	cloud, err := inngestkit.New(inngestkit.Config{AppID: "shop", SigningKey: signingKey, EventKey: "key"})
	require.NoError(t, err)
	requireShutdownErrors(t, cloud)
}

func requireShutdownErrors(t *testing.T, app *inngestkit.App) {
	t.Helper()
	require.NoError(t, app.Shutdown(t.Context()))
	for name, err := range map[string]error{
		"start":          app.Start(t.Context()),
		"sync":           app.Sync(t.Context()),
		"connect":        app.Connect(t.Context()),
		"check endpoint": app.CheckEndpoint(t.Context()),
		"go":             app.Go(func(context.Context) {}),
	} {
		require.ErrorIs(t, err, inngestkit.ErrShutdown, name)
		require.EqualError(t, err, "inngestkit: "+name+": the app is shut down")
	}
}

// The SDK's wrappers around nil are not nil, and their Error method panics.
func TestErrorsOfNilFromTheSDK(t *testing.T) {
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
		adopted, _ := adopt(t, func(context.Context, input) (any, error) { return "done", err })
		require.Equal(t, `"done"`, string(callFn(t.Context(), t, adopted, signUpEnvelope(user{})).Body), name)
	}
}
