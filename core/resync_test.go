package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// devServer is a dev server without a network, for tests in a bubble of time.
type devServer struct {
	mu        sync.Mutex
	away      bool
	functions []string
	forgets   bool // at once
	syncs     int
	questions int
	// info is the response to GET /dev, nil for the usual one.
	info *serverAnswer
	// noApps is a host where nothing listens, like localhost:3000.
	noApps string
	// url and others are where the server calls the functions; apps is its response to
	// GraphQL; removed has the URLs of DELETE requests.
	url     string
	others  []string
	apps    string
	removed []string
}

type serverAnswer struct {
	status     int
	kind, body string
}

func (a serverAnswer) response() *http.Response {
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status),
		Header: http.Header{"X-Inngest-Server-Kind": {a.kind}}, Body: io.NopCloser(strings.NewReader(a.body)),
	}
}

func (s *devServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Host == "localhost:3000" || r.URL.Host == s.noApps {
		return nil, notListening() // the app
	}
	if s.away {
		return nil, errors.New("connection refused")
	}
	if r.URL.Path == "/fn/register" {
		var payload struct {
			URL       string `json:"url"`
			Functions []struct {
				ID string `json:"id"`
			} `json:"functions"`
		}
		if err := json.NewDecoder(r.Body).Decode(&payload); err != nil {
			return nil, err
		}
		s.syncs++
		s.functions, s.url = nil, payload.URL
		for _, f := range payload.Functions {
			if s.forgets {
				break
			}
			s.functions = append(s.functions, f.ID)
		}
		return serverAnswer{http.StatusOK, "dev", `{"ok":true,"modified":true}`}.response(), nil
	}
	if r.URL.Path == "/v0/gql" {
		return serverAnswer{http.StatusOK, "dev", s.apps}.response(), nil
	}
	if r.Method == http.MethodDelete {
		s.removed = append(s.removed, r.URL.Query().Get("url"))
		return serverAnswer{http.StatusOK, "dev", ""}.response(), nil
	}
	s.questions++
	if s.info != nil {
		return s.info.response(), nil
	}
	type step struct {
		URI string `json:"uri"`
	}
	type function struct {
		Slug  string `json:"slug"`
		Steps []step `json:"steps"`
	}
	known := []function{{"somebody-else", nil}}
	for _, id := range s.functions {
		for _, u := range append([]string{s.url}, s.others...) {
			known = append(known, function{id, []step{{u + "?fnId=" + id + "&step=step"}}})
		}
	}
	body, err := json.Marshal(map[string]any{"version": "dev", "functions": known})
	return serverAnswer{http.StatusOK, "dev", string(body)}.response(), err
}

// notListening returns the error of a connection to a closed port.
func notListening() error { return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED} }

// set changes the server.
func (s *devServer) set(change func(s *devServer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *devServer) seen() (syncs, questions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.syncs, s.questions
}

// startedApp is an app with one function, synced with the server.
func startedApp(t *testing.T, server *devServer) (*inngestkit.App, *log) {
	t.Helper()
	app, l := newAppWith(t, inngestkit.Config{
		Dev: true, HTTPClient: &http.Client{Transport: server}, ServePort: 3000,
	}, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	require.NoError(t, app.Start(t.Context()))
	require.NoError(t, app.AwaitSync(t.Context()))
	synctest.Wait()
	return app, l
}

const aMinute = time.Minute + time.Second

func TestStartSyncsAgainWhenTheServerHasForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &devServer{}
		app, l := startedApp(t, server)
		server.set(func(s *devServer) { s.functions = nil }) // it restarted between two requests
		time.Sleep(6 * time.Second)
		syncs, _ := server.seen()
		require.Equal(t, 2, syncs)
		require.Equal(t, 2, strings.Count(l.String(), "inngest: synced"), l.String())
		require.NoError(t, app.Shutdown(t.Context()))
	})
}

// Two apps with the same URL replace each other at the server. Start logs that and syncs less
// and less often.
func TestStartWithAServerThatKeepsForgetting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &devServer{forgets: true}
		app, l := startedApp(t, server)
		time.Sleep(10 * aMinute)
		syncs, _ := server.seen()
		require.Less(t, syncs, 12)
		require.Contains(t, l.String(), `does another program use the same URL (see ServePort, ServeHost and Path), or the AppID \"app\"?`)
		server.set(func(s *devServer) { s.forgets = false })
		time.Sleep(5 * aMinute)
		server.set(func(s *devServer) { s.functions = nil })
		before, _ := server.seen()
		time.Sleep(6 * time.Second)
		after, _ := server.seen()
		require.Equal(t, before+1, after, "it asks as often as before")
		require.NoError(t, app.Shutdown(t.Context()))
	})
}

func TestStartWaitsForAServerThatIsAway(t *testing.T) {
	t.Parallel()
	for _, forgets := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			server := &devServer{}
			app, l := startedApp(t, server)
			for outage := range 2 {
				server.set(func(s *devServer) {
					s.away = true
					if forgets {
						s.functions = nil
					}
				})
				time.Sleep(aMinute)
				require.Equal(t, outage+1, strings.Count(l.String(), "the dev server is away"), "one line for one outage")
				server.set(func(s *devServer) { s.away = false })
				time.Sleep(6 * time.Second)
				syncs, _ := server.seen()
				if forgets {
					require.Equal(t, outage+2, syncs)
					require.NotContains(t, l.String(), "is back")
				} else {
					require.Equal(t, 1, syncs)
					require.Equal(t, outage+1, strings.Count(l.String(), "the dev server is back"))
				}
			}
			require.NoError(t, app.Shutdown(t.Context()))
		})
	}
}

func TestStartLogsNothingWhileInSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &devServer{}
		app, l := startedApp(t, server)
		time.Sleep(3 * time.Second) // it has been logged that nothing listens
		before := l.String()
		time.Sleep(aMinute)
		syncs, questions := server.seen()
		require.Equal(t, 1, syncs)
		require.Equal(t, 12, questions)
		require.Equal(t, before, l.String())
		require.NoError(t, app.Shutdown(t.Context()))
		time.Sleep(aMinute)
		_, after := server.seen()
		require.Equal(t, questions, after, "no requests after Shutdown")
	})
}

func TestStartSyncsFunctionsRegisteredLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &devServer{}
		app, _ := startedApp(t, server)
		require.NoError(t, app.Register(inngestkit.OnEvent("later", signedUp, hello)))
		time.Sleep(6 * time.Second)
		last, _ := app.LastSync()
		require.Equal(t, 2, last.Functions)
		require.NoError(t, app.Shutdown(t.Context()))
	})
}

// If a server does not report which functions it knows, Start requests them once and syncs only
// when something has changed.
func TestStartWithAnotherKindOfServer(t *testing.T) {
	t.Parallel()
	for name, info := range map[string]serverAnswer{
		"self-hosted, asks for a key": {http.StatusUnauthorized, "cloud", "Authentication failed"},
		"self-hosted":                 {http.StatusOK, "cloud", `{"functions":[]}`},
		"no such route":               {http.StatusNotFound, "", "404"},
		"a web page":                  {http.StatusOK, "", "<html>"},
		"other JSON":                  {http.StatusOK, "", `{"ok":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &devServer{info: &info}
				app, l := startedApp(t, server)
				time.Sleep(aMinute)
				syncs, questions := server.seen()
				require.Equal(t, []int{1, 1}, []int{syncs, questions})
				require.Equal(t, 1, strings.Count(l.String(), "does not report which functions it knows"))
				require.NoError(t, app.Register(inngestkit.OnEvent("later", signedUp, hello)))
				time.Sleep(6 * time.Second)
				syncs, _ = server.seen()
				require.Equal(t, 2, syncs)
				require.NoError(t, app.Shutdown(t.Context()))
			})
		})
	}
}

// A proxy responds with errors while the server behind it restarts.
func TestStartIgnoresErrorsOfAProxy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &devServer{}
		app, l := startedApp(t, server)
		server.set(func(s *devServer) { s.info = &serverAnswer{http.StatusBadGateway, "", "<html>"} })
		time.Sleep(aMinute)
		require.Equal(t, 1, strings.Count(l.String(), "the dev server is away"), l.String())
		server.set(func(s *devServer) { s.info, s.functions = nil, nil })
		time.Sleep(6 * time.Second)
		syncs, _ := server.seen()
		require.Equal(t, 2, syncs)
		require.NoError(t, app.Shutdown(t.Context()))
	})
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &devServer{}
		app, _ := newAppWith(t, inngestkit.Config{
			Dev: true, HTTPClient: &http.Client{Transport: server}, ServePort: 3000,
		}, onSignUp(hello))
		app.MountedAt("test", "/api/inngest")
		ctx, cancel := context.WithCancel(t.Context())
		require.NoError(t, app.Start(ctx))
		require.NoError(t, app.AwaitSync(t.Context()))
		cancel()
		synctest.Wait()
		time.Sleep(aMinute)
		_, questions := server.seen()
		require.Zero(t, questions)
	})
}

func TestSync(t *testing.T) {
	t.Parallel()
	sync := func(config inngestkit.Config, mounted string) (*devServer, *inngestkit.App, error) {
		server := &devServer{}
		config.HTTPClient = &http.Client{Transport: server}
		app, _ := newAppWith(t, config, onSignUp(hello))
		if mounted != "" {
			app.MountedAt("test", mounted)
		}
		return server, app, app.Sync(t.Context())
	}
	for _, tc := range []struct {
		name    string
		change  func(c *inngestkit.Config)
		mounted string
		url     string
		err     string
	}{
		{"mounted", func(c *inngestkit.Config) { c.ServeHost = "https://shop.test" }, "/v1/inngest", "https://shop.test/v1/inngest", ""},
		{"known path", func(c *inngestkit.Config) { c.ServeHost, c.ServePath = "https://shop.test", "/x" }, "", "https://shop.test/x", ""},
		{"dev", func(c *inngestkit.Config) { *c = inngestkit.Config{Dev: true} }, "/api/inngest", "http://localhost:3000/api/inngest", ""},
		{"not mounted", func(c *inngestkit.Config) { c.ServeHost = "https://shop.test" }, "", "", "not mounted"},
		{"no host", func(*inngestkit.Config) {}, "/api/inngest", "", "ServeHost (INNGEST_SERVE_HOST) is missing"},
		{"parameters", func(c *inngestkit.Config) { c.ServeHost = "https://shop.test" }, "/{tenant}/x", "", "has parameters; set ServePath"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			config := cloud
			tc.change(&config)
			server, app, err := sync(config, tc.mounted)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			last, _ := app.LastSync()
			require.Equal(t, tc.url, last.URL)
			require.Equal(t, []string{"app-fn"}, server.functions)
		})
	}

	server := &devServer{away: true}
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: &http.Client{Transport: server}})
	app.MountedAt("test", "/api/inngest")
	require.ErrorContains(t, app.Sync(t.Context()), "no functions")
	require.NoError(t, app.Register(onSignUp(hello)))
	require.EqualError(t, app.Sync(t.Context()), "inngestkit: sync with http://127.0.0.1:8288: connection refused")
	require.NoError(t, app.Shutdown(t.Context()))
	require.ErrorContains(t, app.Sync(t.Context()), "shut down")
}
