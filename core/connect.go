package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/inngest/inngestgo/connect"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/drain"
)

const (
	// Waiting between the tries to connect. Each of them is several of the SDK's.
	connectFirstWait = 500 * time.Millisecond
	connectMaxWait   = 30 * time.Second
	// connectWatchEvery is how often the state of the connection is looked at.
	connectWatchEvery = time.Second
	// connectPatience is how long the SDK is left to reconnect by itself. It gives
	// up after 5 tries, which take 38 s if each fails at once, and says so to
	// nobody.
	connectPatience = time.Minute
)

// Connect serves the app over a connection that it opens to the server, for apps
// that the server cannot reach: it needs no endpoint and no mount. It blocks until
// ctx is done or [App.Shutdown] is called, and connects again, for as long as it
// takes, when the connection is lost. [App.AwaitSync] tells when it is there.
//
// At the end it drains: calls that run end normally, without a deadline but that of
// Shutdown's ctx, and their replies are delivered before the connection closes.
// Calls that come meanwhile are held and given back to the server at the end, once
// for each: the server counts that as an attempt. Where it can be, have the next
// instance connected before: to servers up to 1.17 a call that meets no connection is
// an attempt, too, and those of 1.12 try again only after 25 s.
//
// It returns nil after a drain, and an error if something is missing, or if it has
// never been connected.
//
// Functions are called as over HTTP, except that their context does not end when
// the connection does. If it is lost while they run, their replies are delivered
// when it is back; but after about 2 min without it, servers up to 1.17.7 after 20 to
// 25 s, the server has calls executed again. Functions registered after Connect are announced when it connects the
// next time. Serve an app in one of the two ways, because the server calls each
// function at the place it was told last. Servers up to 1.17 do not apply
// flow.Concurrency to functions served over a connection, because the SDK
// announces it in a form they do not know.
//
// The requests that open the connection are the SDK's: they go through
// http.DefaultTransport and not through Config.HTTPClient.
func (a *App) Connect(ctx context.Context) error {
	if len(a.registry.Load().order) == 0 {
		return errors.New("inngestkit: connect: the app has no functions; call Register first")
	}
	if !a.gate.Enter() {
		return errors.New("inngestkit: connect: the app is shut down")
	}
	defer a.gate.Leave()
	if !a.connected.CompareAndSwap(false, true) {
		return errors.New("inngestkit: connect: the app is connected already")
	}
	defer a.connected.Store(false)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.gate.Closing(), cancel)()
	return newConnection(a).serve(ctx)
}

// Connection reports whether [App.Connect] runs, and whether it has a connection to
// the server at the moment: also while it drains. A connection that is lost is
// noticed at once if it was closed; if the network is just gone, when the SDK finds
// out.
func (a *App) Connection() (connecting, connected bool) {
	if !a.connected.Load() {
		return false, false
	}
	l := a.line.Load()
	return true, l != nil && l.State() == connect.ConnectionStateActive
}

// connection is what App.Connect serves the app over: one line to the server
// after the other.
type connection struct {
	app  *App
	open func(ctx context.Context) (*line, error)

	gate *drain.Gate // counts the calls that run
	// released is closed when the calls that were held are to be given back.
	released chan struct{}
	// owed counts the replies the server has not acknowledged; settled gets a value
	// when there are none left.
	owed    atomic.Int64
	settled chan struct{}

	ever    bool  // there has been a connection
	refusal error // of the last try to connect

	mu   sync.Mutex
	said map[string]bool // the complaints that were logged since it was connected
}

// line is one connection of the SDK's, which reconnects a few times by itself.
type line struct {
	connect.WorkerConnection

	end context.CancelFunc // ends the SDK's workers
}

func (l *line) close() {
	_ = l.Close() // it reports what has been logged
	l.end()
}

func newConnection(a *App) *connection {
	c := &connection{
		app: a, gate: drain.NewGate(0), released: make(chan struct{}), settled: make(chan struct{}, 1), said: map[string]bool{},
	}
	c.open = c.openLine
	return c
}

// serve connects and connects again until ctx is done, and drains then.
func (c *connection) serve(ctx context.Context) error {
	for done := false; !done; {
		l := c.dial(ctx)
		c.app.line.Store(l)
		if l != nil {
			c.up("inngest: connected")
			c.watch(ctx, l)
		}
		if done = ctx.Err() != nil; done {
			c.drain()
		}
		c.app.line.Store(nil)
		if l != nil {
			l.close()
		}
	}
	if !c.ever {
		return fmt.Errorf("inngestkit: connect to %s: never connected: %w", c.app.config.server(), c.failure(ctx))
	}
	c.app.config.Logger.Info("inngest: disconnected", "server", c.app.config.server())
	return nil
}

// dial tries to connect until it has worked, or returns nil when ctx is done.
func (c *connection) dial(ctx context.Context) *line {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = connectFirstWait, connectMaxWait
	l, _ := backoff.Retry(ctx, func() (*line, error) {
		l, err := c.open(ctx)
		if err != nil && ctx.Err() == nil {
			c.refusal = err
		}
		return l, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
		c.complain("not connected yet; trying again until it works", err)
	}))
	return l
}

// failure is why there has been no connection when ctx ended.
func (c *connection) failure(ctx context.Context) error {
	if c.refusal == nil {
		return ctxerr.Cause(ctx)
	}
	return fmt.Errorf("%w: %w", c.refusal, ctxerr.Cause(ctx))
}

// up notes that the connection is there.
func (c *connection) up(message string) {
	c.ever = true
	c.mu.Lock()
	clear(c.said)
	c.mu.Unlock()
	functions := len(c.app.registry.Load().order)
	c.app.syncer.record(Sync{Time: time.Now(), Functions: functions, Connect: true})
	c.app.config.Logger.Info(message, "server", c.app.config.server(), "functions", functions)
}

// complain logs what is wrong, once until it is connected.
func (c *connection) complain(message string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if said := message + err.Error(); !c.said[said] {
		c.said[said] = true
		c.app.config.Logger.Warn("inngest: connect: "+message, "server", c.app.config.server(), "error", err)
	}
}

// watch returns when ctx is done or the SDK does not reconnect any more.
func (c *connection) watch(ctx context.Context, l *line) {
	tick := time.NewTicker(connectWatchEvery)
	defer tick.Stop()
	var lost time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch state := l.State(); {
		case state == connect.ConnectionStateActive && lost.IsZero():
		case state == connect.ConnectionStateActive:
			lost = time.Time{}
			c.up("inngest: connected again")
		case state != connect.ConnectionStateReconnecting:
			return
		case lost.IsZero():
			lost = time.Now()
			c.owed.Store(0) // what has not been acknowledged goes out by other means
			c.app.config.Logger.Warn("inngest: connection lost; connecting again", "server", c.app.config.server())
		case time.Since(lost) > connectPatience:
			return
		}
	}
}

// drain waits until no call runs, and until the server has got all replies. Only
// then may the line be closed: the SDK cannot keep the calls of a closed line
// alive, so after 20 s the server would have others execute them a second time.
func (c *connection) drain() {
	<-c.gate.Close()
	close(c.released)
	deadline := time.NewTimer(connect.ResponseAcknowlegeDeadline)
	defer deadline.Stop()
	for c.owed.Load() > 0 {
		select {
		case <-deadline.C:
			return // the SDK would not wait any longer, either
		case <-c.settled:
		}
	}
}

// acknowledged notes that the server has got a reply.
func (c *connection) acknowledged() {
	owed := c.owed.Load()
	for owed > 0 && !c.owed.CompareAndSwap(owed, owed-1) {
		owed = c.owed.Load()
	}
	if owed == 1 {
		select {
		case c.settled <- struct{}{}:
		default:
		}
	}
}
