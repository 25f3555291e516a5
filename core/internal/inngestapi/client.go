// Package inngestapi is the client of the Inngest server's HTTP API. All requests of an app
// to the server go through it, except those of the SDK: it announces functions, sends
// events and signals, checkpoints steps, fetches the state of large runs, and asks a dev
// server what it knows.
package inngestapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/httpclient"
)

const (
	// maxResponseBytes bounds the responses that are short: 5,000 event IDs take 150 KB.
	maxResponseBytes = 1 << 20
	// maxQuoted is how many bytes of a response that is not Inngest's, such as the error
	// page of a proxy, an error quotes.
	maxQuoted = 1 << 10
)

// Options configures a [Client].
type Options struct {
	// HTTPClient makes the requests. Its panics are errors; see [httpclient.Guard].
	HTTPClient *http.Client
	Logger     *slog.Logger
	// Dev selects the advice in errors that is for the dev server.
	Dev bool
	// APIBaseURL and EventAPIBaseURL are the URLs of the API and of the API for events,
	// without a slash at the end.
	APIBaseURL      string
	EventAPIBaseURL string
	// SigningKey authenticates requests to the API, and SigningKeyFallback those that
	// the server refuses with it. Both are hashed; "" sends no key.
	SigningKey         string
	SigningKeyFallback string
	// EventKey authenticates sending events.
	EventKey string
	// Header is sent with every request.
	Header http.Header
	// Secrets removes the keys from what servers and proxies respond.
	Secrets *httpclient.Secrets
}

// Client calls the API of one Inngest server. It is safe for concurrent use.
type Client struct {
	http       *http.Client
	logger     *slog.Logger
	dev        bool
	api        Host
	events     Host
	signingKey string
	fallback   string
	eventPath  string // ends with the event key and must not be shown
	header     http.Header
	secrets    *httpclient.Secrets

	unreachable atomic.Bool // nothing listens at the URL for events, and that is logged
}

// New returns a client. It makes no request.
func New(o Options) *Client {
	return &Client{
		http: o.HTTPClient, logger: o.Logger, dev: o.Dev,
		api: newHost(o.APIBaseURL), events: newHost(o.EventAPIBaseURL),
		signingKey: o.SigningKey, fallback: o.SigningKeyFallback,
		eventPath: "/e/" + url.PathEscape(o.EventKey), header: o.Header, secrets: o.Secrets,
	}
}

// Host is the base URL of an API.
type Host struct {
	base  string
	shown string
}

func newHost(base string) Host {
	u, err := url.Parse(base)
	if err != nil {
		return Host{base: base} // every request to it fails
	}
	return Host{base, httpclient.ShownURL(u)}
}

// String returns the URL as [httpclient.ShownURL] does.
func (h Host) String() string { return h.shown }

// request is one request to the server.
type request struct {
	method string
	to     Host
	path   string
	// shown replaces path in errors if path holds a key.
	shown string
	body  []byte
	// header is sent in addition to the client's own.
	header http.Header
	// limit bounds the response, in bytes. 0 discards the body.
	limit int64
	// mayBeEmpty accepts an empty response in place of JSON.
	mayBeEmpty bool
}

// String describes the request in errors.
func (r request) String() string {
	if r.shown != "" {
		return r.method + " " + r.shown
	}
	return r.method + " " + r.path
}

// response is the result of a request, or of several attempts at it.
type response struct {
	// status, body, retryAfter and serverKind are those of the last response; status is
	// 0 if the last attempt got none.
	status     int
	body       []byte
	retryAfter time.Duration
	serverKind string
	// err is the reason why there is no usable response: the network, the end of the
	// context, a response that is too large.
	err error
	// uncertain reports that an attempt may have taken effect although its response does
	// not show it.
	uncertain bool
	// panicked reports that the HTTP client panicked, which it would do again.
	panicked bool
}

// ok reports whether the server did what was requested.
func (r response) ok() bool {
	return r.err == nil && r.status >= http.StatusOK && r.status < http.StatusMultipleChoices
}

// unauthorized reports whether another key may help.
func (r response) unauthorized() bool {
	return r.status == http.StatusUnauthorized || r.status == http.StatusForbidden
}

// Get requests a path of the API with the signing key and retries the request. It returns the
// response, which is JSON of at most limit bytes.
func (c *Client) Get(ctx context.Context, path string, limit int64) ([]byte, error) {
	body, failure := c.call(ctx, request{method: http.MethodGet, to: c.api, path: path, limit: limit})
	if failure != nil {
		return nil, failure
	}
	return body, nil
}

// call makes a request to the API with the signing key, retries it, and returns the body of
// a 2xx response.
func (c *Client) call(ctx context.Context, r request) ([]byte, *Error) {
	return c.result(r, doWithRetry(ctx, maxAttempts, func() response { return c.authorized(ctx, r) }))
}

// authorized makes a request once with the signing key and, if the server refuses that, once
// with the fallback key.
func (c *Client) authorized(ctx context.Context, r request) response {
	resp := c.do(ctx, r, c.signingKey)
	if resp.unauthorized() && c.fallback != "" {
		resp = c.do(ctx, r, c.fallback)
	}
	return resp
}

// do makes a request once, with key as its bearer token unless that is empty.
func (c *Client) do(ctx context.Context, r request, key string) response {
	if ctx.Err() != nil {
		return response{err: ctxerr.Cause(ctx)}
	}
	limited, cancel := context.WithTimeout(ctx, httpclient.Timeout)
	defer cancel()
	traced, progress := follow(limited, r.to)
	req, err := http.NewRequestWithContext(traced, r.method, r.to.base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return response{err: c.secrets.Error(httpclient.WithoutURL(err))}
	}
	req.Header = c.header.Clone()
	maps.Copy(req.Header, r.header)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := c.exchange(req, r.limit)
	if err == nil {
		return resp
	}
	_, panicked := errors.AsType[*httpclient.PanicError](err)
	failed := response{
		err: c.secrets.Error(httpclient.WithoutURL(err)), uncertain: !httpclient.NeverSent(err), panicked: panicked,
	}
	switch {
	case ctx.Err() != nil:
		failed.err = progress.ended(ctxerr.Cause(ctx))
	case limited.Err() != nil:
		failed.err = progress.ended(httpclient.ErrNoResponse) // the caller's context is not done
	}
	return failed
}

// exchange sends a request and reads the response.
func (c *Client) exchange(req *http.Request, limit int64) (response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if redirected := redirectedAs(resp, req.Method); redirected != nil {
		return response{status: redirected.status, err: redirected}, nil
	}
	result := response{
		status:     resp.StatusCode,
		retryAfter: httpclient.RetryAfter(resp.Header),
		serverKind: resp.Header.Get("X-Inngest-Server-Kind"),
		uncertain:  resp.StatusCode >= http.StatusInternalServerError,
	}
	if limit == 0 {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxQuoted)) // keeps the connection usable
		return result, nil
	}
	tooLarge := resp.ContentLength > limit
	if !tooLarge || !result.ok() {
		result.body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
		if err != nil {
			return response{}, fmt.Errorf("reading the response: %w", err)
		}
		tooLarge = int64(len(result.body)) > limit
		result.body = result.body[:min(int64(len(result.body)), limit)]
	}
	if tooLarge && result.ok() { // the beginning of an error page is enough
		result.err, result.uncertain = &tooLargeError{limit}, true
	}
	return result, nil
}
