package inngestkit

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// locatePatience is how long Start looks for the app's port before it announces the
	// default one: programs call it a moment before they listen.
	locatePatience = 2 * time.Second
	// Waiting between two looks.
	locateFirstWait = 25 * time.Millisecond
	locateMaxWait   = 5 * time.Second
)

// fromFound is why an address is announced that nobody has configured.
const fromFound = "the app has found itself there; ServePort (PORT) or ServeHost (INNGEST_SERVE_HOST) set another"

// locate finds the port where this program serves the app, if no option says it, by
// asking at every port where the program listens. If ctx is done before, it returns what
// came of the last round, and the target as it was.
func (a *App) locate(ctx context.Context, target syncTarget) (located syncTarget, tried error) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = locateFirstWait, locateMaxWait
	found, err := backoff.Retry(ctx, func() (*url.URL, error) {
		found, err := a.findSelf(ctx, target.url)
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

// foundAt is the target with the port that has been found, and with the host where the
// app has been found unless ServeHost names another.
func (c Config) foundAt(target syncTarget, found *url.URL) syncTarget {
	moved := *target.url
	moved.Host = found.Host
	if c.ServeHost != "" {
		moved.Host = net.JoinHostPort(target.url.Hostname(), found.Port())
	}
	return syncTarget{url: &moved, framework: target.framework, from: fromFound, fixed: true}
}

// findSelf asks at each address where the app may be, at the same time. The error tells
// what came of it.
func (a *App) findSelf(ctx context.Context, target *url.URL) (*url.URL, error) {
	candidates := a.candidates(target)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make([]reached, len(candidates))
	var asked sync.WaitGroup
	for i, candidate := range candidates {
		asked.Go(func() {
			if results[i] = a.reach(ctx, candidate); results[i].self {
				cancel() // one is enough
			}
		})
	}
	asked.Wait()
	var tried []string
	for i, r := range results {
		if r.self {
			return candidates[i], nil
		}
		tried = append(tried, candidates[i].Host+": "+strings.TrimPrefix(r.String(), "no: "))
	}
	return nil, fmt.Errorf("%s", strings.Join(tried, "; "))
}

// candidates lists where the app may be: at every address where this program listens,
// and where a proxy may, at the default port.
func (a *App) candidates(target *url.URL) []*url.URL {
	addresses := append(a.listeners(), netip.AddrPortFrom(netip.IPv4Unspecified(), defaultServePort))
	candidates := make([]*url.URL, 0, len(addresses))
	for _, address := range addresses {
		u := *target
		u.Scheme = schemeHTTP
		u.Host = net.JoinHostPort(hostOf(address.Addr()), strconv.Itoa(int(address.Port())))
		if !slices.ContainsFunc(candidates, func(c *url.URL) bool { return c.Host == u.Host }) {
			candidates = append(candidates, &u)
		}
	}
	return candidates
}

// warnNotFound logs that the app has not found itself.
func (a *App) warnNotFound(target syncTarget, tried error) {
	a.config.Logger.Warn("inngest: this app does not answer yet at any port where this program listens, so the default "+
		"port is announced; set ServePort (PORT) or ServeHost (INNGEST_SERVE_HOST), or call Start shortly before listening",
		"url", target.url.String(), "tried", tried)
}

// warnRemote logs that a server on another host is told to call localhost.
func (a *App) warnRemote(target syncTarget) {
	server, err := url.Parse(a.config.APIBaseURL)
	if err != nil || !isLoopback(target.url.Hostname()) || isThisMachine(server.Hostname()) {
		return
	}
	a.config.Logger.Warn("inngest: the app is announced at localhost to a server that is not on this machine, and would call "+
		"itself there; set ServeHost (INNGEST_SERVE_HOST) to the name under which the server reaches this program, "+
		"such as the name of this container, or host.docker.internal for a server in one",
		"server", a.config.server(), "url", target.url.String())
}

// isThisMachine reports whether a host is this machine, as far as can be told without
// asking anybody.
func isThisMachine(host string) bool {
	if isLoopback(host) {
		return true
	}
	if name, err := os.Hostname(); err == nil && strings.EqualFold(name, host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addresses, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(addresses, func(own net.Addr) bool {
		prefix, err := netip.ParsePrefix(own.String())
		return err == nil && prefix.Addr() == ip.Unmap()
	})
}
