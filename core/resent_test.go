package inngestkit_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// Events sent outside of a step are sent again by the next call, which is logged once.
func TestEventsThatEachCallSends(t *testing.T) {
	t.Parallel()
	withID := signedUp.New(user{})
	withID.ID = new("an-id")
	send := func(ctx context.Context, event inngestkit.AnyEvent) error {
		_, err := inngestkit.Send(ctx, event)
		return err
	}
	nothing := func(context.Context) (any, error) { return nil, nil }
	for name, tc := range map[string]struct {
		run   func(ctx context.Context) (any, error)
		cloud bool
		warns int
	}{
		"before a step": {run: func(ctx context.Context) (any, error) {
			if err := send(ctx, signedUp.New(user{})); err != nil {
				return nil, err
			}
			return step.Run(ctx, "a", nothing)
		}, warns: 1},
		"in cloud mode": {run: func(ctx context.Context) (any, error) {
			if err := send(ctx, signedUp.New(user{})); err != nil {
				return nil, err
			}
			return step.Run(ctx, "a", nothing)
		}, cloud: true},
		"with an ID": {run: func(ctx context.Context) (any, error) {
			if err := send(ctx, withID); err != nil {
				return nil, err
			}
			return step.Run(ctx, "a", nothing)
		}},
		"in the last call": {run: func(ctx context.Context) (any, error) { return nil, send(ctx, signedUp.New(user{})) }},
		"in a step": {run: func(ctx context.Context) (any, error) {
			return step.Run(ctx, "a", func(inner context.Context) (any, error) {
				if err := send(ctx, signedUp.New(user{})); err != nil {
					return nil, err
				}
				return nil, send(inner, signedUp.New(user{}))
			})
		}},
		"by step.SendEvent": {run: func(ctx context.Context) (any, error) { return step.SendEvent(ctx, "a", signedUp.New(user{})) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "id1") })
			config := inngestkit.Config{Dev: true}
			if tc.cloud {
				config = cloud
			}
			config.BaseURL, config.HTTPClient = server.URL, server.Client()
			app, l := newAppWith(t, config, onSignUp(func(ctx context.Context, _ input) (any, error) { return tc.run(ctx) }))
			for range 2 {
				body := signUpEnvelope(user{}).json(t)
				req := request(http.MethodPost, "fnId=app-fn&stepId=step", body)
				if tc.cloud {
					req = withHeader(req, "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
				}
				require.Less(t, app.Do(t.Context(), req).Status, 300)
			}
			require.Equal(t, tc.warns, strings.Count(l.String(), "sends events outside of its steps"), l.String())
		})
	}
}
