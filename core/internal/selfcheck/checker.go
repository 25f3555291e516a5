// Package selfcheck calls an app's own endpoint over the network, as the Inngest server
// does. It finds out at which address the app responds, and what stands in the way of the
// server's calls.
package selfcheck

import (
	"net/http"
	"net/netip"
	"sync"
)

// Headers of the protocol; see docs/SDK_SPEC.md in github.com/inngest/inngest.
const (
	headerSignature = "X-Inngest-Signature"
	headerSDK       = "X-Inngest-Sdk"         // on every response of an app
	headerHandled   = "X-Inngest-Sdk-Handled" // likewise
)

// Options are what a [Checker] needs from the app.
type Options struct {
	// NewClient returns a new HTTP client for one check, which changes it and closes its idle
	// connections. Like the server, it must not use a proxy of this program.
	NewClient func() *http.Client
	// MaxBodyBytes is the app's own limit for request bodies.
	MaxBodyBytes int64
	// Sign returns the X-Inngest-Signature header for a body. Verify reports whether the
	// header of a response matches its body. Both are nil in dev mode.
	Sign   func(body []byte) string
	Verify func(signature string, body []byte) bool
	// Guard runs f, and logs a panic in it. what says in the log what f does.
	Guard func(what string, f func()) (panicked bool)
	// OtherPath returns a path other than the announced one at which the app has received a
	// request, "" if it has received none. It may be nil.
	OtherPath func() string
	// Listeners returns the addresses where this program listens. The default is the
	// sockets of this process, or on Windows the usual ports of Go programs.
	Listeners func() []netip.AddrPort
}

// Checker checks the endpoint of one app. It is safe for concurrent use.
type Checker struct {
	options Options

	mu      sync.Mutex
	arrived map[string]bool // by token, for requests of Reach in progress
}

// New returns a checker.
func New(options Options) *Checker {
	if options.Listeners == nil {
		options.Listeners = ownListeners
	}
	if options.OtherPath == nil {
		options.OtherPath = func() string { return "" }
	}
	return &Checker{options: options, arrived: map[string]bool{}}
}

// newClient returns a client that behaves like the server's.
func (c *Checker) newClient() *http.Client {
	client := c.options.NewClient()
	client.Jar = nil
	client.CheckRedirect = redirectLikeTheServer
	return client
}
