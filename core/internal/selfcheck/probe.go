package selfcheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/httpclient"
)

// MaxServerBody is the size in bytes of the largest body that the server sends to an app
// (MaxSDKRequestBodySize in its pkg/consts).
const MaxServerBody = 4 << 20

const (
	// maxRedirects is how many redirects the server follows (MaxRedirects in its
	// pkg/execution/exechttp).
	maxRedirects = 10
	// maxResponseBytes bounds how much of the response to a probe is read. The introspection
	// of an app is far smaller.
	maxResponseBytes = 1 << 20
)

// check is one check of an endpoint.
type check struct {
	*Checker

	url    *url.URL
	client *http.Client
}

// probe is one request of a check.
type probe struct {
	method string
	// large selects a body as large as the server's can be, else it is as small as possible.
	large bool
	// chunked sends the body without its length.
	chunked bool
}

// Check sends probes to an endpoint and returns what stands in the way of the server's
// calls, one finding for each cause. The error means that the check is incomplete: nothing
// listens, ctx is done, or the time was too short to find out. Check takes at most 30 s.
func (c *Checker) Check(ctx context.Context, endpoint *url.URL) (findings []error, err error) {
	limited, cancel := context.WithTimeoutCause(ctx, httpclient.Timeout, httpclient.ErrNoResponse)
	defer cancel()
	run := check{Checker: c, url: endpoint, client: c.newClient()}
	defer run.client.CloseIdleConnections()
	for i, group := range [][]probe{
		{{method: http.MethodPost}},
		{{method: http.MethodPost, large: true}, {method: http.MethodPost, large: true, chunked: true}},
		{{method: http.MethodGet}, {method: http.MethodGet}}, // the first one fills a cache
	} {
		found, err := run.probeGroup(limited, group)
		if ctx.Err() != nil {
			return nil, ctxerr.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
		if i == 0 && len(found) > 0 {
			break // what blocks the smallest call blocks all
		}
	}
	return findings, nil
}

// probeGroup sends probes that can find the same causes, until one of them has findings.
func (c check) probeGroup(ctx context.Context, group []probe) ([]error, error) {
	for _, p := range group {
		got, reached, err := c.send(ctx, p)
		switch {
		case err != nil && !reached:
			return nil, fmt.Errorf("nothing listens at %s: %w; start the HTTP server first, "+
				"and compare ServePort (PORT) and ServeHost (INNGEST_SERVE_HOST) with where it listens", c.url, err)
		case err != nil && p.large && isTimeout(err):
			return nil, fmt.Errorf("%s got no response in time: %w", c.describe(p), err)
		case err != nil:
			return []error{c.unanswered(p, err)}, nil
		}
		if findings := c.judge(p, got); len(findings) > 0 {
			return findings, nil
		}
	}
	return nil, nil
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, httpclient.ErrNoResponse) || ok && timeout.Timeout()
}

// response is the response to a probe.
type response struct {
	status int
	header http.Header
	body   []byte // at most maxResponseBytes of it
}

// send sends a probe. If it returns an error, reached reports whether something listens.
func (c check) send(ctx context.Context, p probe) (got response, reached bool, err error) {
	var connecting, connected atomic.Bool // atomic, because a dial may outlast Do
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { connecting.Store(true) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				connected.Store(true)
			}
		},
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := c.newRequest(traced, p)
	if err != nil {
		return response{}, false, err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		// Transports other than Go's do not trace.
		reached = connected.Load() || !connecting.Load() && !httpclient.NeverSent(err)
		if ctx.Err() != nil {
			err = ctxerr.Cause(ctx)
		}
		return response{}, reached, httpclient.WithoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes))
	if err != nil {
		return response{}, true, fmt.Errorf("reading the response: %w", err)
	}
	return response{resp.StatusCode, resp.Header, body}, true, nil
}

// newRequest returns the request of a probe as the server would make it: signed in cloud
// mode, with the headers of Go's HTTP client.
func (c check) newRequest(ctx context.Context, p probe) (*http.Request, error) {
	u := *c.url
	if p.method == http.MethodPost {
		u.RawQuery = "probe=trust"
	}
	body := p.body()
	req, err := http.NewRequestWithContext(ctx, p.method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, httpclient.WithoutURL(err)
	}
	if p.chunked {
		req.ContentLength = -1
	}
	if p.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.options.Sign != nil {
		req.Header.Set(headerSignature, c.options.Sign(body))
	}
	req.Close = true // leave no connection behind
	return req, nil
}

// body returns the body of a probe.
func (p probe) body() []byte {
	switch {
	case p.method != http.MethodPost:
		return nil
	case !p.large:
		return []byte("{}")
	}
	const head, tail = `{"padding":"`, `"}`
	body := bytes.Repeat([]byte("x"), MaxServerBody)
	copy(body, head)
	copy(body[MaxServerBody-len(tail):], tail)
	return body
}

// redirectLikeTheServer follows the redirects that keep the method and body of a call, and
// adds its query, as the server does (CheckRedirect in its pkg/execution/exechttp). It
// stops at the others, which make a GET of the call, so that the check finds them.
func redirectLikeTheServer(req *http.Request, via []*http.Request) error {
	switch req.Response.StatusCode {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return http.ErrUseLastResponse
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	query := req.URL.Query()
	maps.Copy(query, via[0].URL.Query())
	req.URL.RawQuery = query.Encode()
	return nil
}
