package selfcheck_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/selfcheck"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const endpoint = "/api/inngest"

// app is an endpoint that responds like an app, behind front.
type app struct {
	*selfcheck.Checker

	host string
	url  *url.URL
}

// serve serves an app with options on a new listener.
func serve(t *testing.T, options selfcheck.Options, front func(app http.Handler) http.Handler) *app {
	t.Helper()
	options.NewClient = func() *http.Client { return &http.Client{Transport: &http.Transport{}} }
	options.Guard = func(_ string, f func()) bool { f(); return false }
	if options.MaxBodyBytes == 0 {
		options.MaxBodyBytes = 8 << 20
	}
	if options.Listeners == nil {
		options.Listeners = func() []netip.AddrPort { return nil }
	}
	a := &app{Checker: selfcheck.New(options)}
	server := httptest.NewServer(front(a.handler(options)))
	t.Cleanup(server.Close)
	a.host = server.Listener.Addr().String()
	a.url = parse(t, server.URL+endpoint)
	return a
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

func (a *app) handler(options selfcheck.Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(endpoint, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Inngest-Sdk", "go:test")
		w.Header().Set("X-Inngest-Sdk-Handled", "true")
		body, _ := io.ReadAll(r.Body)
		if options.Verify != nil && !options.Verify(r.Header.Get("X-Inngest-Signature"), body) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message":"bad signature"}`)
			return
		}
		if r.Method == http.MethodGet {
			a.Received(r.Header)
		} else if options.Sign != nil {
			w.Header().Set("X-Inngest-Signature", options.Sign([]byte("{}")))
		}
		_, _ = io.WriteString(w, "{}")
	})
	return mux
}

func bare(app http.Handler) http.Handler { return app }

// signed returns options with which an app and its checker sign.
func signed() selfcheck.Options {
	sign := func(body []byte) string { return fmt.Sprintf("%x", sha256.Sum256(body)) }
	return selfcheck.Options{Sign: sign, Verify: func(signature string, body []byte) bool { return signature == sign(body) }}
}

func TestCheckFindsNothing(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]selfcheck.Options{"dev mode": {}, "cloud mode": signed()} {
		a := serve(t, options, bare)
		findings, err := a.Check(t.Context(), a.url)
		require.NoError(t, err, name)
		require.Empty(t, findings, name)
	}
}

func TestCheckVerifiesSignatures(t *testing.T) {
	t.Parallel()
	options := signed()
	verify := options.Verify
	var probes atomic.Int32
	options.Verify = func(signature string, body []byte) bool {
		probes.Add(1)
		return verify(signature, body)
	}
	a := serve(t, options, func(app http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("X-Inngest-Signature")
			app.ServeHTTP(w, r)
		})
	})
	findings, err := a.Check(t.Context(), a.url)
	require.NoError(t, err)
	require.Len(t, findings, 1)
	require.ErrorContains(t, findings[0], "answered by the app with 401: bad signature; something in front of the app changes bodies")
	require.EqualValues(t, 1, probes.Load(), "the first finding about the smallest call ends the check")
}

// Each finding is one error; those about the same cause are not repeated.
func TestCheckFindsEachCauseOnce(t *testing.T) {
	t.Parallel()
	a := serve(t, selfcheck.Options{MaxBodyBytes: 1 << 20}, func(app http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodGet:
				w.Header().Set("Age", "1")
			case r.ContentLength > 1<<20:
				_, _ = io.Copy(io.Discard, r.Body)
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				return
			}
			app.ServeHTTP(w, r)
		})
	})
	findings, err := a.Check(t.Context(), a.url)
	require.NoError(t, err)
	require.Len(t, findings, 2)
	require.ErrorContains(t, findings[0], "raise Config.MaxBodyBytes to 4194304 or more")
	require.ErrorContains(t, findings[1], "GET "+a.url.String()+" was answered by a cache (Age: 1)")
}

func TestCheckIsIncomplete(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	a := serve(t, selfcheck.Options{}, bare)
	findings, err := a.Check(t.Context(), parse(t, "http://"+listener.Addr().String()))
	require.ErrorContains(t, err, "nothing listens at http://"+listener.Addr().String())
	require.Empty(t, findings)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	findings, err = a.Check(ctx, a.url)
	require.ErrorContains(t, err, "enough")
	require.Empty(t, findings)
}

func TestReach(t *testing.T) {
	t.Parallel()
	a, other := serve(t, selfcheck.Options{}, bare), serve(t, selfcheck.Options{}, bare)
	r := a.Reach(t.Context(), a.url)
	require.Equal(t, "yes", r.String())
	require.True(t, r.Self)

	r = a.Reach(t.Context(), other.url)
	require.Equal(t, "yes, this app or another instance", r.String())
	require.False(t, r.Self)

	r = a.Reach(t.Context(), parse(t, "http://"+a.host+"/elsewhere"))
	require.Equal(t, "no: 404 Not Found from something else, or the path is another (ServePath)", r.String())

	require.True(t, a.Received(http.Header{"X-Inngestkit-Self": {"guessed"}}))
	require.False(t, a.Received(http.Header{}))
	require.False(t, a.Reach(t.Context(), other.url).Self, "nobody can guess a token")
}

func TestReachEnds(t *testing.T) {
	t.Parallel()
	hangs := selfcheck.Options{
		NewClient: func() *http.Client {
			return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})}
		},
		Guard: func(_ string, f func()) bool { f(); return false },
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r := selfcheck.New(hangs).Reach(t.Context(), parse(t, "http://app.test"))
		require.Equal(t, "no: no response within 1s", r.String())
		require.Equal(t, time.Second, time.Since(began))
	})

	panics := hangs
	panics.NewClient = func() *http.Client { panic("oh no") }
	panics.Guard = func(what string, f func()) (panicked bool) {
		require.Equal(t, "a request of the app to itself", what)
		defer func() { panicked = recover() != nil }()
		f()
		return false
	}
	r := selfcheck.New(panics).Reach(t.Context(), parse(t, "http://app.test"))
	require.Equal(t, "no: the request panicked; see the app's log", r.String())
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFind(t *testing.T) {
	t.Parallel()
	var listeners []netip.AddrPort
	a := serve(t, selfcheck.Options{Listeners: func() []netip.AddrPort { return listeners }}, bare)
	other := serve(t, selfcheck.Options{}, bare)
	here, there := netip.MustParseAddrPort(a.host), netip.MustParseAddrPort(other.host)
	target := parse(t, "https://shop.test:443"+endpoint)

	listeners = []netip.AddrPort{there, here}
	found, err := a.Find(t.Context(), target, there.Port())
	require.NoError(t, err)
	require.Equal(t, "http://localhost:"+a.url.Port()+endpoint, found.String())
	require.Equal(t, "https://shop.test:443"+endpoint, target.String(), "the target stays as it is")

	listeners = nil
	found, err = a.Find(t.Context(), target, here.Port())
	require.NoError(t, err)
	require.Equal(t, a.url.Port(), found.Port(), "the default port is tried, too")

	_, err = a.Find(t.Context(), target, there.Port())
	require.EqualError(t, err, "localhost:"+other.url.Port()+": yes, this app or another instance")
}
