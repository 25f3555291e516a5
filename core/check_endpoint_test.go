package inngestkit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// served returns an app that is mounted on a listener of its own, behind front.
func served(t *testing.T, config inngestkit.Config, front func(app http.Handler) http.Handler) (*inngestkit.App, *log) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	config.ServeHost = "http://" + server.Listener.Addr().String()
	app, l := newAppWith(t, config, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	server.Config.Handler = front(adapter.HTTPHandler("test", app.Do))
	server.Start()
	t.Cleanup(server.Close)
	return app, l
}

func nothing(app http.Handler) http.Handler { return app }

// answers returns a front that responds in place of the app.
func answers(status int, header, value, body string) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set(header, value)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
}

// after returns a front that changes the response of the app.
func after(change func(w http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(app http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorded := httptest.NewRecorder()
			app.ServeHTTP(recorded, r)
			maps.Copy(w.Header(), recorded.Header())
			change(w, r, recorded)
			w.WriteHeader(recorded.Code)
			_, _ = w.Write(recorded.Body.Bytes())
		})
	}
}

// redirect returns a front that redirects all requests to another path, without their query.
func redirect(status int) func(http.Handler) http.Handler {
	return func(app http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/moved", app)
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else the connection is reset under large bodies
			http.Redirect(w, r, "/moved", status)
		})
		return mux
	}
}

func TestCheckEndpoint(t *testing.T) {
	t.Parallel()
	cache := func(method, header, value string) func(http.Handler) http.Handler {
		var requests atomic.Int32
		return after(func(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
			if r.Method == method && requests.Add(1) > 1 {
				w.Header().Set(header, value)
			}
		})
	}
	for _, tc := range []struct {
		name  string
		front func(app http.Handler) http.Handler
		want  []string // nil if all is well
	}{
		{"nothing in front", nothing, nil},
		{"a cache that has nothing", after(func(w http.ResponseWriter, _ *http.Request, _ *httptest.ResponseRecorder) {
			w.Header().Set("X-Cache", "MISS")
			w.Header().Set("Age", "0")
			w.Header().Set("Content-Encoding", "identity")
		}), nil},
		{"a cache with a telling name", after(func(w http.ResponseWriter, _ *http.Request, _ *httptest.ResponseRecorder) {
			w.Header().Set("X-Cache", "MISS from white.test, MISS from hit.test")
			w.Header().Set("X-Cache-Status", "hit-for-pass")
			w.Header().Set("Cache-Status", `"white-cdn"; hit=?0; fwd=uri-miss`)
		}), nil},
		{"a cache behind a cache", cache(http.MethodGet, "X-Cache", "MISS, TCP_HIT from inner"), []string{"answered by a cache (X-Cache: MISS, TCP_HIT from inner)"}},
		{"a cache that knows the standard", cache(http.MethodGet, "Cache-Status", "inner; hit; ttl=5, outer; fwd=miss"), []string{"answered by a cache (Cache-Status: inner; hit"}},
		{"a redirect that keeps the call", redirect(http.StatusPermanentRedirect), nil},
		{"a redirect that changes the method", redirect(http.StatusMovedPermanently), []string{"it redirects to /moved, and the server would follow with GET"}},
		{"headers that are removed", after(func(w http.ResponseWriter, _ *http.Request, _ *httptest.ResponseRecorder) {
			w.Header().Del("X-Inngest-Sdk")
		}), []string{"without the header X-Inngest-SDK", "let the headers of the app pass"}},
		{"authentication", answers(401, "", "", "who are you?"),
			[]string{"POST http", "/api/inngest was not answered by the app but with 401 Unauthorized", `("who are you?")`, "authentication is in front of it"}},
		{"a proxy's authentication", answers(407, "", "", ""), []string{"407", "authentication is in front"}},
		{"CSRF protection", answers(403, "", "", "invalid csrf token"), []string{"CSRF protection, authentication or a firewall", "must exclude /api/inngest", "or it is the port of another program"}},
		{"another program", answers(403, "Server", "AirTunes/1.0", ""), []string{`403 Forbidden from "AirTunes/1.0"`}},
		{"TLS", answers(400, "", "", "Client sent an HTTP request to an HTTPS server.\n"), []string{"it listens with TLS; set ServeHost"}},
		{"echo's CSRF protection", answers(400, "", "", "missing csrf token"), []string{"CSRF protection, authentication or a firewall"}},
		{"another path", answers(404, "", "", "404 page not found"), []string{"the app is elsewhere", "StripPrefix", "ServePath"}},
		{"another method", answers(405, "Allow", "GET", ""), []string{"the app is elsewhere"}},
		{"a small body limit", answers(413, "", "", ""), []string{"raise its limit for /api/inngest to 4 MiB or more"}},
		{"a rate limit", answers(429, "", "", ""), []string{"a rate limit is in front of it"}},
		{"a proxy's error", answers(502, "", "", ""), []string{"502 Bad Gateway: a proxy or a middleware failed"}},
		{"a catch-all", answers(200, "", "", "<html>"), []string{`200 OK ("<html>")`, "a catch-all route, a timeout or a cache"}},
		{"a redirect", answers(301, "Location", "https://me:secret@shop.test/login?token=secret", ""),
			[]string{"it redirects to https://shop.test/login, and"}},
		{"a redirect to nowhere", answers(301, "", "", ""), []string{"it redirects, and"}},
		{"a cache of GET", cache(http.MethodGet, "X-Cache", "HIT from proxy"), []string{"GET http", "answered by a cache (X-Cache: HIT from proxy)", "exclude /api/inngest"}},
		{"a cache of POST", cache(http.MethodPost, "Age", "3"), []string{"POST http", "answered by a cache (Age: 3)"}},
		{"compression that was not requested", after(func(w http.ResponseWriter, _ *http.Request, _ *httptest.ResponseRecorder) {
			w.Header().Set("Content-Encoding", "zstd")
		}), []string{`Content-Encoding "zstd", which the server has not requested`}},
		{"changed answers", after(func(_ http.ResponseWriter, _ *http.Request, answer *httptest.ResponseRecorder) {
			answer.Body = bytes.NewBufferString("{}<!-- seen -->")
		}), []string{`something other than what the app writes ("{}<!-- seen -->")`}},
		{"answers without a signature", after(func(w http.ResponseWriter, _ *http.Request, _ *httptest.ResponseRecorder) {
			w.Header().Del("X-Inngest-Signature")
		}), []string{`something other than what the app writes ("{}")`, "compare the signing keys"}},
		{"changed requests", func(app http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Del("X-Inngest-Signature")
				app.ServeHTTP(w, r)
			})
		}, []string{"answered by the app with 401: the X-Inngest-Signature header is missing", "removes headers"}},
		{"a body limit of 1 MiB", func(app http.Handler) http.Handler { return http.MaxBytesHandler(app, 1<<20) },
			[]string{"with the largest body the server sends, 4 MiB,", "request body too large", "raise its limit for /api/inngest"}},
		{"a body limit that answers 400", func(app http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength > 1<<20 {
					_, _ = io.Copy(io.Discard, r.Body)
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				app.ServeHTTP(w, r)
			})
		}, []string{"400 Bad Request", "raise its limit for /api/inngest"}},
		{"changed inspections", after(func(_ http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder) {
			if r.Method == http.MethodGet {
				answer.Body.WriteString("<!-- seen -->")
			}
		}), []string{"GET http", "something other than what the app writes"}},
		{"no chunks", func(app http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength < 0 {
					w.WriteHeader(http.StatusLengthRequired)
					return
				}
				app.ServeHTTP(w, r)
			})
		}, []string{"here in chunks", "411 Length Required"}},
		{"a hang-up", func(http.Handler) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, []string{"got no response: EOF; is it the port of an HTTP server?"}},
		{"a hang-up on large bodies", func(app http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength > 1<<20 {
					panic(http.ErrAbortHandler)
				}
				app.ServeHTTP(w, r)
			})
		}, []string{"with the largest body the server sends, 4 MiB, got no response", "raise its limit for /api/inngest"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, _ := served(t, cloud, tc.front)
			err := app.CheckEndpoint(t.Context())
			require.NoError(t, app.Shutdown(t.Context()))
			if tc.want == nil {
				require.NoError(t, err)
				return
			}
			for _, part := range append(tc.want, "inngestkit: check endpoint: ") {
				require.ErrorContains(t, err, part)
			}
			require.NotContains(t, err.Error(), "secret")
			require.NotContains(t, err.Error(), strings.TrimPrefix(string(signingKey), "signkey-test-"))
			_, synced := app.LastSync()
			require.False(t, synced)
		})
	}
}

// One error has all causes, each once.
func TestCheckEndpointFindsEverything(t *testing.T) {
	t.Parallel()
	app, _ := served(t, inngestkit.Config{Dev: true, MaxBodyBytes: 1 << 20}, after(func(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
		if r.Method == http.MethodGet {
			w.Header().Set("Age", "1")
		}
	}))
	err := app.CheckEndpoint(t.Context())
	require.ErrorContains(t, err, "raise Config.MaxBodyBytes to 4194304 or more")
	require.ErrorContains(t, err, "answered by a cache")
	require.Len(t, strings.Split(err.Error(), "\n"), 2)
	require.NoError(t, app.Shutdown(t.Context()))
}

func TestCheckEndpointFindsChangesInDevMode(t *testing.T) {
	t.Parallel()
	app, _ := served(t, inngestkit.Config{Dev: true}, after(func(_ http.ResponseWriter, _ *http.Request, answer *httptest.ResponseRecorder) {
		answer.Body.WriteString("<!-- seen -->")
	}))
	require.ErrorContains(t, app.CheckEndpoint(t.Context()), `something other than what the app writes ("{}<!-- seen -->")`)
	require.NoError(t, app.Shutdown(t.Context()))
}

// The probes equal the server's requests, and the check leaves the client as it is.
func TestCheckEndpointCallsLikeTheServer(t *testing.T) {
	t.Parallel()
	var closed []bool // the connections
	var headers []http.Header
	var lengths []int64
	var bodies []string
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	config := cloud
	config.HTTPClient = &http.Client{Jar: jar}
	app, _ := served(t, config, func(app http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			closed = append(closed, r.Close)
			headers, lengths, bodies = append(headers, r.Header.Clone()), append(lengths, r.ContentLength), append(bodies, r.Method+" "+string(body))
			http.SetCookie(w, &http.Cookie{Name: "_csrf", Value: "token"})
			app.ServeHTTP(w, r)
		})
	})
	require.NoError(t, app.CheckEndpoint(t.Context()))
	require.Equal(t, []int64{2, 4 << 20, -1, 0, 0}, lengths)
	require.Equal(t, []bool{true, true, true, true, true}, closed)
	for i, header := range headers {
		require.Empty(t, header.Get("Cookie"))
		require.Equal(t, "gzip", header.Get("Accept-Encoding"), "the server's client asks for this")
		require.NotEmpty(t, header.Get("X-Inngest-Signature"))
		if lengths[i] != 0 {
			require.Equal(t, "application/json", header.Get("Content-Type"))
		}
	}
	require.Equal(t, "POST {}", bodies[0])
	require.Len(t, bodies[2], len("POST ")+4<<20)
	require.Equal(t, "GET ", bodies[3])
	require.Same(t, jar, config.HTTPClient.Jar)
	require.Nil(t, config.HTTPClient.CheckRedirect)
	require.NoError(t, app.Shutdown(t.Context()))
}

// An uncertain result is not a finding, because the server may get through.
func TestCheckEndpointDoesNotGuess(t *testing.T) {
	t.Parallel()
	t.Run("an address that swallows connections", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: &http.Client{Transport: transport}}, onSignUp(hello))
			app.MountedAt("test", "/api/inngest")
			err := app.CheckEndpoint(t.Context())
			require.ErrorContains(t, err, "nothing listens at")
			require.NoError(t, app.Shutdown(t.Context()))
		})
	})
	t.Run("a slow line", func(t *testing.T) {
		t.Parallel()
		config := cloud
		config.HTTPClient = &http.Client{Timeout: 500 * time.Millisecond}
		app, _ := served(t, config, func(app http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength > 1<<20 {
					_, _ = io.Copy(io.Discard, r.Body) // so that the end of the connection is noticed
					<-r.Context().Done()
					return
				}
				app.ServeHTTP(w, r)
			})
		})
		err := app.CheckEndpoint(t.Context())
		require.ErrorContains(t, err, "got no response in time")
		require.NotContains(t, err.Error(), "raise its limit")
		require.NoError(t, app.Shutdown(t.Context()))
	})
	t.Run("a proxy of the program's own", func(t *testing.T) {
		t.Parallel()
		transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("proxied") }}
		config := cloud
		config.HTTPClient = &http.Client{Transport: transport}
		app, _ := served(t, config, nothing)
		require.NoError(t, app.CheckEndpoint(t.Context()))
		require.NotNil(t, transport.Proxy)
		require.NoError(t, app.Shutdown(t.Context()))
	})
}

func TestCheckEndpointFindsCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.StartTLS()
	defer server.Close()
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, ServeHost: server.URL}, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	require.ErrorContains(t, app.CheckEndpoint(t.Context()), "the Inngest server verifies certificates, too")
	require.NoError(t, app.Shutdown(t.Context()))
}

func TestCheckEndpointRefuses(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(hello))
	require.ErrorContains(t, app.CheckEndpoint(t.Context()), "check endpoint: the app is not mounted")

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	app, _ = newAppWith(t, inngestkit.Config{Dev: true, ServeHost: listener.Addr().String()}, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	err = app.CheckEndpoint(t.Context())
	require.ErrorContains(t, err, "nothing listens at http://"+listener.Addr().String()+"/api/inngest: dial tcp")
	require.ErrorContains(t, err, "ServePort (PORT)")

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	require.ErrorContains(t, app.CheckEndpoint(ctx), "enough")
	require.NoError(t, app.Shutdown(t.Context()))
	require.ErrorContains(t, app.CheckEndpoint(t.Context()), "shut down")
}

// Shutdown cancels a check.
func TestShutdownEndsACheck(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{})
	app, _ := served(t, inngestkit.Config{Dev: true}, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // so that the end of the connection is noticed
			close(reached)
			<-r.Context().Done()
		})
	})
	checked := make(chan error)
	go func() { checked <- app.CheckEndpoint(context.WithoutCancel(t.Context())) }()
	<-reached
	ended := make(chan error)
	go func() { ended <- app.Shutdown(context.WithoutCancel(t.Context())) }()
	require.ErrorIs(t, <-checked, inngestkit.ErrShutdown)
	require.NoError(t, <-ended)
}

// A dial may outlast its request: net/http keeps the connection for others.
func TestCheckEndpointDuringADial(t *testing.T) {
	t.Parallel()
	var dialing sync.WaitGroup
	defer dialing.Wait()
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(r.Context())
		trace.GetConn("host")
		dialing.Go(func() { trace.ConnectDone("tcp", "host", nil) })
		return nil, errors.New("no patience")
	})}
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client}, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	require.ErrorContains(t, app.CheckEndpoint(t.Context()), "no patience")
}
