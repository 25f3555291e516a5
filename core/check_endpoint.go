package inngestkit

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
	"time"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/drain"
	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// CheckEndpoint calls the app's own endpoint over the network, at the URL that
// [App.Start] and [App.Sync] announce, as the server would, and returns what stands
// in the way of the server's calls: nil, or one error for each thing, joined, with
// the likely cause and its cure. It finds what answers in the app's place (CSRF
// protection, authentication, a wrong path or port, a redirect), limits below the
// largest body the server sends, 4 MiB, and caches. It cannot find rate limits and
// timeouts: those are quiet until there are many calls, or long ones.
//
// No function is called and nothing is synced. It takes a few requests, two with
// the largest body, and at most 30 s. The app must be mounted, and the HTTP server
// must listen. What this program can reach the server may not: a firewall between
// the two is not found.
//
// In dev mode, Start does it by itself and logs what it finds.
func (a *App) CheckEndpoint(ctx context.Context) error {
	target, err := a.syncTarget()
	if err != nil {
		return fmt.Errorf("inngestkit: check endpoint: %w", err)
	}
	if !a.gate.Enter() {
		return errors.New("inngestkit: check endpoint: the app is shut down")
	}
	defer a.gate.Leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(a.gate.Closing(), func() { cancel(drain.ErrClosed) })()
	findings, err := a.newEndpointCheck(target.url).run(ctx)
	if err != nil {
		return fmt.Errorf("inngestkit: check endpoint: %w", err)
	}
	for i, finding := range findings {
		findings[i] = fmt.Errorf("inngestkit: check endpoint: %w", finding)
	}
	return errors.Join(findings...)
}

// endpointCheck calls the endpoint of an app.
type endpointCheck struct {
	app    *App
	url    *url.URL
	client *http.Client
}

func (a *App) newEndpointCheck(target *url.URL) endpointCheck {
	// The server has no cookies and goes through no proxy of ours.
	client := httpclient.Direct(a.config.HTTPClient)
	client.CheckRedirect = redirectAsTheServer
	return endpointCheck{app: a, url: target, client: client}
}

// maxProbeResponse bounds, in bytes, what is read of the response to a probe.
const maxProbeResponse = 1 << 20

// redirectAsTheServer follows the redirects that let a call pass, with its query as
// the server has it (CheckRedirect in its pkg/execution/exechttp). The others make
// GET of it, and are to be seen.
func redirectAsTheServer(req *http.Request, via []*http.Request) error {
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

// maxRedirects is how many redirects the server follows (MaxRedirects there).
const maxRedirects = 10

// probe is one request of a check.
type probe struct {
	method string
	// large is whether the body is as large as the server's can be, else it is as
	// small as can be.
	large bool
	// chunked sends the body without its length.
	chunked bool
}

// answer is what came of a probe.
type answer struct {
	status int
	header http.Header
	body   []byte // its beginning
}

// run makes the check. The error says that nothing listens, that ctx is done, or
// that there was not the time to find out.
func (c endpointCheck) run(ctx context.Context) (findings []error, err error) {
	limited, cancel := context.WithTimeoutCause(ctx, httpclient.Timeout, httpclient.ErrNoResponse)
	defer cancel()
	defer c.client.CloseIdleConnections()
	for i, group := range [][]probe{
		{{method: http.MethodPost}},
		{{method: http.MethodPost, large: true}, {method: http.MethodPost, large: true, chunked: true}},
		{{method: http.MethodGet}, {method: http.MethodGet}}, // the first one fills a cache
	} {
		found, err := c.runGroup(limited, group)
		if ctx.Err() != nil {
			return nil, ctxerr.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
		if i == 0 && len(found) > 0 {
			break // what answers the smallest call answers all
		}
	}
	return findings, nil
}

// runGroup sends probes that find the same things, until one has found something.
func (c endpointCheck) runGroup(ctx context.Context, group []probe) ([]error, error) {
	for _, p := range group {
		got, reached, err := c.send(ctx, p)
		switch {
		case err != nil && !reached:
			return nil, fmt.Errorf("nothing listens at %s: %w; start the HTTP server first, "+
				"and compare ServePort (PORT) and ServeHost (INNGEST_SERVE_HOST) with where it listens", c.url, err)
		case err != nil && p.large && isTimeout(err):
			return nil, fmt.Errorf("%s was not answered in time: %w", c.request(p), err)
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

// body is the body of a probe.
func (p probe) body() []byte {
	switch {
	case p.method != http.MethodPost:
		return nil
	case !p.large:
		return []byte("{}")
	}
	const head, tail = `{"padding":"`, `"}`
	body := bytes.Repeat([]byte("x"), maxServerBody)
	copy(body, head)
	copy(body[maxServerBody-len(tail):], tail)
	return body
}

// newRequest makes the request of a probe as the server would: signed in cloud mode,
// with the headers of Go's HTTP client.
func (c endpointCheck) newRequest(ctx context.Context, p probe) (*http.Request, error) {
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
	if key := c.key(); key != nil {
		req.Header.Set(headerSignature, signing.Sign(key, body, time.Now()))
	}
	req.Close = true // no connection is left behind
	return req, nil
}

// send sends a probe. If there is an error, reached tells whether something listens.
func (c endpointCheck) send(ctx context.Context, p probe) (got answer, reached bool, err error) {
	var connecting, connected atomic.Bool // a dial may go on when Do has returned
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
		return answer{}, false, err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		// A transport that is not Go's does not trace.
		reached = connected.Load() || !connecting.Load() && !httpclient.NeverSent(err)
		if ctx.Err() != nil {
			err = ctxerr.Cause(ctx)
		}
		return answer{}, reached, httpclient.WithoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProbeResponse))
	if err != nil {
		return answer{}, true, fmt.Errorf("reading the answer: %w", err)
	}
	return answer{resp.StatusCode, resp.Header, body}, true, nil
}

// key is the key that signs probes, nil if none has to.
func (c endpointCheck) key() []byte {
	if c.app.config.Dev {
		return nil
	}
	return []byte(signing.SecretPart(string(c.app.config.SigningKey)))
}
