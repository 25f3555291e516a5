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

// routes are the endpoints, for all frameworks.
func (h *Health) routes() []adapter.Route {
	return []adapter.Route{
		{Path: cmp.Or(h.path, "/"), Do: h.serveReport},
		{Path: h.path + "/" + h.livenessName, Do: h.serveLive},
		{Path: h.path + "/" + h.readinessName, Do: h.serveReady},
	}
}

// Handler answers with the report, to be mounted where the app's adapter does not.
func (h *Health) Handler() http.Handler { return adapter.HTTPHandler("", h.serveReport) }

// LiveHandler is the probe for liveness, to be mounted where the app's adapter does
// not.
func (h *Health) LiveHandler() http.Handler { return adapter.HTTPHandler("", h.serveLive) }

// ReadyHandler is the probe for readiness, to be mounted where the app's adapter does
// not.
func (h *Health) ReadyHandler() http.Handler { return adapter.HTTPHandler("", h.serveReady) }

func (h *Health) serveLive(_ context.Context, req *adapter.Request) *adapter.Response {
	return answer(req, newReport)
}

func (h *Health) serveReady(_ context.Context, req *adapter.Request) *adapter.Response {
	return answer(req, h.readiness)
}

// answer answers a probe, as JSON.
func answer(req *adapter.Request, look func() Report) *adapter.Response {
	if refusal := refuseMethod(req); refusal != nil {
		return refusal
	}
	r := look()
	return respondJSON(r.Status.httpStatus(), r)
}

// httpStatus is the HTTP status of a report.
func (s Status) httpStatus() int {
	if s == StatusOK {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

// serveReport answers with the report: as a page to browsers, as JSON to all others.
func (h *Health) serveReport(ctx context.Context, req *adapter.Request) *adapter.Response {
	if refusal := refuseMethod(req); refusal != nil {
		return refusal
	}
	asked, err := h.asksForDetails(req)
	if err != nil {
		return problem(http.StatusBadRequest, err.Error())
	}
	shown := h.details == DetailsAlways || asked
	if shown && !h.isAuthorized(ctx, req) {
		if asked {
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

// asksForDetails reports whether the query asks for what it can have.
func (h *Health) asksForDetails(req *adapter.Request) (bool, error) {
	if h.details == DetailsNever {
		return false, nil
	}
	query, _ := url.ParseQuery(req.RawQuery) // what can be read of it
	value := query.Get("details")
	if value == "" {
		return query.Has("details"), nil
	}
	asked, err := strconv.ParseBool(value)
	if err != nil {
		return false, errors.New("details is neither true nor false in the query")
	}
	return asked, nil
}

// isAuthorized asks the user's function.
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

// unauthorized answers who may not see the details and has asked for them.
func (h *Health) unauthorized() *adapter.Response {
	if !h.basicAuth {
		return problem(http.StatusForbidden, "the details are not for everybody; ask without them")
	}
	resp := problem(http.StatusUnauthorized, "the details are not for everybody; ask without them, or with a password")
	resp.Header["Www-Authenticate"] = []string{`Basic realm="health", charset="UTF-8"`} // browsers ask for it then
	return resp
}

// checkPassword makes a function that wants a name and a password.
func checkPassword(username, password string) func(context.Context, *adapter.Request) bool {
	// Sums, because the comparison takes as long as the shorter one is.
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

// problem answers a request that is wrong.
func problem(status int, message string) *adapter.Response {
	return respondJSON(status, struct {
		Message string `json:"message"`
	}{message})
}

func respondJSON(status int, v any) *adapter.Response {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // nothing in there cannot be encoded
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
