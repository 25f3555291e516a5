package inngestkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
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
	if !a.gate.enter() {
		return errors.New("inngestkit: check endpoint: the app is shut down")
	}
	defer a.gate.leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(a.gate.closing, func() { cancel(errDraining) })()
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
	// The server has no cookies; a redirect is to be seen.
	client := *a.config.HTTPClient
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return endpointCheck{app: a, url: target, client: &client}
}

// probe is one request of a check.
type probe struct {
	method string
	body   []byte
	// chunked sends the body without its length.
	chunked bool
}

// answer is what came of a probe.
type answer struct {
	status int
	header http.Header
	body   []byte // its beginning
}

// run makes the check. The error says that nothing listens, or that ctx is done.
func (c endpointCheck) run(ctx context.Context) (findings []error, err error) {
	limited, cancel := context.WithTimeoutCause(ctx, httpTimeout, errNoAnswer)
	defer cancel()
	large := largestBody()
	for _, group := range [][]probe{
		{{method: http.MethodPost, body: []byte("{}")}},
		{{method: http.MethodPost, body: large}, {method: http.MethodPost, body: large, chunked: true}},
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
		if len(group) == 1 && len(found) > 0 {
			break // what answers the smallest call answers all
		}
	}
	return findings, nil
}

// runGroup sends probes that find the same things, until one has found something.
func (c endpointCheck) runGroup(ctx context.Context, group []probe) ([]error, error) {
	for _, p := range group {
		got, err := c.send(ctx, p)
		if err != nil && neverSent(err) {
			return nil, fmt.Errorf("nothing listens at %s: %w; start the HTTP server first, "+
				"and compare ServePort (PORT) and ServeHost (INNGEST_SERVE_HOST) with where it listens", c.url, err)
		}
		if err != nil {
			return []error{c.unanswered(p, err)}, nil
		}
		if findings := c.judge(p, got); len(findings) > 0 {
			return findings, nil
		}
	}
	return nil, nil
}

// largestBody is JSON that is as large as the server's calls can be.
func largestBody() []byte {
	const head, tail = `{"padding":"`, `"}`
	body := bytes.Repeat([]byte("x"), maxServerBody)
	copy(body, head)
	copy(body[maxServerBody-len(tail):], tail)
	return body
}

// send sends a probe as the server would: signed in cloud mode, with the headers of
// Go's HTTP client.
func (c endpointCheck) send(ctx context.Context, p probe) (answer, error) {
	u := *c.url
	if p.method == http.MethodPost {
		u.RawQuery = "probe=trust"
	}
	req, err := http.NewRequestWithContext(ctx, p.method, u.String(), bytes.NewReader(p.body))
	if err != nil {
		return answer{}, withoutURL(err)
	}
	if p.chunked {
		req.ContentLength, req.Body, req.GetBody = -1, io.NopCloser(bytes.NewReader(p.body)), nil
	}
	if p.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	if key := c.key(); key != nil {
		req.Header.Set(headerSignature, sign(key, p.body, time.Now()))
	}
	req.Close = true // no connection is left behind
	resp, err := c.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = ctxerr.Cause(ctx)
		}
		return answer{}, withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	return answer{resp.StatusCode, resp.Header, body}, nil
}

// key is the key that signs probes, nil if none has to.
func (c endpointCheck) key() []byte {
	if c.app.config.Dev {
		return nil
	}
	return []byte(secretPart(c.app.config.SigningKey))
}
