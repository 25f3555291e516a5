package adaptertest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

// mutants are adapters with a plausible mistake, and the case that finds it.
var mutants = []struct {
	name    string
	foundBy string
	mutate  func(ref *reference)
}{
	{"a goroutine for each call", "goroutines", onRequest(func(*adapter.Request) { go func() { select {} }() })},
	{"only the usual methods", "methods", onHandler(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains("GET HEAD POST PUT", r.Method) {
			next.ServeHTTP(w, r)
		} else {
			http.NotFound(w, r)
		}
	})},
	{"a method too many", "methods", onRequest(func(r *adapter.Request) {
		if r.Method == "BREW" {
			r.Method = http.MethodGet
		}
	})},
	{"no query", "paths", onRequest(func(r *adapter.Request) { r.RawQuery = strings.Replace(r.RawQuery, "%", "", 1) })},
	{"everywhere", "paths", func(ref *reference) { ref.also = "/" }},
	{"a slash is nothing", "trailing slash", func(ref *reference) { ref.also = inngestkit.DefaultPath + "/{$}" }},
	{"the query in another order", "request", onRequest(func(r *adapter.Request) { r.RawQuery = "empty=&" + r.RawQuery })},
	{"a parameter lost from a query", "request", on(rewritesQueries, onRequest(func(r *adapter.Request) {
		r.RawQuery = strings.Replace(r.RawQuery, "&empty=", "", 1)
	}))},
	{"parameters encoded twice", "request", on(rewritesQueries, onRequest(func(r *adapter.Request) {
		r.RawQuery = strings.ReplaceAll(r.RawQuery, "%", "%25")
	}))},
	{"the path without a slash", "request", onRequest(func(r *adapter.Request) { r.Path = strings.TrimPrefix(r.Path, "/") })},
	{"no port", "request", onRequest(func(r *adapter.Request) { r.Host, _, _ = strings.Cut(r.Host, ":") })},
	{"the last of repeated headers", "headers of requests", onRequest(func(r *adapter.Request) {
		for key, values := range r.Header {
			r.Header[key] = values[len(values)-1:]
		}
	})},
	{"the first of joined headers", "headers of requests", on(joinsHeaders, onRequest(func(r *adapter.Request) {
		for key, values := range r.Header {
			r.Header[key] = values[:1]
		}
	}))},
	{"headers not joined", "headers of requests", on(joinsHeaders, onRequest(func(*adapter.Request) {}))},
	{"Host is a header", "headers of requests", onRequest(func(r *adapter.Request) { r.Header.Set("Host", r.Host) })},
	{"headers in lower case", "headers of requests", onRequest(func(r *adapter.Request) {
		for key, values := range maps.Clone(r.Header) {
			r.Header[strings.ToLower(key)] = values
		}
	})},
	{"headers twice", "headers of responses", onHandler(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Add("X-Inngest-No-Retry", "true")
		next.ServeHTTP(&adding{ResponseWriter: w}, r)
	})},
	{"no length in HTTP 1.0", "HTTP 1.0", onHandler(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(lengthless{w}, r)
	})},
	{"no Retry-After", "headers of responses", onResponse(func(r *adapter.Response) { r.Header.Del("Retry-After") })},
	{"another framework", "headers of responses", onRequest(func(r *adapter.Request) { r.Framework = "net/http" })},
	{"memory used again", "retained requests", reuse()},
	{"a limit of its own", "bodies", onHandler(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		next.ServeHTTP(w, r)
	})},
	{"a smaller limit than the platform's", "bodies", on(limitsBodies, onHandler(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<19)
		next.ServeHTTP(w, r)
	}))},
	{"responses cut, below the platform's limit", "responses", on(limitsBodies, onResponse(func(r *adapter.Response) {
		r.Body = r.Body[:min(len(r.Body), 64<<10)]
	}))},
	{"bodies cut to the limit", "bodies over the limit", onRequest(func(r *adapter.Request) {
		r.Body, r.ContentLength = io.LimitReader(r.Body, inngestkit.DefaultMaxBodyBytes), -1
	})},
	{"responses cut", "responses", onResponse(func(r *adapter.Response) { r.Body = r.Body[:min(len(r.Body), 64<<10)] })},
	{"only with a length", "chunked bodies", onRequest(func(r *adapter.Request) {
		if r.ContentLength < 0 {
			r.Body = nil
		}
	})},
	{"only the last length", "framing", func(ref *reference) {
		ref.conn = func(c net.Conn) net.Conn { return &without{Conn: c, text: "Content-Length: 1\r\n"} }
	}},
	{"bodies are read first", "strangers", onRequest(func(r *adapter.Request) {
		whole, _ := io.ReadAll(r.Body)
		r.Body = bytes.NewReader(whole)
	})},
	{"what has come already", "slow bodies", onRequest(func(r *adapter.Request) {
		some := make([]byte, 1<<20)
		n, _ := r.Body.Read(some)
		r.Body = bytes.NewReader(some[:n])
	})},
	{"what has come before the end", "bodies cut off", onRequest(func(r *adapter.Request) {
		some, _ := io.ReadAll(r.Body)
		r.Body, r.ContentLength = bytes.NewReader(some), int64(len(some))
	})},
	{"no interim response", "expect", onHandler(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Expect") != "" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		next.ServeHTTP(w, r)
	})},
	{"bodies unpacked", "gzip", onRequest(func(r *adapter.Request) {
		if r.Header.Get("Content-Encoding") == "gzip" {
			r.Body, _ = gzip.NewReader(r.Body)
			r.ContentLength = -1
		}
	})},
	{"closed after errors", "keep-alive", onResponse(func(r *adapter.Response) {
		if r.Status >= http.StatusBadRequest {
			r.Header.Set("Connection", "close")
		}
	})},
	{"one call for a connection", "pipelined", onResponse(func(r *adapter.Response) { r.Header.Set("Connection", "close") })},
	{"values of all", "concurrent calls", valuesOfAll()},
	{"the app on another goroutine", "ended goroutines", onHandler(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answered := make(chan struct{})
		go func() {
			next.ServeHTTP(w, r)
			close(answered)
		}()
		<-answered
	})},
	{"always 200", "panics", onResponse(func(r *adapter.Response) { r.Status = http.StatusOK })},
	{"errors without their text", "panicking callbacks", onResponse(func(r *adapter.Response) {
		if r.Status >= http.StatusBadRequest {
			r.Body = nil
		}
	})},
	{"no response after a panic", "panicking callbacks", onResponse(func(r *adapter.Response) {
		if strings.Contains(string(r.Body), "panicked") {
			panic(http.ErrAbortHandler)
		}
	})},
	{"a context of its own", "hang-ups", onContext(context.WithoutCancel)},
	{"503 without Retry-After", "shutdown", onResponse(func(r *adapter.Response) {
		if r.Status == http.StatusServiceUnavailable {
			r.Header.Del("Retry-After")
		}
	})},
	{"half a response", "shutdown of the server first", onResponse(func(r *adapter.Response) {
		if len(r.Body) > 1<<10 {
			r.Body = r.Body[:len(r.Body)/2]
		}
	})},
	{"no values", "values", onContext(func(context.Context) context.Context { return context.Background() })},
	{"a store used again", "retained values", storeUsedAgain()},
	{"the path within the group", "groups", func(ref *reference) {
		ref.mountedAt = func(string) string { return inngestkit.DefaultPath }
	}},
	{"always at the same path", "root", func(ref *reference) {
		ref.routes = func(all []adapter.Route) []adapter.Route {
			all[0].Path = inngestkit.DefaultPath
			return all
		}
	}},
	{"a catch-all at the root", "root", func(ref *reference) { ref.catchAll = true }},
	{"the router's own words", "several apps", func(ref *reference) {
		ref.claim = func(*inngestkit.App, *http.ServeMux, string) {}
	}},
	{"only the endpoint", "routes of plugins", func(ref *reference) {
		ref.routes = func(all []adapter.Route) []adapter.Route { return all[:1] }
	}},
	{"one route for all", "routes of plugins", func(ref *reference) {
		ref.routes = func(all []adapter.Route) []adapter.Route {
			for n := range all[1:] {
				all[n+1].Do = all[len(all)-1].Do
			}
			return all
		}
	}},
	{"headers joined", "routes of plugins", onResponse(func(r *adapter.Response) {
		for key, values := range r.Header {
			r.Header.Set(key, strings.Join(values, ", "))
		}
	})},
	{"headers of an SDK everywhere", "routes of plugins", onHandler(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("X-Inngest-Sdk", "another")
		next.ServeHTTP(w, r)
	})},
	{"proxies are believed", "proxy", onRequest(func(r *adapter.Request) {
		if host := r.Header.Get("X-Forwarded-Host"); host != "" {
			r.Host = host
		}
	})},
	{"clients choose the scheme", "proxy", on(setsForwardedProto, onRequest(func(*adapter.Request) {}))},
	{"always http", "TLS", onRequest(func(r *adapter.Request) { r.Scheme = "http" })},
	{"another app", "from", func(ref *reference) { ref.from = (*inngestkit.App).String }},
	{"always 500", "send", func(ref *reference) {
		ref.failed = func(w http.ResponseWriter, _ error) { http.Error(w, "oops", http.StatusInternalServerError) }
	}},
	{"the cause for the client", "send", func(ref *reference) {
		ref.failed = func(w http.ResponseWriter, err error) { http.Error(w, err.Error(), inngestkit.SendStatus(err)) }
	}},
	{"no status in the error", "send", func(ref *reference) { ref.statusOf = func(error) int { return 0 } }},
}

// The platforms for which the suite makes exceptions.
var (
	rewritesQueries    = func(a *adaptertest.Adapter) { a.RewritesQuery = true }
	joinsHeaders       = func(a *adaptertest.Adapter) { a.JoinsHeaders = true }
	limitsBodies       = func(a *adaptertest.Adapter) { a.MaxBytes = 1 << 20 }
	setsForwardedProto = func(a *adaptertest.Adapter) { a.SetsForwardedProto = true }
)

// on makes a mistake on a platform.
func on(platform func(a *adaptertest.Adapter), mutate func(ref *reference)) func(ref *reference) {
	return func(ref *reference) {
		ref.platform = platform
		mutate(ref)
	}
}

// without is a connection that removes a text from what it reads.
type without struct {
	net.Conn

	text string
}

func (c *without) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return copy(p, bytes.Replace(p[:n], []byte(c.text), nil, 1)), err
}

// onRequest changes the requests that the app gets.
func onRequest(change func(r *adapter.Request)) func(ref *reference) {
	return func(ref *reference) {
		ref.do = func(next doFunc) doFunc {
			return func(ctx context.Context, r *adapter.Request) *adapter.Response {
				change(r)
				return next(ctx, r)
			}
		}
	}
}

// onContext changes the contexts that the app gets.
func onContext(change func(ctx context.Context) context.Context) func(ref *reference) {
	return func(ref *reference) {
		ref.do = func(next doFunc) doFunc {
			return func(ctx context.Context, r *adapter.Request) *adapter.Response { return next(change(ctx), r) }
		}
	}
}

// onResponse changes the responses of the app.
func onResponse(change func(r *adapter.Response)) func(ref *reference) {
	return func(ref *reference) {
		ref.do = func(next doFunc) doFunc {
			return func(ctx context.Context, r *adapter.Request) *adapter.Response {
				resp := next(ctx, r)
				change(resp)
				return resp
			}
		}
	}
}

// onHandler changes the http.Handler.
func onHandler(change func(w http.ResponseWriter, r *http.Request, next http.Handler)) func(ref *reference) {
	return func(ref *reference) {
		ref.handler = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { change(w, r, next) })
		}
	}
}

// lengthless removes the Content-Length of a response.
type lengthless struct{ http.ResponseWriter }

func (w lengthless) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
}

// adding adds a second X-Inngest-Sdk to a response.
type adding struct {
	http.ResponseWriter
}

func (a *adding) WriteHeader(status int) {
	a.Header().Add("X-Inngest-Sdk", "another")
	a.ResponseWriter.WriteHeader(status)
}

// reuse keeps the queries of all requests in the same memory.
func reuse() func(ref *reference) {
	memory := make([]byte, 1<<10)
	return onRequest(func(r *adapter.Request) {
		used := copy(memory, r.RawQuery)
		r.RawQuery = unsafe.String(&memory[0], used)
	})
}

// valuesOfAll stores the values of all requests in one place.
func valuesOfAll() func(ref *reference) {
	var tenant atomic.Value
	return func(ref *reference) {
		ref.values = func(r *http.Request) context.Context {
			tenant.Store(r.Header.Get(adaptertest.TenantHeader))
			return lookup{storedValues(r), func(key any) any {
				if key == adaptertest.TenantKey {
					return tenant.Load()
				}
				return nil
			}}
		}
	}
}

// storeUsedAgain looks values up in a store that the next request reuses.
func storeUsedAgain() func(ref *reference) {
	var mu sync.Mutex
	store := map[any]any{}
	return func(ref *reference) {
		ref.values = func(r *http.Request) context.Context {
			mu.Lock()
			defer mu.Unlock()
			store[adaptertest.PageKey] = r.URL.Query().Get(adaptertest.PageQuery)
			return lookup{storedValues(r), func(key any) any {
				mu.Lock()
				defer mu.Unlock()
				return store[key]
			}}
		}
	}
}

// lookup is a context that looks values up elsewhere first.
type lookup struct {
	context.Context

	value func(key any) any
}

func (l lookup) Value(key any) any {
	if v := l.value(key); v != nil {
		return v
	}
	return l.Context.Value(key)
}
