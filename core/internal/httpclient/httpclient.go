// Package httpclient makes the HTTP client that the requests of an app go through, and
// reads the errors and headers that its requests return.
package httpclient

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Timeout bounds one request to the server, in addition to the client's own timeout.
const Timeout = 30 * time.Second

// ErrNoResponse reports that a request took longer than [Timeout].
var ErrNoResponse = fmt.Errorf("no response within %s", Timeout)

// New returns a client with its own connections, which can be closed without closing
// those of other clients.
func New() *http.Client {
	client := &http.Client{Timeout: Timeout}
	// A program that has replaced the default transport wants all requests to go
	// through its replacement.
	if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		client.Transport = transport.Clone()
	}
	return client
}

// NeverSent reports whether a request failed before any part of it was sent.
func NeverSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// WithoutURL removes the URL from an error of net/http, since the URL may hold the event
// key.
func WithoutURL(err error) error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		return urlErr.Err
	}
	return err
}

// maxRetryAfter bounds the value of a Retry-After header so that it fits a
// [time.Duration].
const maxRetryAfter = 365 * 24 * time.Hour

// RetryAfter returns the time to wait that a Retry-After header states, in seconds or as a
// date; 0 without the header.
func RetryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), maxRetryAfter)
	}
	return 0
}
