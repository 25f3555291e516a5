// Package sdkconnect opens connections to the Inngest server with the SDK's package
// connect. It holds what connect mode needs of the SDK and the SDK does not export:
// the form in which functions are announced, types that have no name outside the SDK,
// and log messages that are the only sign of an event. Its tests run the SDK's own
// code against a gateway and fail when a new version of the SDK changes one of these.
package sdkconnect

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/connect"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// AckDeadline is how long the SDK waits for the server to acknowledge a reply before
// it delivers the reply by an HTTP request.
const AckDeadline = connect.ResponseAcknowlegeDeadline

// Options configure a connection. Empty strings are left out.
type Options struct {
	AppID      string
	AppVersion string
	Functions  []Function // in the order in which they are announced

	Env        string
	InstanceID string // the host name if empty
	Platform   string
	Dev        bool
	APIBaseURL string
	// SigningKey and SigningKeyFallback are hashed, as the server expects them.
	SigningKey         string
	SigningKeyFallback string
	// MaxConcurrency is the number of calls that the server may have in progress on
	// this connection; 0 means no limit.
	MaxConcurrency int
	Capabilities   Capabilities
}

// Function is a function to announce.
type Function struct {
	ID       string // the composite ID
	Name     string
	Triggers []inngestgo.Trigger
	Config   inngestgo.FunctionOpts
}

// Capabilities are the versions of the protocols that the app supports.
type Capabilities struct {
	Connect    string
	InBandSync string
	TrustProbe string
}

// A Handler receives what happens on a connection. The SDK calls its methods on
// several goroutines.
type Handler interface {
	// Call executes a call of a function. The step ID is empty unless the server
	// requests one particular step. Call must not panic or end its goroutine: the SDK
	// recovers neither.
	Call(functionID, stepID string, header http.Header, body []byte) Response
	// Acknowledged reports that the server has received one reply.
	Acknowledged()
	// NotConnected reports why one attempt to connect failed.
	NotConnected(err error)
}

// Response is the response to a call, as over HTTP.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// State is the state of a [Conn].
type State int

const (
	// StateClosed is the state of a connection that the SDK does not restore any more.
	StateClosed State = iota
	// StateReconnecting is the state of a lost connection that the SDK tries to restore.
	StateReconnecting
	// StateActive is the state of a connection over which calls arrive.
	StateActive
)

// Conn is one connection of the SDK, which reconnects a few times by itself.
type Conn struct {
	worker connect.WorkerConnection
	log    *logHandler
	end    context.CancelFunc // ends the SDK's workers
}

// Open connects to the server. The connection outlives ctx once it is open.
func Open(ctx context.Context, options Options, handler Handler) (*Conn, error) {
	// The SDK's workers stop with its context, so that must outlive the drain.
	sdkCtx, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	invokers := map[string]connect.FunctionInvoker{options.AppID: Invoker(handler)}
	log := &logHandler{handler: handler}
	worker, err := connect.Connect(sdkCtx, options.sdk(), invokers, slog.New(log))
	if err != nil {
		end()
		return nil, safe.Sound("the transport", err) // http.DefaultTransport may be the program's own
	}
	c := &Conn{worker, log, end}
	if !stop() {
		c.Close()
		return nil, ctxerr.Cause(ctx)
	}
	return c, nil
}

// State returns the current state. The SDK calls a connection active that a gateway has
// asked to replace, for as long as the replacement takes, which has no limit.
func (c *Conn) State() State {
	switch c.worker.State() {
	case connect.ConnectionStateActive:
		if c.log.draining.Load() {
			return StateReconnecting
		}
		return StateActive
	case connect.ConnectionStateReconnecting:
		return StateReconnecting
	default:
		return StateClosed
	}
}

// Close closes the connection. The SDK waits for calls in progress, but does not keep
// them alive at the server.
func (c *Conn) Close() {
	_ = c.worker.Close() // the SDK has logged the error
	c.end()
}

// endpoint is what the SDK announces as the URL of a connected app, which has none.
var endpoint = url.URL{Scheme: "ws", Host: "connect"}

// Announcement returns the app and its functions in the SDK's form. The type of the
// functions has no name outside the SDK.
func (o Options) Announcement() connect.ConnectApp {
	app := connect.ConnectApp{AppName: o.AppID, AppVersion: optional(o.AppVersion)}
	app.Functions = slices.Grow(app.Functions, len(o.Functions))[:len(o.Functions)]
	for i, f := range o.Functions {
		announced := &app.Functions[i]
		announced.Slug = f.ID
		announced.Name = f.Name
		announced.Triggers = f.Triggers
		announced.Concurrency = f.Config.Concurrency
		announced.Priority = f.Config.Priority
		announced.EventBatch = f.Config.BatchEvents
		announced.Idempotency = f.Config.Idempotency
		announced.RateLimit = f.Config.RateLimit
		announced.Throttle = f.Config.Throttle
		announced.Retries = f.Config.Retries
		announced.Debounce = f.Config.Debounce
		announced.Checkpoint = f.Config.Checkpoint
		announced.Timeouts = f.Config.Timeouts
		announced.Cancel = f.Config.Cancel
		announced.Singleton = f.Config.Singleton
		announced.UpdateSteps(endpoint)
		for _, step := range announced.Steps {
			step.Runtime["type"] = endpoint.Scheme
		}
	}
	return app
}

// sdk returns what inngestgo.Connect makes of a client, with nothing left to the
// environment.
func (o Options) sdk() connect.Opts {
	concurrency := int64(o.MaxConcurrency)
	options := connect.Opts{
		Apps:                     []connect.ConnectApp{o.Announcement()},
		Env:                      optional(o.Env),
		HashedSigningKey:         key(o.SigningKey),
		HashedSigningKeyFallback: key(o.SigningKeyFallback),
		MaxWorkerConcurrency:     &concurrency,
		APIBaseURL:               o.APIBaseURL,
		IsDev:                    o.Dev,
		InstanceID:               optional(o.InstanceID),
		Platform:                 optional(o.Platform),
		SDKVersion:               inngestgo.SDKVersion,
		SDKLanguage:              inngestgo.SDKLanguage,
	}
	options.Capabilities.InBandSync = o.Capabilities.InBandSync
	options.Capabilities.TrustProbe = o.Capabilities.TrustProbe
	options.Capabilities.Connect = o.Capabilities.Connect
	return options
}

// key returns nil for an empty key: otherwise the SDK sends an empty Authorization
// header.
func key(hashed string) []byte {
	if hashed == "" {
		return nil
	}
	return []byte(hashed)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
