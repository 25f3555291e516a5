package adaptertest

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// What every app of the suite has.
const (
	appID      = "app"
	functionID = "fn"
	// signingKey and eventKey are not secret: only servers of the suite use them.
	signingKey = "signkey-test-8ee2262a15e8d3c42d6a840db7af3de2aab08ef632b32a37a687f24b34dba3ff"
	eventKey   = "event-key-that-no-client-may-see"
	// bodyLimit is the size of bodies that a server has to let through. The app accepts less,
	// so the app, not the framework, refuses larger bodies.
	bodyLimit = 2 * inngestkit.DefaultMaxBodyBytes
)

// payload is the data of the suite's events.
type payload struct {
	ID   string `json:"id,omitempty"`
	Text string `json:"text,omitempty"`
}

type input = inngestkit.Input[payload]

var happened = inngestkit.DefineEvent[payload]("adaptertest/happened")

// setup describes how an instance differs from the default one.
type setup struct {
	groups []string
	// path is Config.Path, DefaultPath by default.
	path string
	// others returns further apps for the same router.
	others func(app *inngestkit.App) []*inngestkit.App
	// config changes the default configuration: cloud mode, with keys, and the fake API.
	config func(c *inngestkit.Config)
	// function is the handler of the app's function. The default returns the event's ID.
	function   func(ctx context.Context, in input) (any, error)
	middleware []inngestkit.Middleware
	// routes are those of plugins.
	routes []adapter.Route
	// events handles the requests that send events.
	events http.HandlerFunc
	// failed is called with the errors of Send.
	failed func(err error)
	// tls makes the server speak TLS.
	tls *tls.Config
}

// instance is a running server with an app.
type instance struct {
	adapter Adapter
	app     *inngestkit.App
	api     *api
	server  Server
	client  *http.Client
	addr    string
	path    string // of the endpoint
	origin  string

	served  chan error
	stopped bool
}

// start starts an instance. It stops at the end of the test.
func start(tb testing.TB, a Adapter, s setup) *instance {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	must(tb, "listen", err)
	i := &instance{adapter: a, api: newAPI(tb, s.events), addr: listener.Addr().String(), served: make(chan error, 1)}
	i.path = strings.Join(s.groups, "") + inngestkit.DefaultPath
	if s.path != "" {
		i.path = strings.Join(s.groups, "") + strings.TrimSuffix(s.path, "/")
	}
	if i.path == "" {
		i.path = "/"
	}
	i.origin = "http://" + i.addr
	if s.tls != nil {
		i.origin = "https://" + i.addr
		listener = tls.NewListener(listener, s.tls)
	}
	i.client = newClient()
	i.app = newApp(tb, i.api, s)
	if s.failed == nil {
		s.failed = func(error) {}
	}
	i.server = a.New(tb, s.site(i.app))
	go func() { i.served <- i.server.Serve(listener) }()
	tb.Cleanup(func() { i.stop(tb) })
	if s.tls == nil {
		// A server cannot be stopped before it serves.
		equal(tb, "the status of the first GET", i.do(tb, i.request(tb, http.MethodGet, i.path, nil)).status, http.StatusOK)
	}
	return i
}

// site returns the site for an app.
func (s setup) site(app *inngestkit.App) Site {
	site := Site{App: app, Groups: s.groups, BodyLimit: bodyLimit, Event: happened.New(payload{ID: "sent"}), Failed: s.failed}
	if s.others != nil {
		site.Others = s.others(app)
	}
	return site
}

func newApp(tb testing.TB, api *api, s setup) *inngestkit.App {
	tb.Helper()
	config := inngestkit.Config{
		AppID: appID, Path: s.path, SigningKey: signingKey, EventKey: eventKey, BaseURL: api.URL, HTTPClient: api.Client(),
		Logger: slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
	if s.config != nil {
		s.config(&config)
	}
	function := s.function
	if function == nil {
		function = func(_ context.Context, in input) (any, error) { return in.Event.Data.ID, nil }
	}
	app, err := inngestkit.New(config)
	must(tb, "inngestkit.New", err)
	app.Use(s.middleware...)
	must(tb, "App.Register", app.Register(inngestkit.OnEvent(functionID, happened, function)))
	for _, route := range s.routes {
		must(tb, "App.AddRoutes", app.AddRoutes(route))
	}
	return app
}

// newClient returns a client that neither decompresses responses nor follows redirects.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
		Timeout: timeout,
	}
}

// stop stops the instance in the right order: the app, then the server.
func (i *instance) stop(tb testing.TB) {
	tb.Helper()
	if i.stopped {
		return
	}
	i.stopped = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), timeout)
	defer cancel()
	i.client.CloseIdleConnections()
	if err := i.app.Shutdown(ctx); err != nil {
		tb.Errorf("App.Shutdown: %v", err)
	}
	if err := i.server.Shutdown(ctx); err != nil {
		tb.Errorf("Server.Shutdown: %v", err)
	}
	_ = await(tb, "Serve has not returned after Shutdown", i.served)
}
