package inngestkit

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/inngestkit/inngestkit/core/internal/safe"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// guardClient returns a copy of the client in which a panic of the user's code is the
// error of the request: requests are made on goroutines that nobody else guards. What
// an *http.Transport does on goroutines of its own, such as DialContext, is out of
// reach.
func (c Config) guardClient() *http.Client {
	client, g := *c.HTTPClient, &clientGuard{config: c}
	client.Transport = guardedTransport{client.Transport, g}
	if check := client.CheckRedirect; check != nil {
		client.CheckRedirect = func(req *http.Request, via []*http.Request) (err error) {
			defer g.caught("CheckRedirect", &err)
			return safe.Sound("CheckRedirect of the HTTPClient", check(req, via))
		}
	}
	if client.Jar != nil {
		client.Jar = guardedJar{client.Jar, g}
	}
	return &client
}

// clientGuard makes errors of the panics of a client.
type clientGuard struct {
	config Config
	stacks safe.OncePerMinute
}

// clientPanicError is a panic of a client as the error of the request.
type clientPanicError struct{ what, text string }

func (p *clientPanicError) Error() string {
	return fmt.Sprintf("the HTTPClient's %s panicked: %s", p.what, p.text)
}

// caught is deferred. It makes *err of a panic, and logs the stack once in a while.
// http.ErrAbortHandler, of a handler that stands in for a server, needs no stack.
func (g *clientGuard) caught(what string, err *error) {
	r := recover()
	if r == nil {
		return
	}
	p := &clientPanicError{what, g.config.withoutKeys(safe.Sprint(r))}
	*err = p
	if r != http.ErrAbortHandler && g.stacks.Allow() { //nolint:errorlint // net/http compares it like that, too
		g.config.Logger.Error("inngest: "+p.Error(), slog.String("stack", string(debug.Stack())))
	}
}

// withoutKeys is text without the keys that requests carry: transports like to panic
// with the URL, or the whole request.
func (c Config) withoutKeys(text string) string {
	for _, key := range []string{
		string(c.EventKey), url.PathEscape(string(c.EventKey)), string(c.SigningKey), signing.HashedKey(string(c.SigningKey)),
		string(c.SigningKeyFallback), signing.HashedKey(string(c.SigningKeyFallback)),
	} {
		if key != "" {
			text = strings.ReplaceAll(text, key, "…")
		}
	}
	return text
}

// guardedTransport is the transport of a client, nil for the default one.
type guardedTransport struct {
	next  http.RoundTripper
	guard *clientGuard
}

// RoundTrip implements http.RoundTripper.
func (t guardedTransport) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer t.guard.caught("transport", &err)
	resp, err = t.transport().RoundTrip(req)
	if err != nil {
		return resp, safe.Sound("the HTTPClient's transport", err)
	}
	if resp != nil && resp.Body != nil {
		resp.Body = guardedBody{resp.Body, t.guard}
	}
	return resp, nil
}

// CloseIdleConnections is for http.Client. The default transport is not the client's
// to close.
func (t guardedTransport) CloseIdleConnections() {
	var err error
	defer t.guard.caught("CloseIdleConnections", &err)
	if closer, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

func (t guardedTransport) transport() http.RoundTripper {
	if t.next == nil {
		return http.DefaultTransport
	}
	return t.next
}

// withoutProxy is the transport without its proxy, for requests to the app itself.
func (t guardedTransport) withoutProxy() guardedTransport {
	next := t.transport()
	if transport, ok := next.(*http.Transport); ok {
		direct := transport.Clone()
		direct.Proxy = nil
		next = direct
	}
	return guardedTransport{next, t.guard}
}

// guardedBody is the body of an answer.
type guardedBody struct {
	next  io.ReadCloser
	guard *clientGuard
}

// Read implements io.Reader.
func (b guardedBody) Read(p []byte) (n int, err error) {
	defer b.guard.caught("answer", &err)
	n, err = b.next.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, safe.Sound("the HTTPClient's answer", err)
}

// Close implements io.Closer.
func (b guardedBody) Close() (err error) {
	defer b.guard.caught("answer", &err)
	return b.next.Close()
}

// guardedJar is the cookie jar of a client. After a panic there are no cookies.
type guardedJar struct {
	next  http.CookieJar
	guard *clientGuard
}

// SetCookies implements http.CookieJar.
func (j guardedJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	var err error
	defer j.guard.caught("Jar", &err)
	j.next.SetCookies(u, cookies)
}

// Cookies implements http.CookieJar.
func (j guardedJar) Cookies(u *url.URL) []*http.Cookie {
	var err error
	defer j.guard.caught("Jar", &err)
	return j.next.Cookies(u)
}
