package secrets

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

var placed = inngestkit.DefineEvent[any]("order/placed")

var item any = map[string]string{"id": "o1"}

// functionID is the ID, at the server, of the function that newFailing registers.
const functionID = "shop-fulfil"

// operations are what makes requests to the server. Each returns what the caller gets.
var operations = map[string]func(ctx context.Context, app *inngestkit.App) any{
	"Sync":          func(ctx context.Context, app *inngestkit.App) any { return app.Sync(ctx) },
	"Ping":          func(ctx context.Context, app *inngestkit.App) any { return app.Ping(ctx) },
	"CheckEndpoint": func(ctx context.Context, app *inngestkit.App) any { return app.CheckEndpoint(ctx) },
	"SendSignal":    func(ctx context.Context, app *inngestkit.App) any { return app.SendSignal(ctx, "paid", nil) },
	"Send": func(ctx context.Context, app *inngestkit.App) any {
		_, err := app.Send(ctx, placed.New(item))
		return err
	},
	"Start": func(ctx context.Context, app *inngestkit.App) any {
		err := app.Start(ctx)
		time.Sleep(40 * time.Second)
		return err
	},
	"a sync of the server": func(ctx context.Context, app *inngestkit.App) any {
		return do(ctx, app, http.MethodPut, "", `{"url":"https://shop.test/api/inngest"}`, "X-Inngest-Sync-Kind", "out_of_band")
	},
	"an unsigned sync": func(ctx context.Context, app *inngestkit.App) any {
		return unsigned(ctx, app, http.MethodPut, "", "")
	},
	"a call whose state is left out": func(ctx context.Context, app *inngestkit.App) any {
		return do(ctx, app, http.MethodPost, "fnId="+functionID+"&stepId=step", strings.Replace(callBody, `"steps":{}`, `"steps":{},"use_api":true`, 1))
	},
	"a call with checkpoints": func(ctx context.Context, app *inngestkit.App) any {
		return do(ctx, app, http.MethodPost, "fnId="+functionID+"&stepId=step", callBody)
	},
}

// callBody is the body of a call of the function.
const callBody = `{"ctx":{"run_id":"01J0000000000000000000000","fn_id":"6a1e4d3b-4d2c-4f0e-9a55-0c6a2c5d1f10","step_id":"step",` +
	`"attempt":0,"max_attempts":4,"stack":{"stack":[],"current":0}},` +
	`"event":{"name":"order/placed","data":{"id":"o1"}},"events":[{"name":"order/placed","data":{"id":"o1"}}],"steps":{}}`

// newFailing returns an app with a function that sends an event and takes checkpoints.
func newFailing(t *testing.T, dev bool, behave behaviour) (*inngestkit.App, *record) {
	t.Helper()
	log := &record{}
	cfg := config(dev, log, behave)
	cfg.AllowUnsignedSync = true
	app, err := inngestkit.New(cfg)
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("fulfil", placed, func(ctx context.Context, _ inngestkit.Input[any]) (any, error) {
		if _, err := step.Run(ctx, "pack", func(context.Context) (any, error) { return "packed", nil }); err != nil {
			return nil, err
		}
		return step.SendEvent(ctx, "tell", placed.New(item))
	}, flow.Checkpoint())))
	app.MountedAt("test", "/api/inngest")
	return app, log
}

// Whatever a server, a proxy or a transport responds with, neither the error nor the log nor
// the response to the server contains a secret, even if they repeat the request.
func TestFailuresShowNoSecrets(t *testing.T) {
	t.Parallel()
	for mode, dev := range modes {
		for how, behave := range behaviours {
			for what, operate := range operations {
				t.Run(fmt.Sprintf("%s, %s, %s", what, mode, how), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						app, log := newFailing(t, dev, behave)
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						result := operate(ctx, app)
						log.write(result, app.Shutdown(ctx))
						switch result := result.(type) {
						case *adapter.Response:
							log.write(string(result.Body), result.Header)
						case error:
							log.write(dumped(result))
						}
						log.absent(t, "an error, a response or the log")
					})
				})
			}
		}
	}
}
