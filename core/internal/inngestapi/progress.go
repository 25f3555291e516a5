package inngestapi

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// An endedError reports what a request was doing when its time was over.
type endedError struct {
	cause error
	doing string
}

// Error implements error.
func (e *endedError) Error() string { return e.cause.Error() + " while " + e.doing }

// Unwrap returns the reason why the time was over.
func (e *endedError) Unwrap() error { return e.cause }

// progress follows a request. The error of a context that ends says nothing about the
// request: a name server that does not answer would look like a slow Inngest server.
type progress struct {
	host  string
	doing atomic.Pointer[string] // connections are made on other goroutines
}

// follow returns a context that reports the request to host made with it.
func follow(ctx context.Context, host Host) (context.Context, *progress) {
	p := &progress{host: host.String()}
	p.now("waiting for " + p.host) // all that a client without net/http's transport shows
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:          func(info httptrace.DNSStartInfo) { p.now("looking up the name " + info.Host) },
		ConnectStart:      func(_, addr string) { p.now("connecting to " + addr + " for " + p.host) },
		TLSHandshakeStart: func() { p.now("negotiating TLS with " + p.host) },
		GotConn:           func(httptrace.GotConnInfo) { p.now("sending the request to " + p.host) },
		WroteRequest:      func(httptrace.WroteRequestInfo) { p.now("waiting for the response of " + p.host) },
	}), p
}

func (p *progress) now(doing string) { p.doing.Store(&doing) }

// ended adds what the request was doing to the reason why its time was over.
func (p *progress) ended(cause error) error { return &endedError{cause, *p.doing.Load()} }
