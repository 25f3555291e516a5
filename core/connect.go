package inngestkit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"

	"github.com/cenkalti/backoff/v5"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/drain"
	"github.com/inngestkit/inngestkit/core/internal/manifest"
	"github.com/inngestkit/inngestkit/core/internal/sdkconnect"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

const (
	// The wait between attempts to connect. Each of them is several of the SDK's.
	connectFirstWait = 500 * time.Millisecond
	connectMaxWait   = 30 * time.Second
	// connectScheme marks a request that arrived over a connection.
	connectScheme = "ws"
	// connectWatchEvery is how often the state of the connection is checked.
	connectWatchEvery = time.Second
	// connectPatience is how long the SDK may reconnect by itself. It gives up after 5
	// attempts, which take 38 s if each fails at once, and does not report it.
	connectPatience = time.Minute
)

// Connect serves the app over a connection that it opens to the server, for apps that
// the server cannot reach: it needs no endpoint and no mount. It blocks until ctx is
// done or [App.Shutdown] is called. If the connection is lost, it reconnects, for as
// long as it takes. [App.AwaitSync] waits for the first connection, and
// [App.Connection] returns the current state.
//
// At the end Connect drains. Running calls finish, limited only by the ctx of Shutdown,
// and their replies are delivered before the connection closes. Calls that arrive
// meanwhile are held and returned to the server at the end, once each; the server
// counts that as an attempt. If possible, connect the next instance first: on servers
// up to 1.17 a call that finds no connection is an attempt too, and those of 1.12 retry
// only after 25 s.
//
// Connect returns nil after a drain. It returns an error if the app has no functions,
// is shut down or connected already, or if no attempt to connect succeeded.
//
// Functions are called as over HTTP, except that their context does not end with the
// connection. If the connection is lost while they run, their replies are delivered
// after it is restored; but after about 2 min without it (servers up to 1.17.7: 20 to
// 25 s), the server has the calls executed again. Functions that are registered after
// Connect are announced with the next connection. Serve an app either over Connect or
// over HTTP, because the server calls each function where it was last announced.
// Servers up to 1.17 do not apply flow.Concurrency to functions served over a
// connection, because the SDK announces it in a form that they do not know.
//
// The SDK makes the requests that open the connection: they use http.DefaultTransport
// and not Config.HTTPClient.
func (a *App) Connect(ctx context.Context) error {
	if !a.gate.Enter() {
		return fmt.Errorf("inngestkit: connect: %w", ErrShutdown)
	}
	defer a.gate.Leave()
	if len(a.registry.Load().order) == 0 {
		return errors.New("inngestkit: connect: the app has no functions; call Register first")
	}
	if !a.connecting.CompareAndSwap(false, true) {
		return errors.New("inngestkit: connect: the app is connected already")
	}
	defer a.connecting.Store(false)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(a.gate.Closing(), func() { cancel(ErrShutdown) })()
	return newConnector(a).serve(ctx)
}

// ConnectionState is the state of the connection of [App.Connect].
type ConnectionState string

const (
	// ConnectionUnused means that Connect is not running: it has not been called, as in
	// an app that is served over HTTP, or it has returned.
	ConnectionUnused ConnectionState = "unused"
	// ConnectionConnecting means that Connect is running without a connection: it is
	// opening the first one, or the last one was lost.
	ConnectionConnecting ConnectionState = "connecting"
	// ConnectionConnected means that the app has a connection, also while it drains;
	// see [App.Draining].
	ConnectionConnected ConnectionState = "connected"
)

// Connection returns the state of the connection that [App.Connect] serves the app
// over. A connection that the server closes is noticed at once; if only the network is
// gone, it is noticed when the server's heartbeats are overdue. While the server has the app
// replace its connection, the state is ConnectionConnecting.
func (a *App) Connection() ConnectionState {
	if !a.connecting.Load() {
		return ConnectionUnused
	}
	if conn := a.conn.Load(); conn == nil || (*conn).State() != sdkconnect.StateActive {
		return ConnectionConnecting
	}
	return ConnectionConnected
}

// connector serves an app over a sequence of connections.
type connector struct {
	app  *App
	open func(ctx context.Context) (conn, error)

	gate *drain.Gate // counts the running calls
	// released is closed when held calls may be returned to the server.
	released chan struct{}
	// pendingAcks counts the replies that the server has not acknowledged; allAcked
	// receives a value when it reaches 0.
	pendingAcks atomic.Int64
	allAcked    chan struct{}

	ever    bool  // there has been a connection
	lastErr error // of the last attempt to connect

	mu         sync.Mutex
	lastLogged map[string]bool // the warnings logged since the last connection
}

// conn is one connection; see [sdkconnect.Conn].
type conn interface {
	State() sdkconnect.State
	Close()
}

func newConnector(a *App) *connector {
	c := &connector{
		app: a, gate: drain.NewGate(0), released: make(chan struct{}),
		allAcked: make(chan struct{}, 1), lastLogged: map[string]bool{},
	}
	c.open = func(ctx context.Context) (conn, error) { return sdkconnect.Open(ctx, c.options(), c) }
	return c
}

// Call implements sdkconnect.Handler. A call that arrives during the drain is held: if
// it were refused at once, the server would send it again and again and use up its
// attempts.
func (c *connector) Call(functionID, stepID string, header http.Header, body []byte) sdkconnect.Response {
	c.pendingAcks.Add(1)
	req := &adapter.Request{Method: http.MethodPost, Scheme: connectScheme, Path: connectScheme + "://connect", Header: header}
	if c.app.gate.IsClosed() || !c.gate.Enter() {
		<-c.released
		return sdkconnect.Response(*fail(req, http.StatusServiceUnavailable,
			"the app has shut down; the server retries the call", false))
	}
	resp := c.execute(req, functionID, stepID, body)
	c.gate.Leave()
	if resp.Status == http.StatusServiceUnavailable && c.app.gate.IsClosed() {
		<-c.released // it was waiting for a place
	}
	return sdkconnect.Response(*resp)
}

// Acknowledged implements sdkconnect.Handler.
func (c *connector) Acknowledged() {
	pending := c.pendingAcks.Load()
	for pending > 0 && !c.pendingAcks.CompareAndSwap(pending, pending-1) {
		pending = c.pendingAcks.Load()
	}
	if pending == 1 {
		select {
		case c.allAcked <- struct{}{}:
		default:
		}
	}
}

// NotConnected implements sdkconnect.Handler.
func (c *connector) NotConnected(err error) {
	c.warn("could not establish connection", c.app.config.secrets().Error(err))
}

// options returns the configuration of the next connection, with the functions that
// are registered by now.
func (c *connector) options() sdkconnect.Options {
	config := c.app.config
	options := sdkconnect.Options{
		AppID:              config.AppID,
		AppVersion:         config.AppVersion,
		Env:                config.Env,
		InstanceID:         config.ConnectInstanceID,
		Platform:           config.Platform,
		Dev:                config.Dev,
		APIBaseURL:         config.APIBaseURL,
		SigningKey:         signing.HashedKey(string(config.SigningKey)),
		SigningKeyFallback: signing.HashedKey(string(config.SigningKeyFallback)),
		MaxConcurrency:     cmp.Or(config.ConnectMaxWorkerConcurrency, config.MaxInFlight),
		Capabilities:       sdkconnect.Capabilities(manifest.Supported),
	}
	for _, f := range c.app.registry.Load().order {
		options.Functions = append(options.Functions, sdkconnect.Function{
			ID: f.id, Name: cmp.Or(f.config.Name, f.source.id), Triggers: f.triggers, Config: f.config,
		})
	}
	return options
}

// serve keeps the app connected until ctx is done, and then drains.
func (c *connector) serve(ctx context.Context) error {
	for done := false; !done; {
		connection := c.dial(ctx)
		if connection != nil {
			c.app.conn.Store(&connection)
			c.connected("inngest: connected")
			c.watch(ctx, connection)
		}
		if done = ctx.Err() != nil; done {
			c.drain()
		}
		c.app.conn.Store(nil)
		if connection != nil {
			connection.Close()
		}
	}
	if !c.ever {
		return fmt.Errorf("inngestkit: connect to %s: never connected: %w", c.app.config.server(), c.failure(ctx))
	}
	c.app.config.Logger.Info("inngest: disconnected", "server", c.app.config.server())
	return nil
}

// dial connects. It retries until it succeeds, and returns nil when ctx is done.
func (c *connector) dial(ctx context.Context) conn {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = connectFirstWait, connectMaxWait
	connection, err := backoff.Retry(ctx, func() (conn, error) {
		connection, err := c.open(ctx)
		err = c.app.config.secrets().Error(err)
		if err != nil && ctx.Err() == nil {
			c.lastErr = err
		}
		return connection, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		c.warn("not connected yet; retrying until it succeeds", err)
	}))
	if err != nil {
		return nil
	}
	return connection
}

// failure returns why there was no connection when ctx ended.
func (c *connector) failure(ctx context.Context) error {
	if c.lastErr == nil {
		return ctxerr.Cause(ctx)
	}
	return fmt.Errorf("%w: %w", c.lastErr, ctxerr.Cause(ctx))
}

// connected records that there is a connection, and logs message.
func (c *connector) connected(message string) {
	c.ever = true
	c.mu.Lock()
	clear(c.lastLogged)
	c.mu.Unlock()
	functions := len(c.app.registry.Load().order)
	c.app.syncs.record(Sync{Time: time.Now(), Functions: functions, Connect: true})
	c.app.config.Logger.Info(message, "server", c.app.config.server(), "functions", functions)
}

// warn logs a problem, once until the next connection.
func (c *connector) warn(message string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text := message + err.Error(); !c.lastLogged[text] {
		c.lastLogged[text] = true
		c.app.config.Logger.Warn("inngest: connect: "+message, "server", c.app.config.server(), "error", err)
	}
}

// watch returns when ctx is done or when the SDK no longer reconnects.
func (c *connector) watch(ctx context.Context, connection conn) {
	tick := time.NewTicker(connectWatchEvery)
	defer tick.Stop()
	var lost time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch state := connection.State(); {
		case state == sdkconnect.StateActive && lost.IsZero():
		case state == sdkconnect.StateActive:
			lost = time.Time{}
			c.connected("inngest: connected again")
		case state != sdkconnect.StateReconnecting:
			return
		case lost.IsZero():
			lost = time.Now()
			c.pendingAcks.Store(0) // the SDK delivers these replies by HTTP requests
			c.app.config.Logger.Warn("inngest: connection lost; connecting again", "server", c.app.config.server())
		case time.Since(lost) > connectPatience:
			return
		}
	}
}

// drain waits until no call runs and the server has acknowledged all replies. Only then
// may the connection be closed: the SDK cannot keep the calls of a closed connection
// alive, so after 20 s the server would have them executed a second time.
func (c *connector) drain() {
	<-c.gate.Close()
	close(c.released)
	deadline := time.NewTimer(sdkconnect.AckDeadline)
	defer deadline.Stop()
	for c.pendingAcks.Load() > 0 {
		select {
		case <-deadline.C:
			return // the SDK does not wait longer either
		case <-c.allAcked:
		}
	}
}

// execute executes a call on its own goroutine. The SDK's worker must survive a
// function that ends its goroutine (runtime.Goexit, as FailNow of a test does):
// otherwise the server gets no reply, and the SDK loses one worker for each such call.
func (c *connector) execute(req *adapter.Request, functionID, stepID string, body []byte) *adapter.Response {
	executed := make(chan *adapter.Response, 1)
	go func() {
		var resp *adapter.Response
		defer func() {
			if r := recover(); r != nil {
				resp = c.app.panicked(req, r)
			}
			if resp == nil {
				c.app.config.Logger.Error("inngest: function failed", "function", functionID, "error", errNoEnd)
				resp = fail(req, http.StatusInternalServerError, errNoEnd.Error(), false)
			}
			executed <- resp
		}()
		resp = c.app.callFunction(context.Background(), req, functionID, stepID, body)
	}()
	return <-executed
}
