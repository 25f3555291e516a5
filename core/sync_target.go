package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/inngestkit/inngestkit/core/internal/hosts"
)

const (
	// locatePatience is how long Start looks for the app's port before it announces the
	// default one: programs call Start a moment before they listen.
	locatePatience = 2 * time.Second
	// Waits between two searches.
	locateFirstWait = 25 * time.Millisecond
	locateMaxWait   = 5 * time.Second
)

// syncTarget is the address that a sync begun by the app announces.
type syncTarget struct {
	url       *url.URL
	framework string
	from      string // the options that define the address, for logs
	fixed     bool   // they define the port
}

// syncTarget returns where the server reaches the app, as far as mount and configuration
// define it, or what is missing.
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
	host := net.JoinHostPort(hosts.Localhost, strconv.Itoa(a.config.servePort()))
	appURL := a.announced(&url.URL{Scheme: schemeHTTP, Host: host, Path: path})
	if strings.ContainsAny(appURL.Path, ":*{") {
		return syncTarget{}, fmt.Errorf("the app is mounted at %q, which has parameters; "+
			"set ServePath (INNGEST_SERVE_PATH) to the path the server is to call", appURL.Path)
	}
	from, fixed := a.config.addressFrom()
	return syncTarget{url: appURL, framework: mount.framework, from: from, fixed: fixed}, nil
}

// addressFrom returns which options define the announced address, and whether they define
// its port.
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

// fromFound explains, in logs, an address that no option defines.
const fromFound = "the app has found itself there; ServePort (PORT) or ServeHost (INNGEST_SERVE_HOST) set another"

// locate looks for the port where this program serves the app until it finds it. If ctx is
// done before, locate returns the target unchanged, and an error that lists what it found
// in the last complete round.
func (a *App) locate(ctx context.Context, target syncTarget) (located syncTarget, tried error) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = locateFirstWait, locateMaxWait
	found, err := backoff.Retry(ctx, func() (*url.URL, error) {
		found, err := a.endpoint.Find(ctx, target.url, defaultServePort)
		if err != nil && ctx.Err() == nil {
			tried = err
		}
		return found, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return a.config.foundAt(target, found), nil
	case tried == nil:
		tried = err
	}
	return target, tried
}

// foundAt returns the target with the port where the app was found. Its host is that where
// the app was found unless ServeHost names another.
func (c Config) foundAt(target syncTarget, found *url.URL) syncTarget {
	moved := *target.url
	moved.Host = found.Host
	if c.ServeHost != "" {
		moved.Host = net.JoinHostPort(target.url.Hostname(), found.Port())
	}
	return syncTarget{url: &moved, framework: target.framework, from: fromFound, fixed: true}
}

// warnNotFound logs that the app has not found itself.
func (a *App) warnNotFound(target syncTarget, tried error) {
	a.config.Logger.Warn("inngest: this app does not respond yet at any port where this program listens, so the default "+
		"port is announced; set ServePort (PORT) or ServeHost (INNGEST_SERVE_HOST), or call Start shortly before listening; "+
		"below http.StripPrefix or in a sub-router, set ServePath (INNGEST_SERVE_PATH)",
		"url", target.url.String(), "tried", tried)
}

// warnRemote logs that the app is announced at localhost to a server on another host.
func (a *App) warnRemote(target syncTarget) {
	server, err := url.Parse(a.config.APIBaseURL)
	if err != nil || !hosts.IsLoopback(target.url.Hostname()) || hosts.IsThisMachine(server.Hostname()) {
		return
	}
	a.config.Logger.Warn("inngest: the app is announced at localhost to a server that is not on this machine, and would call "+
		"itself there; set ServeHost (INNGEST_SERVE_HOST) to the name under which the server reaches this program, "+
		"such as the name of this container, or host.docker.internal for a server in one",
		"server", a.config.server(), "url", target.url.String())
}
