package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// Functions written for the bare SDK run unchanged behind every adapter, beside a
// function that has been moved to inngestkit.
func TestFromClientOnTheRealServer(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, with adapter) {
		server := testsite.NewServer(t)
		listener := testsite.Listen(t, "")
		addr := listener.Addr().String()
		var c counter
		client, err := inngestgo.NewClient(inngestgo.ClientOpts{
			AppID: "adopted", Dev: new(true), APIBaseURL: new(server.URL()), EventAPIBaseURL: new(server.URL()),
			Logger: testsite.Logger(t),
		})
		require.NoError(t, err)
		counts := func(ctx context.Context, id string) (string, error) {
			return sdkstep.Run(ctx, id, func(context.Context) (string, error) {
				if c.Add(id) == 1 && id == "flaky" {
					return "", errors.New("the first time it fails")
				}
				return id, nil
			})
		}
		_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "bare", Retries: new(3)},
			inngestgo.EventTrigger("user/started", nil), func(ctx context.Context, in input) (any, error) {
				one, err := counts(ctx, "one")
				if err != nil {
					return nil, err
				}
				sdkstep.Sleep(ctx, "nap", time.Second)
				flaky, err := counts(ctx, "flaky")
				if err != nil {
					return nil, err
				}
				return fmt.Sprint(in.Event.Data.ID, one, flaky), nil
			})
		require.NoError(t, err)

		app, err := inngestkit.FromClient(client, func(c *inngestkit.Config) { c.ServeHost = addr })
		require.NoError(t, err)
		started := inngestkit.DefineEvent[user]("user/started")
		require.NoError(t, app.Register(inngestkit.OnEvent("moved", started, func(ctx context.Context, in input) (string, error) {
			return step.Run(ctx, "moved", func(context.Context) (string, error) { return in.Event.Data.ID, nil })
		}, flow.Retries(3))))
		i := serveApp(t, with, app, listener)
		require.NoError(t, app.Start(t.Context()))
		require.NoError(t, app.AwaitSync(testsite.Within(t)))
		runs, err := server.AwaitRuns(testsite.Within(t), (&site{i, server}).send(t, started.New(user{ID: "u1"})), 2)
		require.NoError(t, err)
		outputs := map[string]string{}
		for _, run := range runs {
			require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
			outputs[run.Function] = string(run.Output)
		}
		require.Equal(t, map[string]string{"adopted-bare": `"u1oneflaky"`, "adopted-moved": `"u1"`}, outputs)
		require.Equal(t, []int{1, 2}, []int{c.Of("one"), c.Of("flaky")})
	})
}
