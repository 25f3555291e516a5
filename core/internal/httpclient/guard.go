package httpclient

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"

	"github.com/inngestkit/inngestkit/core/internal/safe"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// Guard returns a copy of client that turns a panic of user code into the error of the
// request, a [*PanicError], because requests run on goroutines without a recover. It logs
// the stack once a minute at most, and removes secrets from both. It cannot catch a panic on
// the transport's own goroutines, for example in DialContext.
//
// Redirected requests have no header Referer: net/http sets it to the URL before, which may
// end with the event key, for whichever host the redirect names.
func Guard(client *http.Client, logger *slog.Logger, secrets *Secrets) *http.Client {
	guarded, g := *client, &guard{logger: logger, secrets: secrets}
	guarded.Transport = guardedTransport{client.Transport, g}
	check := client.CheckRedirect
	if check == nil {
		check = checkRedirect
	}
	guarded.CheckRedirect = func(req *http.Request, via []*http.Request) (err error) {
		defer g.recovered("CheckRedirect", &err)
		req.Header.Del("Referer")
		return safe.Sound("CheckRedirect of the HTTPClient", check(req, via))
	}
	if client.Jar != nil {
		guarded.Jar = guardedJar{client.Jar, g}
	}
	return &guarded
}

// maxRedirects is how many redirects net/http follows by default.
const maxRedirects = 10

// checkRedirect is what net/http does for a client without CheckRedirect.
func checkRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	return nil
}

// Direct returns a copy of a guarded client without its cookies and its proxy, for requests
// to the app itself.
func Direct(guarded *http.Client) *http.Client {
	direct := *guarded
	direct.Jar = nil
	if t, ok := direct.Transport.(guardedTransport); ok { // it always is
		direct.Transport = t.withoutProxy()
	}
	return &direct
}

// PanicError is a panic of a client's user code.
type PanicError struct{ what, text string }

// Error implements error.
func (p *PanicError) Error() string {
	return fmt.Sprintf("the HTTPClient's %s panicked: %s", p.what, p.text)
}

// guard turns the panics of one client into errors.
type guard struct {
	logger  *slog.Logger
	secrets *Secrets
	stacks  safe.OncePerMinute
}

// recovered is deferred. It stores a panic in *err and logs the stack. http.ErrAbortHandler,
// from a handler that replaces a server, needs no stack.
func (g *guard) recovered(what string, err *error) {
	r := recover()
	if r == nil {
		return
	}
	p := &PanicError{what, g.secrets.Text(safe.Sprint(r))}
	*err = p
	if r != http.ErrAbortHandler && g.stacks.Allow() { //nolint:errorlint // net/http compares it like that, too
		g.logger.Error("inngest: "+p.Error(), slog.String("stack", string(debug.Stack())))
	}
}

// guardedTransport wraps the transport of a client, nil for the default one.
type guardedTransport struct {
	next  http.RoundTripper
	guard *guard
}

// RoundTrip implements http.RoundTripper.
func (t guardedTransport) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer t.guard.recovered("transport", &err)
	if test := testhooks.From(req.Context()).RoundTrip; test != nil {
		resp, err = test(req)
	} else {
		resp, err = t.transport().RoundTrip(req)
	}
	if err != nil {
		return resp, t.guard.secrets.Error(safe.Sound("the HTTPClient's transport", err))
	}
	if resp != nil && resp.Body != nil {
		resp.Body = guardedBody{resp.Body, t.guard}
	}
	return resp, nil
}

// CloseIdleConnections is called by http.Client. It does not close those of the default
// transport, which other clients use.
func (t guardedTransport) CloseIdleConnections() {
	var err error
	defer t.guard.recovered("CloseIdleConnections", &err)
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

func (t guardedTransport) withoutProxy() guardedTransport {
	next := t.transport()
	if transport, ok := next.(*http.Transport); ok {
		direct := transport.Clone()
		direct.Proxy = nil
		next = direct
	}
	return guardedTransport{next, t.guard}
}

// guardedBody wraps the body of a response.
type guardedBody struct {
	next  io.ReadCloser
	guard *guard
}

// Read implements io.Reader.
func (b guardedBody) Read(p []byte) (n int, err error) {
	defer b.guard.recovered("response body", &err)
	n, err = b.next.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, b.guard.secrets.Error(safe.Sound("the HTTPClient's response body", err))
}

// Close implements io.Closer.
func (b guardedBody) Close() (err error) {
	defer b.guard.recovered("response body", &err)
	return b.next.Close()
}

// guardedJar wraps the cookie jar of a client. A jar that panics has no cookies.
type guardedJar struct {
	next  http.CookieJar
	guard *guard
}

// SetCookies implements http.CookieJar.
func (j guardedJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	var err error
	defer j.guard.recovered("Jar", &err)
	j.next.SetCookies(u, cookies)
}

// Cookies implements http.CookieJar.
func (j guardedJar) Cookies(u *url.URL) []*http.Cookie {
	var err error
	defer j.guard.recovered("Jar", &err)
	return j.next.Cookies(u)
}
