package lab

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
)

// patience is how long a laboratory waits for something that must happen.
const patience = time.Minute

// Config configures a laboratory.
type Config struct {
	// Framework is a key of testsite.Frameworks.
	Framework string
	// Version is the version of the Inngest server. Default: the one that devserver.Find
	// finds.
	Version string
	// Backend starts the server. Default: [Memory].
	Backend Backend
	// Processes is the number of app processes behind the proxy. Default: 1.
	Processes int
	// Patience is how long [Lab.Judge] waits for the end of the next run. Default: a minute.
	Patience time.Duration
	// Gateway makes the connections of connect mode pass a proxy. A fault injected into API
	// later takes its place.
	Gateway bool
	// App changes the configuration of each process before it starts.
	App func(n int, cfg *app.Config)
	// Env are further environment variables of the processes, KEY=value.
	Env []string
}

// A Lab is an Inngest server, an app of one or more processes, and the proxies between them.
type Lab struct {
	Ledger *Ledger
	// Server is the Inngest server. It changes with StartServer.
	Server *devserver.Server
	// Calls is the proxy in front of the app, API the one in front of the server.
	Calls, API *Proxy
	// Gateway is the proxy in front of the gateway for connect mode, if Config has Gateway.
	Gateway *Gateway
	// Processes are the processes that run.
	Processes []*Process

	t       *testing.T
	cfg     Config
	started int // processes
}

// AppID is the ID of the app in the laboratory.
const AppID = "lab"

// New starts a laboratory and waits until the server knows the functions of the app.
func New(t *testing.T, cfg Config) *Lab {
	t.Helper()
	if cfg.Backend == nil {
		cfg.Backend = Memory()
	}
	cfg.Patience = cmp.Or(cfg.Patience, patience)
	ledger := newLedger(t)
	l := &Lab{Ledger: ledger, Calls: newProxy(t, ledger, false), API: newProxy(t, ledger, true), t: t, cfg: cfg}
	if cfg.Gateway {
		l.Gateway = newGateway(t, l.API)
	}
	l.StartServer()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the server's log:\n%s", l.Server.Logs())
		}
	})
	for range max(1, cfg.Processes) {
		l.StartProcess()
	}
	l.AwaitFunctions()
	return l
}

// StartServer starts the Inngest server, or starts it again on the same port.
func (l *Lab) StartServer() {
	l.t.Helper()
	cfg := devserver.Config{Version: l.cfg.Version, RetryInterval: time.Second}
	if l.Server != nil {
		cfg.Port = testsite.PortOf(l.t, l.Server.URL())
	}
	l.Server = l.cfg.Backend.Start(l.t, cfg)
	l.API.Forward(hostOf(l.t, l.Server.URL()))
	server := l.Server
	testsite.Eventually(l.t, 20*time.Millisecond, func() bool { return strings.Contains(server.Logs(), subscribing) })
	l.Ledger.Add(Entry{Kind: Back})
}

// subscribing is logged when the server begins to pass on events. Those that it accepts
// before are lost.
const subscribing = "subscribing to events"

// StartProcess starts one more process of the app, and forwards calls to it as well.
func (l *Lab) StartProcess() *Process {
	l.t.Helper()
	return l.StartBuild(app.Original)
}

// StartBuild is [Lab.StartProcess] for a build.
func (l *Lab) StartBuild(build app.Build) *Process {
	l.t.Helper()
	l.started++
	cfg := app.Config{
		ID: AppID, Name: fmt.Sprintf("app %d", l.started), Framework: l.cfg.Framework, Ledger: l.Ledger.url,
		Server: "http://" + l.API.Addr(), API: "http://" + l.API.Addr(), ServeHost: "http://" + l.Calls.Addr(), Build: build,
	}
	if l.cfg.Backend.Name() != Memory().Name() { // the others are self-hosted
		cfg.SigningKey, cfg.EventKey = SigningKey, EventKey
	}
	if l.cfg.App != nil {
		l.cfg.App(l.started, &cfg)
	}
	p := startProcess(l.t, cfg, l.cfg.Env...)
	l.Processes = append(l.Processes, p)
	l.Forward(l.Processes...)
	return p
}

// Forward makes the proxy call the given processes, in turn.
func (l *Lab) Forward(processes ...*Process) {
	l.Processes = processes
	var addrs []string
	for _, p := range processes {
		if !p.Config.Connect {
			addrs = append(addrs, p.Addr)
		}
	}
	l.Calls.Forward(addrs...)
}

// AwaitFunctions waits until the server knows the functions of the app.
func (l *Lab) AwaitFunctions() {
	l.t.Helper()
	var slugs []string
	for _, id := range []string{app.Steps, app.Branches, app.Naps, app.Answers, app.Checkpoints, app.Once} {
		slugs = append(slugs, AppID+"-"+id)
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	require.NoError(l.t, l.Server.AwaitFunctions(ctx, slugs...))
}

// Send sends n events for a function and records those that the server accepts. It fails
// the test if the server accepts none of them.
func (l *Lab) Send(function string, n int) (eventIDs []string) {
	l.t.Helper()
	return l.SendData(function, n, app.Data{})
}

// SendData is [Lab.Send] with data. Each event gets an item of its own.
func (l *Lab) SendData(function string, n int, data app.Data) (eventIDs []string) {
	l.t.Helper()
	var refused error
	for i := range n {
		data.Item = fmt.Sprintf("%s-%d", function, i)
		id, err := l.Server.Send(l.t.Context(), function, data)
		if err != nil {
			refused = err
			continue
		}
		l.Ledger.Add(Entry{Kind: Sent, Function: function, Event: id, Item: data.Item})
		eventIDs = append(eventIDs, id)
	}
	require.NotEmpty(l.t, eventIDs, "the server accepted none of %d events: %v", n, refused)
	return eventIDs
}

// EndServer ends the server, by [devserver.Server.Kill] or [devserver.Server.Stop], and records
// that what it had not stored is forgotten.
func (l *Lab) EndServer(end func(*devserver.Server) error) {
	l.t.Helper()
	require.NoError(l.t, end(l.Server))
	l.Calls.Cut()
	l.Ledger.Add(Entry{Kind: Forgotten})
}

// EndDatabase kills a database of the server, and records it. The function that it returns
// starts the database again.
func (l *Lab) EndDatabase(d *Database) (restart func()) {
	l.t.Helper()
	d.Kill()
	l.Ledger.Add(Entry{Kind: Down})
	return func() {
		l.t.Helper()
		d.Restart(l.t)
		l.Ledger.Add(Entry{Kind: Up})
	}
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Host
}
