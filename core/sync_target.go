package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

// syncTarget is what a sync that the app itself begins tells the server.
type syncTarget struct {
	url       *url.URL
	framework string
	from      string // which options the address is from, for logs
	fixed     bool   // they say which port it is
}

// Sync announces the functions to the server's API, without being asked to by
// the server. In dev mode [App.Start] does that by itself. In cloud mode it is
// for programs that sync when they start or are deployed: set ServeHost, and
// mount the app first or set ServePath, so that the server learns where to call
// the app. The server has to reach the app there by then.
//
// Syncs run one after the other. The error says what is missing, or why the
// server refused; the functions it knew before stay in force. It logs where the app was
// announced, which options that address is from, and whether the app answers there.
func (a *App) Sync(ctx context.Context) error {
	target, err := a.syncTarget()
	if err != nil {
		return fmt.Errorf("inngestkit: sync: %w", err)
	}
	if !a.gate.Enter() {
		return errors.New("inngestkit: sync: the app is shut down")
	}
	defer a.gate.Leave()
	// At the same time: an address that does not answer must not hold up the sync.
	var listening reached
	var asked sync.WaitGroup
	asked.Go(func() { listening = a.reach(ctx, target.url) })
	_, err = a.register(ctx, target.url, inngestapi.Registration{Framework: target.framework})
	asked.Wait()
	if err != nil {
		return fmt.Errorf("inngestkit: %w", err)
	}
	a.logSynced(target, listening)
	return nil
}

// logSynced logs where the app was announced and why there, and whether it listens there.
func (a *App) logSynced(target syncTarget, listening reached) {
	a.config.Logger.Info("inngest: synced", "server", a.config.server(), "url", target.url.String(), "from", target.from,
		"listening", listening.String(), "functions", len(a.registry.Load().order))
}

// syncTarget finds out where the server reaches the app as far as mount and
// configuration tell, or what is missing.
func (a *App) syncTarget() (syncTarget, error) {
	mount := a.mount.Load()
	switch {
	case mount != nil:
	case a.config.ServePath != "":
		mount = &mountPoint{path: a.Path}
	default:
		return syncTarget{}, errors.New("the app is not mounted; call the adapter's Mount first, " +
			"or App.MountedAt if you mount its Handler yourself")
	}
	if len(a.registry.Load().order) == 0 {
		return syncTarget{}, errors.New("the app has no functions; call Register first")
	}
	if !a.config.Dev && a.config.ServeHost == "" {
		return syncTarget{}, errors.New("ServeHost (INNGEST_SERVE_HOST) is missing; " +
			"in cloud mode nothing else says where the server reaches the app")
	}
	path, err := mount.fullPath()
	if err != nil && a.config.ServePath == "" {
		return syncTarget{}, err
	}
	host := net.JoinHostPort(localhost, strconv.Itoa(a.config.servePort()))
	appURL := a.announced(&url.URL{Scheme: schemeHTTP, Host: host, Path: path})
	if strings.ContainsAny(appURL.Path, ":*{") {
		return syncTarget{}, fmt.Errorf("the app is mounted at %q, which has parameters; "+
			"set ServePath (INNGEST_SERVE_PATH) to the path the server is to call", appURL.Path)
	}
	from, fixed := a.config.addressFrom()
	return syncTarget{url: appURL, framework: mount.framework, from: from, fixed: fixed}, nil
}

// addressFrom says which options the announced address is from, and whether they say the
// port.
func (c Config) addressFrom() (from string, fixed bool) {
	const host, port = "ServeHost (INNGEST_SERVE_HOST)", "ServePort (PORT)"
	switch {
	case namesPort(c.ServeHost):
		return host, true
	case c.ServeHost != "" && c.ServePort != 0:
		return host + " and " + port, true
	case c.ServePort != 0:
		return port, true
	case c.ServeHost != "":
		return host + ", and the default port", false
	default:
		return "the default; ServePort (PORT) or ServeHost (INNGEST_SERVE_HOST) set another", false
	}
}
