package inngestkit

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// HTTPHandler returns a handler that answers with do, which is the Do of an [App]
// or of a [Route]. It is the translation that adapters for frameworks on net/http
// share; framework is the name that Inngest is told.
func HTTPHandler(framework string, do func(context.Context, *Request) *Response) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := schemeHTTP
		if r.TLS != nil {
			scheme = schemeHTTPS
		}
		resp := do(r.Context(), &Request{
			Method:        r.Method,
			Scheme:        scheme,
			Host:          r.Host,
			Path:          receivedPath(r),
			RawQuery:      r.URL.RawQuery,
			Header:        r.Header,
			Body:          r.Body,
			ContentLength: r.ContentLength,
			Framework:     framework,
		})
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.Status)
		_, _ = w.Write(resp.Body) // a client that has hung up gets nothing; the server calls again
	})
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
