package inngestkit_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

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
		EnterStep: func(_ context.Context, s testhooks.Step) {
			text := s.Kind + " " + s.ID
			if s.Memoized {
				text += ", memoized"
			}
			entered = append(entered, text)
		},
		RunStep: func(_ context.Context, s testhooks.Step, _ func(context.Context) (any, error)) (any, error) {
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
	require.Equal(t, []string{"StepRun memoized, memoized", "Sleep later", "StepRun charge"}, entered)
}
