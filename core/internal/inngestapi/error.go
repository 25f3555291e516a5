package inngestapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
)

// Error is a request that failed.
type Error struct {
	// Status is that of the last response, 0 if there was none.
	Status int
	// Message is the explanation in the last response, or the beginning of its body.
	Message string
	// FromInngest reports whether the response explains the failure in the way of Inngest
	// servers. Otherwise it may be from a proxy, or from another server.
	FromInngest bool
	// RetryAfter is the wait that the last response requested, 0 if it did not.
	RetryAfter time.Duration
	// Uncertain reports whether the request may have taken effect nonetheless.
	Uncertain bool
	// Err is the network error or the end of the context, if one of them is the cause.
	Err error
	// Cure is what to do about it, "" if nothing is known.
	Cure string
}

// Error implements error.
func (e *Error) Error() string {
	var parts []string
	if e.Status != 0 {
		parts = append(parts, "the server responded with "+statusText(e.Status))
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	text := strings.Join(parts, ": ")
	if e.Unauthorized() {
		text += "; check SigningKey (INNGEST_SIGNING_KEY)"
	}
	if e.Cure != "" {
		text += "; " + e.Cure
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Refused reports whether the server responded and did not do what was requested.
func (e *Error) Refused() bool { return e.Err == nil && e.Status >= http.StatusMultipleChoices }

// Unauthorized reports whether the server refused the key.
func (e *Error) Unauthorized() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// statusText returns a status in the form of a status line: "502 Bad Gateway".
func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// result returns the body of a 2xx response that is JSON, or empty where the request allows
// that, and the error of any other response.
func (c *Client) result(r request, resp response) ([]byte, *Error) {
	if resp.ok() && (json.Valid(resp.body) || (r.mayBeEmpty && len(resp.body) == 0)) {
		return resp.body, nil
	}
	err := &Error{Status: resp.status, RetryAfter: resp.retryAfter, Uncertain: resp.uncertain, Err: resp.err}
	if resp.ok() {
		err.Message = notInngest
		return nil, err
	}
	err.Message, err.FromInngest = explanation(resp.body)
	err.Message = c.secrets.Text(err.Message)
	err.Cure = c.cure(r, resp, err.FromInngest)
	return nil, err
}

// explanation returns the error message in the body of a response. Without one it returns
// the beginning of the body, and that the response is not from an Inngest server.
func explanation(body []byte) (message string, fromInngest bool) {
	var explained struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &explained) // otherwise both are ""
	switch {
	case explained.Error != "":
		return explained.Error, true
	case explained.Message != "":
		return explained.Message, false
	default:
		return strings.TrimSpace(string(body[:min(len(body), maxQuoted)])), false
	}
}

// notInngest is the message for a 2xx response that no Inngest server writes.
const notInngest = "the response did not come from an Inngest server: it is not the JSON that one writes; " +
	"check BaseURL (INNGEST_BASE_URL)"

// cure returns what to do about a response that does not explain itself, or about none.
func (c *Client) cure(r request, resp response, explained bool) string {
	switch {
	case httpclient.NeverSent(resp.err):
		return c.startServer(r.to)
	case !explained && (resp.status == http.StatusNotFound || resp.status == http.StatusMethodNotAllowed):
		return fmt.Sprintf("%s does not look like an Inngest server: %s responded with %s; check BaseURL (INNGEST_BASE_URL)",
			r.to, r, statusText(resp.status))
	default:
		return ""
	}
}

// startServer returns what to do if nothing listens at a host.
func (c *Client) startServer(h Host) string {
	if c.dev {
		return fmt.Sprintf("is the dev server running at %s? Start it with inngest-dev (or npx inngest-cli@latest dev), "+
			"or check BaseURL (INNGEST_BASE_URL)", h)
	}
	return fmt.Sprintf("does the Inngest server listen at %s? Check BaseURL (INNGEST_BASE_URL)", h)
}

// tooLargeError reports a response above the limit of its request.
type tooLargeError struct{ limit int64 }

// Error implements error.
func (e *tooLargeError) Error() string {
	return fmt.Sprintf("the response has more than %d bytes", e.limit)
}

// redirectError reports a redirect that turned a request into a GET: net/http does so for
// 301, 302 and 303, as browsers do. The body of the request is lost.
type redirectError struct {
	status int    // of the redirect
	method string // of the request
	base   string // the target of the GET, without its path, which may be the event key
}

// Error implements error.
func (e *redirectError) Error() string {
	return fmt.Sprintf("a redirect to %s turned the %s into a GET, so nothing was sent; "+
		"set BaseURL (INNGEST_BASE_URL) to the server's own URL, or redirect with 307 or 308", e.base, e.method)
}

// redirectedAs returns the redirect that changed the method of a request, nil if none did.
func redirectedAs(resp *http.Response, method string) *redirectError {
	last := resp.Request // nil from some transports of tests
	if last == nil || last.Method == method || last.Response == nil {
		return nil
	}
	return &redirectError{last.Response.StatusCode, method, last.URL.Scheme + "://" + last.URL.Host}
}
