package inngestkit

import (
	"context"
	"log/slog"
	"net/url"
	"slices"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/connect"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/safe"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// connectURL stands for the app's URL in what is announced: there is none.
var connectURL = url.URL{Scheme: "ws", Host: "connect"}

// openLine opens a connection with the SDK.
func (c *connection) openLine(ctx context.Context) (*line, error) {
	// The SDK's workers stop with its context, so that must outlive the drain.
	sdkCtx, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	invokers := map[string]connect.FunctionInvoker{
		c.app.config.AppID: newInvoker(c, connect.FunctionInvoker.InvokeFunction),
	}
	conn, err := connect.Connect(sdkCtx, c.options(), invokers, slog.New(&connectLog{connection: c}))
	if err != nil {
		end()
		return nil, safe.Sound("the transport", err) // it may be one of the program's
	}
	l := &line{conn, end}
	if !stop() {
		l.close()
		return nil, ctxerr.Cause(ctx)
	}
	return l, nil
}

// options are what inngestgo.Connect makes of a client, without anything left to
// the environment.
func (c *connection) options() connect.Opts {
	config := c.app.config
	concurrency := int64(firstPositive(config.ConnectMaxWorkerConcurrency, config.MaxInFlight))
	options := connect.Opts{
		Apps:                     []connect.ConnectApp{c.announcement()},
		Env:                      optional(config.Env),
		HashedSigningKey:         connectKey(config.SigningKey),
		HashedSigningKeyFallback: connectKey(config.SigningKeyFallback),
		MaxWorkerConcurrency:     &concurrency,
		APIBaseURL:               config.APIBaseURL,
		IsDev:                    config.Dev,
		InstanceID:               optional(config.ConnectInstanceID),
		Platform:                 optional(config.Platform),
		SDKVersion:               inngestgo.SDKVersion,
		SDKLanguage:              inngestgo.SDKLanguage,
	}
	options.Capabilities.Connect = ourCapabilities.Connect
	options.Capabilities.InBandSync = ourCapabilities.InBandSync
	options.Capabilities.TrustProbe = ourCapabilities.TrustProbe
	return options
}

// announcement is the app with its functions in the SDK's form, whose type has
// no name outside of the SDK.
func (c *connection) announcement() connect.ConnectApp {
	app := connect.ConnectApp{AppName: c.app.config.AppID, AppVersion: optional(c.app.config.AppVersion)}
	order := c.app.registry.Load().order
	app.Functions = slices.Grow(app.Functions, len(order))[:len(order)]
	for i, f := range order {
		announced, config := &app.Functions[i], f.config
		announced.Slug = f.id
		announced.Name = firstOf(config.Name, f.source.id)
		announced.Triggers = f.triggers
		announced.Concurrency = config.Concurrency
		announced.Priority = config.Priority
		announced.EventBatch = config.BatchEvents
		announced.Idempotency = config.Idempotency
		announced.RateLimit = config.RateLimit
		announced.Throttle = config.Throttle
		announced.Retries = config.Retries
		announced.Debounce = config.Debounce
		announced.Checkpoint = config.Checkpoint
		announced.Timeouts = config.Timeouts
		announced.Cancel = config.Cancel
		announced.Singleton = config.Singleton
		announced.UpdateSteps(connectURL)
		for _, step := range announced.Steps {
			step.Runtime["type"] = connectURL.Scheme
		}
	}
	return app
}

func connectKey(key Secret) []byte {
	if hashed := signing.HashedKey(string(key)); hashed != "" {
		return []byte(hashed)
	}
	return nil
}

func firstPositive(values ...int) int {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}
