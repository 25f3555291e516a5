package selfcheck

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
)

// reachTimeout bounds one request of an app to itself.
const reachTimeout = time.Second

// headerSelf carries the token by which an app recognizes its own request.
const headerSelf = "X-Inngestkit-Self"

// Reached is the result of a request to a URL where the app may be.
type Reached struct {
	Self   bool // this app has received it
	App    bool // an app has responded: this one, another instance or another program
	Status int  // of the response, 0 for none
	Err    error
}

// String says, for logs, whether the app listens there.
func (r Reached) String() string {
	switch {
	case r.Self:
		return "yes"
	case r.App:
		return "yes, this app or another instance"
	case r.Err != nil:
		return "no: " + r.Err.Error()
	case r.Status == http.StatusNotFound:
		return "no: 404 Not Found from something else, or the path is another (ServePath)"
	default:
		return fmt.Sprintf("no: %d %s from something else", r.Status, http.StatusText(r.Status))
	}
}

// Reach makes a request to a URL and reports whether this app receives it. The request
// has a token that nobody else can know; [Checker.Received] recognizes it.
func (c *Checker) Reach(ctx context.Context, target *url.URL) Reached {
	ctx, cancel := context.WithTimeoutCause(ctx, reachTimeout, fmt.Errorf("no response within %s", reachTimeout))
	defer cancel()
	token := rand.Text()
	c.expect(token)
	r := Reached{Err: errReachPanicked}
	c.options.Guard("a request of the app to itself", func() { r = c.get(ctx, target, token) })
	if r.Err != nil && ctx.Err() != nil {
		r.Err = context.Cause(ctx)
	}
	r.Self = c.hasArrived(token)
	return r
}

var errReachPanicked = errors.New("the request panicked; see the app's log")

// Received takes note of a GET request to the app, and reports whether it is one of
// [Checker.Reach], of this app or of another one that looks for its port. The app's
// response must not depend on it.
func (c *Checker) Received(header http.Header) (isProbe bool) {
	token := header.Get(headerSelf)
	if token == "" {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, expected := c.arrived[token]; expected {
		c.arrived[token] = true
	}
	return true
}

func (c *Checker) expect(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived[token] = false
}

// hasArrived reports whether the app has received the request with a token, and forgets
// the token.
func (c *Checker) hasArrived(token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	arrived := c.arrived[token]
	delete(c.arrived, token)
	return arrived
}

func (c *Checker) get(ctx context.Context, target *url.URL, token string) Reached {
	client := c.newClient()
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return Reached{Err: httpclient.WithoutURL(err)}
	}
	req.Header.Set(headerSelf, token)
	req.Close = true // leave no connection behind
	resp, err := client.Do(req)
	if err != nil {
		return Reached{Err: httpclient.WithoutURL(err)}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusBadRequest && target.Scheme == "http" {
		text := make([]byte, len(wantsTLS))
		if n, _ := io.ReadFull(resp.Body, text); string(text[:n]) == wantsTLS {
			return Reached{Err: fmt.Errorf("TLS is spoken there; if it is this app, set ServeHost (INNGEST_SERVE_HOST) to "+
				"https://%s, with a certificate that the server trusts", target.Host)}
		}
	}
	return Reached{Status: resp.StatusCode, App: resp.Header.Get(headerSDK) != ""}
}

// wantsTLS begins the response of net/http to a request without TLS where it expects TLS.
const wantsTLS = "Client sent an HTTP request to an HTTPS server"
