package adapter

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// HTTPHandler returns an http.Handler that calls do, which is the Do of an App or of
// a [Route]. Adapters for frameworks on net/http share it. The name of the framework
// is reported to Inngest. HTTPHandler lifts the WriteTimeout of the http.Server while
// do runs.
func HTTPHandler(framework string, do Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		writeTimeout, restore := liftWriteTimeout(w, r)
		resp := do(r.Context(), &Request{
			Method:        r.Method,
			Scheme:        scheme,
			Host:          r.Host,
			Path:          receivedPath(r),
			RawQuery:      r.URL.RawQuery,
			Header:        r.Header,
			Body:          r.Body,
			ContentLength: r.ContentLength,
			WriteTimeout:  writeTimeout,
			Framework:     framework,
		})
		restore()
		maps.Copy(w.Header(), resp.Header)
		if !r.ProtoAtLeast(1, 1) {
			// HTTP/1.0 has no chunks: without the length, a client could not distinguish the end
			// of a large response from a broken connection.
			w.Header().Set("Content-Length", strconv.Itoa(len(resp.Body)))
		}
		w.WriteHeader(resp.Status)
		_, _ = w.Write(resp.Body) // if the client has hung up, the server calls again
	})
}

// liftWriteTimeout removes the server's WriteTimeout from a request: the timeout
// starts before the handler does, and a step may run for longer. stays is the timeout
// that could not be removed, 0 for none. restore starts the timeout again for writing
// and replaces any deadline that middleware has set.
func liftWriteTimeout(w http.ResponseWriter, r *http.Request) (stays time.Duration, restore func()) {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if server == nil || server.WriteTimeout <= 0 {
		return 0, func() {}
	}
	c := http.NewResponseController(w)
	if c.SetWriteDeadline(time.Time{}) != nil {
		return server.WriteTimeout, func() {}
	}
	return 0, func() { _ = c.SetWriteDeadline(time.Now().Add(server.WriteTimeout)) }
}

// receivedPath returns the path that the client requested, even if http.StripPrefix or
// a router has changed r.URL.
func receivedPath(r *http.Request) string {
	if rest, ok := strings.CutPrefix(r.RequestURI, r.URL.Path); ok && (rest == "" || rest[0] == '?') {
		return r.URL.Path
	}
	received, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return r.URL.Path // the program made this request itself
	}
	return received.Path
}
