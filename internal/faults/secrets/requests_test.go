package secrets

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/planted"
)

// The hosts of a configuration.
const (
	eventHost = "inngest.test:8288"
	apiHost   = "api.inngest.test:8288"
	appHost   = "shop.test"
	otherHost = "elsewhere.test"
)

// wire records requests. It refuses the first one to each path, so that the fallback key is
// used as well, and then accepts or redirects them.
type wire struct {
	mu         sync.Mutex
	seen       []string
	bodies     []string
	requests   []*http.Request
	redirectBy int // the status that redirects to otherHost, 0 for none
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at := req.Method + " " + req.URL.Host + req.URL.Path
	first := !strings.Contains(strings.Join(w.seen, "\n")+"\n", at+"\n")
	w.seen, w.bodies, w.requests = append(w.seen, at), append(w.bodies, string(body)), append(w.requests, req)
	switch {
	case w.redirectBy != 0 && req.URL.Host != otherHost:
		return redirect(w.redirectBy, "http://"+otherHost+"/from/"+req.Method), nil
	case first && req.URL.Host == apiHost:
		return response(http.StatusUnauthorized, `{"error":"no"}`), nil
	default:
		return response(http.StatusOK, `{"ids":["01J0000000000000000000000"]}`), nil
	}
}

// A secret leaves the app only where the server needs it: the hash of a signing key in the
// header Authorization of requests to the API, the event key in the path of requests to the
// event API, and what is in a URL to its host.
func TestSecretsAreOnlyInTheirPlaceOfRequests(t *testing.T) {
	t.Parallel()
	for mode, dev := range modes {
		for what, operate := range operations {
			t.Run(what+", "+mode, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := &wire{}
					app, _ := newFailing(t, dev, w.RoundTrip)
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					operate(ctx, app)
					require.NoError(t, app.Shutdown(ctx))
					if dev || what != "Start" {
						require.NotEmpty(t, w.requests)
					}
					for i, req := range w.requests {
						w.inPlace(t, i, req)
					}
				})
			})
		}
	}
}

// inPlace fails the test unless the secrets of a request are where they belong.
func (w *wire) inPlace(t *testing.T, i int, req *http.Request) {
	t.Helper()
	authorization, path := req.Header.Get("Authorization"), req.URL.EscapedPath()
	req.Header.Del("Authorization")
	req.URL.User = nil
	switch req.URL.Host {
	case eventHost:
		require.Equal(t, basic("deploy", password), authorization, "net/http makes it of the URL")
		if key, isEvent := strings.CutPrefix(path, "/e/"); isEvent {
			require.Equal(t, url.PathEscape(eventKey), key)
			req.URL.Path, req.URL.RawPath = "/e/", ""
		}
	case apiHost:
		// Some requests need no key.
		require.Contains(t, []string{bearer(signingKey), bearer(fallbackKey), basic(token, "")}, authorization)
	default:
		require.Equal(t, appHost, req.URL.Host)
		require.Empty(t, authorization)
	}
	finder.Absent(t, "a request", fmt.Sprintf("%s %s %v %v %s", req.Method, req.URL, req.Header, req.Trailer, w.bodies[i]))
}

// basic returns the header with a user and a password.
func basic(user, password string) string {
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth(user, password)
	return req.Header.Get("Authorization")
}

// bearer returns the header for the API with a signing key.
func bearer(key string) string {
	for _, secret := range planted.SigningKey("key", key) {
		if strings.HasPrefix(secret.Name, "the hash of") {
			return "Bearer signkey-prod-" + secret.Value
		}
	}
	panic("a signing key has a hash")
}

// The host that a redirect names gets no secret: not even as the URL that redirected.
func TestRedirectsTakeNoSecretElsewhere(t *testing.T) {
	t.Parallel()
	for _, status := range []int{
		http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
	} {
		for what, operate := range operations {
			t.Run(fmt.Sprintf("%s, %d", what, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := &wire{redirectBy: status}
					app, _ := newFailing(t, true, w.RoundTrip)
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					operate(ctx, app)
					require.NoError(t, app.Shutdown(ctx))
					elsewhere := 0
					for i, req := range w.requests {
						if req.URL.Host == otherHost {
							elsewhere++
							finder.Absent(t, "a request", fmt.Sprintf("%s %s %v %s", req.Method, req.URL, req.Header, w.bodies[i]))
						}
					}
					if what != "CheckEndpoint" { // it stops at the redirects that the server does not follow
						require.NotZero(t, elsewhere)
					}
				})
			})
		}
	}
}
