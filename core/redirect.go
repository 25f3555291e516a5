package inngestkit

import (
	"fmt"
	"net/http"
)

// redirectError says that a redirect has made a GET of a request to the server: with 301,
// 302 and 303 net/http does so, as browsers do. What the request had in its body is lost.
type redirectError struct {
	status int    // of the redirect
	method string // of the request
	base   string // where the GET went to, without a path, which may be the event key
}

// Error implements error.
func (e *redirectError) Error() string {
	return fmt.Sprintf("a redirect to %s has made GET of %s, and nothing was sent; "+
		"set BaseURL (INNGEST_BASE_URL) to where the server is, or redirect with 307 or 308", e.base, e.method)
}

// redirectedAs returns the redirect that has changed the method of a request, nil if none
// has.
func redirectedAs(resp *http.Response, method string) *redirectError {
	last := resp.Request // nil from some transports of tests
	if last == nil || last.Method == method || last.Response == nil {
		return nil
	}
	return &redirectError{last.Response.StatusCode, method, last.URL.Scheme + "://" + last.URL.Host}
}
