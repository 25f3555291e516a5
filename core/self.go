package inngestkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
)

// selfTimeout bounds one request of an app to itself.
const selfTimeout = time.Second

// headerSelf carries the token by which an app recognises a request of its own.
const headerSelf = "X-Inngestkit-Self"

// selfRequests is the requests with which an app finds out where it can be reached. Each
// carries a token that nobody else can know, and the answer is the same as to others.
type selfRequests struct {
	mu      sync.Mutex
	arrived map[string]bool // by token, of the requests that are under way
}

// expect returns a token for one request, and what tells whether that has arrived. It
// must be called in the end.
func (s *selfRequests) expect() (token string, arrived func() bool) {
	token = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arrived == nil {
		s.arrived = map[string]bool{}
	}
	s.arrived[token] = false
	return token, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		arrived := s.arrived[token]
		delete(s.arrived, token)
		return arrived
	}
}

// note takes note of a request that has arrived.
func (s *selfRequests) note(req *Request) {
	token := req.Header.Get(headerSelf)
	if token == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, expected := s.arrived[token]; expected {
		s.arrived[token] = true
	}
}

// reached is what came of a request to an address where the app may be.
type reached struct {
	self   bool // this app has got it
	app    bool // an app has answered: this one, or another instance or program
	status int  // of the answer, 0 for none
	err    error
}

// reach asks whether the app is at a URL.
func (a *App) reach(ctx context.Context, target *url.URL) reached {
	ctx, cancel := context.WithTimeoutCause(ctx, selfTimeout, fmt.Errorf("no answer within %s", selfTimeout))
	defer cancel()
	token, arrived := a.self.expect()
	r := reached{err: errAskPanicked}
	a.caught("a request of the app to itself", func() { r.status, r.app, r.err = a.askSelf(ctx, target, token) })
	if r.err != nil && ctx.Err() != nil {
		r.err = context.Cause(ctx)
	}
	r.self = arrived()
	return r
}

var errAskPanicked = errors.New("the request panicked; see the app's log")

func (a *App) askSelf(ctx context.Context, target *url.URL, token string) (status int, app bool, err error) {
	check := a.newEndpointCheck(target)
	defer check.client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return 0, false, httpclient.WithoutURL(err)
	}
	req.Header.Set(headerSelf, token)
	req.Close = true // no connection is left behind
	resp, err := check.client.Do(req)
	if err != nil {
		return 0, false, httpclient.WithoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusBadRequest && target.Scheme == schemeHTTP {
		text := make([]byte, len(wantsTLS))
		if n, _ := io.ReadFull(resp.Body, text); string(text[:n]) == wantsTLS {
			return 0, false, fmt.Errorf("TLS is spoken there; if it is this app, set ServeHost (INNGEST_SERVE_HOST) to "+
				"https://%s, with a certificate that the server trusts", target.Host)
		}
	}
	return resp.StatusCode, resp.Header.Get(headerSDK) != "", nil
}

// wantsTLS begins what net/http answers if it expects TLS and gets none.
const wantsTLS = "Client sent an HTTP request to an HTTPS server"

// String says for logs whether the app listens there.
func (r reached) String() string {
	switch {
	case r.self:
		return "yes"
	case r.app:
		return "yes, this app or another instance"
	case r.err != nil:
		return "no: " + r.err.Error()
	default:
		return fmt.Sprintf("no: %d %s from something else", r.status, http.StatusText(r.status))
	}
}

const localhost = "localhost"

// isLoopback reports whether a host is the machine itself to whoever asks it.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == localhost || strings.HasSuffix(host, "."+localhost) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.Unmap().IsLoopback() || ip.IsUnspecified())
}

// hostOf is the host under which this machine reaches what listens at an address.
func hostOf(addr netip.Addr) string {
	if addr.IsUnspecified() || addr.Unmap().IsLoopback() {
		return localhost
	}
	return addr.String()
}
