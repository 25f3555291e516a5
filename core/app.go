package inngestkit

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/datacheck"
	"github.com/inngestkit/inngestkit/core/internal/drain"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
	"github.com/inngestkit/inngestkit/core/internal/reqbody"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// App holds the functions of one Inngest app and answers the server's calls. It
// is safe for concurrent use.
type App struct {
	config     Config
	ownsClient bool // the HTTP client is ours to close

	registering sync.Mutex
	registry    atomic.Pointer[registry]
	middleware  []Middleware
	chain       atomic.Pointer[chain]
	added       []Route // by AddRoutes

	verifier *signing.Verifier
	refusals refusals
	bodies   reqbody.Reader
	api      *inngestapi.Client
	checker  *datacheck.Checker
	syncer   syncer
	unsigned unsignedSyncs
	gate     *drain.Gate
	mount    atomic.Pointer[mountPoint]
	started  atomic.Bool
	warned   atomic.Bool // that Start has not been called

	self      selfRequests
	listeners func() []netip.AddrPort // where this program listens

	checkpointing checkpointing

	connected atomic.Bool          // Connect runs
	line      atomic.Pointer[line] // over which Connect serves, nil for none
	looked    atomic.Bool          // lookAround has
}

// New returns an app with this configuration, or one error that lists everything
// that is wrong with it. It starts nothing and connects to nothing.
func New(config Config) (*App, error) {
	ownsClient := config.HTTPClient == nil
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	config.warnOfShortKeys()
	a := &App{config: config, ownsClient: ownsClient, listeners: ownListeners}
	a.registry.Store(&registry{byID: map[string]*function{}})
	a.chain.Store(newChain(a, nil))
	a.verifier = signing.NewVerifier(string(config.SigningKey), string(config.SigningKeyFallback))
	a.checker = &datacheck.Checker{Logger: config.Logger, Refuse: config.RefuseRoundedIntegers}
	a.api = config.newAPIClient()
	a.syncer.init()
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
		EventKey: c.eventKey(), Header: header,
	})
}

// String names the app and nothing of its configuration.
func (a *App) String() string { return "inngestkit.App(" + a.config.AppID + ")" }

// GoString is String, for %#v.
func (a *App) GoString() string { return a.String() }

// ID is the ID of the app.
func (a *App) ID() string { return a.config.AppID }

// Dev reports whether the app is for the dev server; see [Config].
func (a *App) Dev() bool { return a.config.Dev }

// Path is where adapters mount the app, below the router or group it is mounted
// on.
func (a *App) Path() string { return a.config.Path }

// FunctionIDs lists the IDs of the registered functions, in the order they were
// registered.
func (a *App) FunctionIDs() []string {
	order := a.registry.Load().order
	ids := make([]string, len(order))
	for i, f := range order {
		ids[i] = f.source.id
	}
	return ids
}

type appContextKey struct{}

// NewContext returns a context that carries the app, for [FromContext]. It is
// what the Middleware of each adapter does to a request.
func NewContext(ctx context.Context, a *App) context.Context {
	return context.WithValue(ctx, appContextKey{}, a)
}

// StoreKey is the key under which the Middleware of an adapter stores the app in a
// framework's own store too: [FromContext] then finds it in contexts that look only
// strings up there, as a *gin.Context does.
const StoreKey = "inngestkit.App"

// FromContext returns the app that ctx carries, nil if none or if ctx is nil.
func FromContext(ctx context.Context) *App {
	if ctx == nil {
		return nil
	}
	if a, ok := ctx.Value(appContextKey{}).(*App); ok {
		return a
	}
	a, _ := ctx.Value(StoreKey).(*App)
	return a
}
