package inngestkit

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// HTTPHandler returns a handler that answers with do, which is the Do of an [App]
// or of a [Route]. It is the translation that adapters for frameworks on net/http
// share; framework is the name that Inngest is told. While do runs, the WriteTimeout of
// the server is lifted.
func HTTPHandler(framework string, do func(context.Context, *Request) *Response) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := schemeHTTP
		if r.TLS != nil {
			scheme = schemeHTTPS
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
			// Nothing else tells the end of a large answer from a broken connection there.
			w.Header().Set("Content-Length", strconv.Itoa(len(resp.Body)))
		}
		w.WriteHeader(resp.Status)
		_, _ = w.Write(resp.Body) // a client that has hung up gets nothing; the server calls again
	})
}

// liftWriteTimeout takes the WriteTimeout of the server, which begins before the
// handler does, off a request: a step may take longer than it takes to write an
// answer. It returns the timeout that stays in force, 0 if none does, and what sets
// it again for writing, in place of any deadline that middleware has set.
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

// receivedPath is the path that the client asked for, also below http.StripPrefix
// and whatever else changes the URL on its way here.
func receivedPath(r *http.Request) string {
	if rest, ok := strings.CutPrefix(r.RequestURI, r.URL.Path); ok && (rest == "" || rest[0] == '?') {
		return r.URL.Path
	}
	received, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return r.URL.Path // a request that was not received but made
	}
	return received.Path
}
