package inngestkit

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/codec"
	"github.com/inngestkit/inngestkit/core/internal/datacheck"
	"github.com/inngestkit/inngestkit/core/internal/drain"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
	"github.com/inngestkit/inngestkit/core/internal/reqbody"
	"github.com/inngestkit/inngestkit/core/internal/safe"
	"github.com/inngestkit/inngestkit/core/internal/selfcheck"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// App holds the functions of one Inngest app and handles the server's calls. It
// is safe for concurrent use.
type App struct {
	// config is a pointer because fmt prints the fields of an App that is in an unexported
	// field, and follows no pointers there.
	config     *Config
	ownsClient bool // the app closes the HTTP client

	registering sync.Mutex
	registry    atomic.Pointer[registry]
	middleware  []Middleware
	chain       atomic.Pointer[chain]
	added       []adapter.Route // by AddRoutes

	verifier *signing.Verifier
	refusals refusals
	bodies   reqbody.Reader
	api      *inngestapi.Client
	checker  *datacheck.Checker
	codec    codec.Codec
	syncs    *syncs
	unsigned unsignedSyncs
	gate     *drain.Gate
	mount    atomic.Pointer[mountPoint]
	arrival  arrival
	started  atomic.Bool
	warned   atomic.Bool // that Start has not been called

	endpoint *selfcheck.Checker

	checkpointing checkpointing

	connecting         atomic.Bool          // Connect is running
	conn               atomic.Pointer[conn] // the current connection, nil without one
	environmentChecked atomic.Bool          // by warnAboutEnvironment
	severalPaths       atomic.Bool          // the app is mounted at more than one
}

// New returns an app with this configuration, or an error that lists all its mistakes. It
// starts nothing and connects to nothing.
func New(config Config) (*App, error) {
	ownsClient := config.HTTPClient == nil
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	config.warnOfShortKeys()
	a := &App{config: &config, ownsClient: ownsClient}
	a.registry.Store(&registry{byID: map[string]*function{}})
	a.chain.Store(newChain(a, nil))
	a.verifier = signing.NewVerifier(string(config.SigningKey), string(config.SigningKeyFallback))
	a.codec = codec.Codec{JSON: config.JSON}
	a.checker = &datacheck.Checker{Logger: config.Logger, Refuse: config.RefuseRoundedIntegers}
	a.api = config.newAPIClient()
	a.syncs = newSyncs()
	a.endpoint = a.newEndpointChecker(nil)
	a.gate = drain.NewGate(config.MaxInFlight)
	return a, nil
}

// newAPIClient returns the client of the server's API, for a config with defaults.
func (c Config) newAPIClient() *inngestapi.Client {
	header := http.Header{}
	inngestgo.SetBasicRequestHeaders(&http.Request{Header: header})
	header.Set("User-Agent", "inngestkit/"+Version)
	header[headerReqVersion] = []string{requestVersion}
	if c.Platform != "" {
		header.Set(headerPlatform, c.Platform)
	}
	if c.Env != "" {
		header.Set(inngestgo.HeaderKeyEnv, c.Env)
	}
	return inngestapi.New(inngestapi.Options{
		HTTPClient: c.HTTPClient, Logger: c.Logger, Dev: c.Dev,
		APIBaseURL: c.APIBaseURL, EventAPIBaseURL: c.EventAPIBaseURL,
		SigningKey: signing.HashedKey(string(c.SigningKey)), SigningKeyFallback: signing.HashedKey(string(c.SigningKeyFallback)),
		EventKey: c.eventKey(), Header: header, Secrets: c.secrets(),
	})
}

// String returns the ID of the app, without its configuration.
func (a *App) String() string { return "inngestkit.App(" + a.config.AppID + ")" }

// GoString returns the same as String, for %#v.
func (a *App) GoString() string { return a.String() }

// Format implements [fmt.Formatter]. It prints the same as String, whatever the verb.
func (a *App) Format(state fmt.State, verb rune) { safe.Format(state, verb, a.String(), a.GoString()) }

// ID returns the ID of the app.
func (a *App) ID() string { return a.config.AppID }

// Dev reports whether the app is for the dev server; see [Config].
func (a *App) Dev() bool { return a.config.Dev }

// Path returns the path at which adapters mount the app, relative to the router or group.
func (a *App) Path() string { return a.config.Path }

// Logger returns the logger of the app, for plugins and adapters. It recovers panics of the
// handler. In functions, use the function [Logger].
func (a *App) Logger() *slog.Logger { return a.config.Logger }

// FunctionIDs returns the IDs of the registered functions in order of registration.
func (a *App) FunctionIDs() []string {
	order := a.registry.Load().order
	ids := make([]string, len(order))
	for i, f := range order {
		ids[i] = f.source.id
	}
	return ids
}

type appContextKey struct{}

// NewContext returns a context that carries the app, for [FromContext]. The Middleware of
// each adapter does this to the context of a request.
func NewContext(ctx context.Context, a *App) context.Context {
	return context.WithValue(ctx, appContextKey{}, a)
}

// FromContext returns the app that ctx carries, nil if ctx carries none or is nil.
func FromContext(ctx context.Context) *App {
	if ctx == nil {
		return nil
	}
	if a, ok := ctx.Value(appContextKey{}).(*App); ok {
		return a
	}
	a, _ := ctx.Value(adapter.StoreKey).(*App)
	return a
}

// Version is the version of this module. All modules of the repository are
// released together, under the same version.
const Version = "0.1.0"
