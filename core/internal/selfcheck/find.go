package selfcheck

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/inngestkit/inngestkit/core/internal/hosts"
)

// Find looks for the app at every address where this program listens and at defaultPort,
// where a proxy may listen, with the path of target. It tries all of them at the same
// time. The error lists what it found at each.
func (c *Checker) Find(ctx context.Context, target *url.URL, defaultPort uint16) (*url.URL, error) {
	candidates := c.candidates(target, defaultPort)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make([]Reached, len(candidates))
	var requests sync.WaitGroup
	for i, candidate := range candidates {
		requests.Go(func() {
			if results[i] = c.Reach(ctx, candidate); results[i].Self {
				cancel() // one is enough
			}
		})
	}
	requests.Wait()
	var tried []string
	for i, r := range results {
		if r.Self {
			return candidates[i], nil
		}
		tried = append(tried, candidates[i].Host+": "+strings.TrimPrefix(r.String(), "no: "))
	}
	return nil, errors.New(strings.Join(tried, "; "))
}

// candidates returns the URLs at which the app may be, each host once.
func (c *Checker) candidates(target *url.URL, defaultPort uint16) []*url.URL {
	addresses := append(c.options.Listeners(), netip.AddrPortFrom(netip.IPv4Unspecified(), defaultPort))
	candidates := make([]*url.URL, 0, len(addresses))
	for _, address := range addresses {
		u := *target
		u.Scheme = "http"
		u.Host = net.JoinHostPort(hosts.ToReach(address.Addr()), strconv.Itoa(int(address.Port())))
		if !slices.ContainsFunc(candidates, func(other *url.URL) bool { return other.Host == u.Host }) {
			candidates = append(candidates, &u)
		}
	}
	return candidates
}
