package inngestkit_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// network simulates a network in which a dev server and other programs listen.
type network struct {
	devServer

	// elsewhere, if not nil, makes the requests to other hosts.
	elsewhere *http.Transport

	mu    sync.Mutex
	hosts map[string]http.Handler
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "127.0.0.1:8288" {
		return n.devServer.RoundTrip(r)
	}
	if n.elsewhere != nil {
		return n.elsewhere.RoundTrip(r)
	}
	h := n.at(r.URL.Host)
	if h == nil {
		return nil, notListening()
	}
	in := r.Clone(context.WithoutCancel(r.Context()))
	in.RequestURI = r.URL.RequestURI()
	recorded := httptest.NewRecorder()
	h.ServeHTTP(recorded, in)
	return recorded.Result(), nil
}

func (n *network) at(host string) http.Handler {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hosts[host]
}

func (n *network) listen(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = map[string]http.Handler{}
	}
	n.hosts[host] = h
}

// located starts an app whose program listens at addresses.
func (n *network) located(t *testing.T, config inngestkit.Config, addresses ...string) (*inngestkit.App, http.Handler, *log) {
	t.Helper()
	config.Dev, config.HTTPClient = true, &http.Client{Transport: n}
	app, l := newAppWith(t, config, onSignUp(hello))
	inngestkit.ListensAt(app, func() []netip.AddrPort {
		var all []netip.AddrPort
		for _, address := range addresses {
			all = append(all, netip.MustParseAddrPort(address))
		}
		return all
	})
	app.MountedAt("test", "/api/inngest")
	require.NoError(t, app.Start(t.Context()))
	return app, adapter.HTTPHandler("test", app.Do), l
}

// another returns an app of another program, which responds like this one.
func another(t *testing.T) http.Handler {
	t.Helper()
	app, _ := newApp(t, onSignUp(hello))
	return adapter.HTTPHandler("test", app.Do)
}

// Without a configured port, an app is announced where it listens, whatever the framework,
// and nowhere else before.
func TestStartFindsTheApp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		config    inngestkit.Config
		addresses []string
		at        string // where it listens
		want      string
	}{
		{"Gin's port", inngestkit.Config{}, []string{"[::]:8080"}, "localhost:8080", "http://localhost:8080/api/inngest"},
		{"beside others", inngestkit.Config{}, []string{"0.0.0.0:6060", "127.0.0.1:7070", "[::1]:1323"}, "localhost:1323", "http://localhost:1323/api/inngest"},
		{"one interface alone", inngestkit.Config{}, []string{"10.1.2.3:8080"}, "10.1.2.3:8080", "http://10.1.2.3:8080/api/inngest"},
		{"behind a proxy at the default port", inngestkit.Config{}, nil, "localhost:3000", "http://localhost:3000/api/inngest"},
		{"to a server in a container", inngestkit.Config{ServeHost: "host.docker.internal"}, []string{"[::]:8080"},
			"localhost:8080", "http://host.docker.internal:8080/api/inngest"},
		{"with a path of its own", inngestkit.Config{ServePath: "/v1/api/inngest"}, []string{"[::]:8080"},
			"localhost:8080", "http://localhost:8080/v1/api/inngest"},
	} {
		for when, after := range map[string]time.Duration{"listening": 0, "about to listen": time.Second} {
			t.Run(tc.name+", "+when, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					n := &network{}
					n.listen("localhost:6060", http.NotFoundHandler())
					n.listen("localhost:7070", another(t))
					app, handler, l := n.located(t, tc.config, tc.addresses...)
					time.Sleep(after)
					n.listen(tc.at, handler)
					began := time.Now()
					require.NoError(t, app.AwaitSync(t.Context()))
					require.Less(t, time.Since(began), time.Second)
					time.Sleep(aMinute)
					last, _ := app.LastSync()
					require.Equal(t, tc.want, last.URL)
					syncs, _ := n.seen()
					require.Equal(t, 1, syncs, "no other URL was announced")
					require.Contains(t, l.String(), `from="the app has found itself there; `)
					require.NotContains(t, l.String(), "WARN")
					require.NoError(t, app.Shutdown(t.Context()))
				})
			})
		}
	}
}

// A configured address is announced at once, wherever the app listens.
func TestStartAnnouncesWhatIsConfigured(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]inngestkit.Config{
		"http://localhost:8081/api/inngest": {ServePort: 8081},
		"http://app.test:81/api/inngest":    {ServeHost: "app.test:81"},
		"https://app.test/api/inngest":      {ServeHost: "https://app.test"},
		"http://app.test:8081/api/inngest":  {ServeHost: "app.test", ServePort: 8081},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{}
			began := time.Now()
			app, _, _ := n.located(t, config, "[::]:8080")
			require.NoError(t, app.AwaitSync(t.Context()))
			require.Zero(t, time.Since(began))
			last, _ := app.LastSync()
			require.Equal(t, want, last.URL)
			require.NoError(t, app.Shutdown(t.Context()))
		})
	}
}

// An app that does not listen soon is announced at the default port, with a warning, and
// later where it listens. It is removed from the first URL, unless another app is there by
// then.
func TestStartFindsTheAppLater(t *testing.T) {
	t.Parallel()
	const first = "http://localhost:3000/api/inngest"
	for apps, removed := range map[string][]string{
		`{"data":{"apps":[{"externalID":"app","url":"` + first + `"},{"externalID":"app","url":"` + hereURL + `"}]}}`:   {first},
		`{"data":{"apps":[{"externalID":"other","url":"` + first + `"},{"externalID":"app","url":"` + hereURL + `"}]}}`: nil,
		"404 page not found": nil,
	} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{}
			n.apps = apps
			n.listen("localhost:6060", http.NotFoundHandler())
			began := time.Now()
			app, handler, l := n.located(t, inngestkit.Config{}, "[::]:6060", "[::]:8080")
			require.NoError(t, app.AwaitSync(t.Context()))
			require.LessOrEqual(t, time.Since(began), 2*time.Second)
			time.Sleep(time.Minute)
			require.Equal(t, 1, strings.Count(l.String(), "level=WARN"), l.String())
			require.Contains(t, l.String(), `set ServePort (PORT) or ServeHost (INNGEST_SERVE_HOST), or call Start shortly before listening; `+
				`below http.StripPrefix or in a sub-router, set ServePath (INNGEST_SERVE_PATH)" url=http://localhost:3000/api/inngest `+
				`tried="localhost:6060: 404 Not Found from something else, or the path is another (ServePath); `+
				`localhost:8080: dial tcp: connection refused; localhost:3000: dial tcp: connection refused"`)
			n.listen("localhost:8080", handler)
			time.Sleep(10 * time.Second)
			last, _ := app.LastSync()
			require.Equal(t, hereURL, last.URL)
			n.set(func(s *devServer) { require.Equal(t, removed, s.removed) })
			require.Contains(t, l.String(), `url=http://localhost:8080/api/inngest from="the app has found itself there; `)
			require.NoError(t, app.Shutdown(t.Context()))
		})
	}
}

// A server on another machine would call itself at localhost, which Start logs at once.
func TestStartWarnsOfAServerElsewhere(t *testing.T) {
	t.Parallel()
	own, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, tc := range []struct {
		server, serveHost string
		warns             bool
	}{
		{"http://inngest:8288", "", true},
		{"http://host.docker.internal:8288", "", true},
		{"http://198.51.100.7:8288", "localhost", true},
		{"http://inngest:8288", "app", false},
		{"http://inngest:8288", "https://app.test", false},
		{"http://localhost:8288", "", false},
		{"http://dev.localhost:8288", "", false},
		{"http://[::1]:8288", "", false},
		{"http://127.0.0.2:8288", "", false},
		{"http://" + net.JoinHostPort(netip.MustParsePrefix(own[len(own)-1].String()).Addr().String(), "8288"), "", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			app, l := newAppWith(t, inngestkit.Config{
				Dev: true, BaseURL: tc.server, ServeHost: tc.serveHost, HTTPClient: &http.Client{Transport: &network{}},
			}, onSignUp(hello))
			app.MountedAt("test", "/api/inngest")
			require.NoError(t, app.Start(t.Context()))
			synctest.Wait()
			require.Equal(t, tc.warns, strings.Contains(l.String(), "a server that is not on this machine"), "%s %s", tc.server, l)
			require.NoError(t, app.Shutdown(t.Context()))
		})
	}
}

// The response does not show that the app recognizes itself.
func TestSelfRequestsGetTheUsualResponse(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(hello))
	plain := app.Do(t.Context(), request(http.MethodGet, "", ""))
	guessed := app.Do(t.Context(), withHeader(request(http.MethodGet, "", ""), "X-Inngestkit-Self", "guessed"))
	require.Equal(t, plain, guessed)
}

// Start logs that the app listens with TLS and is announced with http.
func TestStartLogsTLS(t *testing.T) {
	t.Parallel()
	site := httptest.NewUnstartedServer(http.NotFoundHandler())
	site.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	site.StartTLS()
	t.Cleanup(site.Close)
	n := &network{elsewhere: &http.Transport{DisableKeepAlives: true}}
	host := site.Listener.Addr().String()
	app, _, l := n.located(t, inngestkit.Config{ServeHost: host})
	require.Eventually(t, func() bool { return strings.Contains(l.String(), "inngest: synced") }, 10*time.Second, time.Millisecond)
	require.Contains(t, l.String(), `listening="no: TLS is spoken there; if it is this app, `+
		`set ServeHost (INNGEST_SERVE_HOST) to https://`+host+`, with a certificate`)
	require.NoError(t, app.Shutdown(t.Context()))
}
