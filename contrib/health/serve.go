package inngesthealth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// routes returns the endpoints for adapters to mount.
func (h *Health) routes() []adapter.Route {
	return []adapter.Route{
		{Path: cmp.Or(h.path, "/"), Do: h.serveReport},
		{Path: h.path + "/" + h.livenessName, Do: h.serveLive},
		{Path: h.path + "/" + h.readinessName, Do: h.serveReady},
	}
}

// Handler serves the report. Use it where the app's adapter does not mount the
// endpoints.
func (h *Health) Handler() http.Handler { return adapter.HTTPHandler("", h.serveReport) }

// LiveHandler serves the liveness probe. Use it where the app's adapter does not mount
// the endpoints.
func (h *Health) LiveHandler() http.Handler { return adapter.HTTPHandler("", h.serveLive) }

// ReadyHandler serves the readiness probe. Use it where the app's adapter does not
// mount the endpoints.
func (h *Health) ReadyHandler() http.Handler { return adapter.HTTPHandler("", h.serveReady) }

func (h *Health) serveLive(_ context.Context, req *adapter.Request) *adapter.Response {
	return respondProbe(req, newReport)
}

func (h *Health) serveReady(_ context.Context, req *adapter.Request) *adapter.Response {
	return respondProbe(req, h.readiness)
}

// respondProbe responds to a probe with JSON.
func respondProbe(req *adapter.Request, look func() Report) *adapter.Response {
	if refusal := refuseMethod(req); refusal != nil {
		return refusal
	}
	r := look()
	return respondJSON(r.Status.httpStatus(), r)
}

// httpStatus returns the HTTP status of a report.
func (s Status) httpStatus() int {
	if s == StatusOK {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

// serveReport responds with the report: a page for browsers, JSON for other clients.
func (h *Health) serveReport(ctx context.Context, req *adapter.Request) *adapter.Response {
	if refusal := refuseMethod(req); refusal != nil {
		return refusal
	}
	requested, err := h.requestsDetails(req)
	if err != nil {
		return problem(http.StatusBadRequest, err.Error())
	}
	shown := h.details == DetailsAlways || requested
	if shown && !h.isAuthorized(ctx, req) {
		if requested {
			return h.unauthorized()
		}
		shown = false
	}
	var r Report
	if shown {
		r = h.DetailedReport()
	} else {
		r = h.Report()
	}
	if !prefersHTML(req.Header["Accept"]) {
		return respondJSON(r.Status.httpStatus(), r)
	}
	info := pageInfo{AppID: h.app.ID(), Time: time.Now()}
	if h.details != DetailsNever && !shown {
		info.DetailsURL = "?details=true"
	}
	resp := respond(r.Status.httpStatus(), "text/html; charset=utf-8", page(r, info))
	resp.Header["Content-Security-Policy"] = []string{pageCSP}
	resp.Header["Referrer-Policy"] = []string{"no-referrer"}
	return resp
}

// requestsDetails reports whether the query requests details.
func (h *Health) requestsDetails(req *adapter.Request) (bool, error) {
	if h.details == DetailsNever {
		return false, nil
	}
	query, _ := url.ParseQuery(req.RawQuery) // uses the part that can be parsed
	value := query.Get("details")
	if value == "" {
		return query.Has("details"), nil
	}
	requested, err := strconv.ParseBool(value)
	if err != nil {
		return false, errors.New("the query parameter details must be true or false")
	}
	return requested, nil
}

// isAuthorized calls the user's function.
func (h *Health) isAuthorized(ctx context.Context, req *adapter.Request) (authorized bool) {
	if h.authorized == nil {
		return true
	}
	defer func() {
		if r := recover(); r != nil {
			h.app.Logger().Error("inngest: the function given to inngesthealth.WithAuthorization panicked",
				"panic", printed(r), "stack", string(debug.Stack()))
			authorized = false
		}
	}()
	return h.authorized(ctx, req)
}

// unauthorized responds to a client that requests details without permission.
func (h *Health) unauthorized() *adapter.Response {
	if !h.basicAuth {
		return problem(http.StatusForbidden, "access to the details is denied; remove details from the query")
	}
	resp := problem(http.StatusUnauthorized, "the details need a password; send it, or remove details from the query")
	resp.Header["Www-Authenticate"] = []string{`Basic realm="health", charset="UTF-8"`} // makes browsers prompt for it
	return resp
}

// checkPassword returns a function that checks a request's name and password.
func checkPassword(username, password string) func(context.Context, *adapter.Request) bool {
	// Hashes have the same length, so the time of the comparison reveals nothing.
	name, secret := sha256.Sum256([]byte(username)), sha256.Sum256([]byte(password))
	return func(_ context.Context, req *adapter.Request) bool {
		givenName, givenSecret, ok := (&http.Request{Header: req.Header}).BasicAuth()
		n, s := sha256.Sum256([]byte(givenName)), sha256.Sum256([]byte(givenSecret))
		same := subtle.ConstantTimeCompare(n[:], name[:]) & subtle.ConstantTimeCompare(s[:], secret[:])
		return ok && same == 1
	}
}

func refuseMethod(req *adapter.Request) *adapter.Response {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return nil
	}
	resp := problem(http.StatusMethodNotAllowed, "the method is not allowed here; use GET or HEAD")
	resp.Header["Allow"] = []string{"GET, HEAD"}
	return resp
}

// problem responds to an invalid request.
func problem(status int, message string) *adapter.Response {
	return respondJSON(status, struct {
		Message string `json:"message"`
	}{message})
}

func respondJSON(status int, v any) *adapter.Response {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // all types of responses can be encoded
	}
	return respond(status, "application/json", body)
}

func respond(status int, contentType string, body []byte) *adapter.Response {
	return &adapter.Response{Status: status, Body: body, Header: http.Header{
		"Content-Type":           {contentType},
		"Cache-Control":          {"no-store"},
		"Vary":                   {"Accept"},
		"X-Content-Type-Options": {"nosniff"},
	}}
}
