package inngestkit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
	"github.com/inngestkit/inngestkit/core/internal/safe"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// refuse logs a bad request of the server, or in dev mode of anyone, and returns the
// response to it.
func (a *App) refuse(req *adapter.Request, status int, message string) *adapter.Response {
	a.config.Logger.Warn("inngest: request refused",
		"method", req.Method, "path", req.Path, "status", status, "error", message)
	return fail(req, status, message, false)
}

// refuseStranger is refuse for requests that anyone can make.
func (a *App) refuseStranger(req *adapter.Request, why cause, status int, message string) *adapter.Response {
	a.logRefusal(req, why, status, message)
	return fail(req, status, message, false)
}

// errSignedEmpty replaces [signing.ErrMismatch] for an empty body.
var errSignedEmpty = fmt.Errorf("the signature does not match the body: %w", envelope.ErrEmpty)

// refuseUnsigned refuses a request without a valid signature. The log gets more advice
// than the response, because strangers do not configure the app.
func (a *App) refuseUnsigned(req *adapter.Request, err error) *adapter.Response {
	why, advice := wrongSignature, err.Error()
	switch {
	case errors.Is(err, signing.ErrMissing):
		why = unsigned
		if req.Method == http.MethodPut && req.Header.Get(headerServerKind) != "dev" {
			advice += "; to sync without the server, use App.Sync, or let anyone do it with " +
				"AllowUnsignedSync (INNGEST_ENABLE_UNAUTHED_SYNC)"
		}
	case errors.Is(err, signing.ErrMalformed):
		why = malformedSignature
	case errors.Is(err, signing.ErrTime):
		why = untimelySignature
	}
	a.logRefusal(req, why, http.StatusUnauthorized, advice)
	return unauthorized(req, err.Error())
}

// refuseBrowser refuses requests from browsers, in dev mode. Any site that the
// developer visits could otherwise have the app execute functions, even under a host
// name that the site owns. Browsers send Origin with every POST and PUT, and most send
// Sec-Fetch-Site; servers send neither.
func (a *App) refuseBrowser(req *adapter.Request) *adapter.Response {
	site := req.Header.Get("Sec-Fetch-Site")
	if req.Header.Get("Origin") == "" && (site == "" || site == "none") {
		return nil
	}
	return a.refuseStranger(req, fromBrowser, http.StatusForbidden,
		"this comes from a browser (it has the header Origin or Sec-Fetch-Site), and in dev mode, where nothing is signed, "+
			"that could be any website; only the Inngest server calls or syncs the app")
}

// refuseRedirected refuses a GET that was a call or a sync before a redirect with 301,
// 302 or 303. The server follows those and keeps the query and the body. It would treat
// the introspection as the result of the function, or as a successful sync. For a sync
// it does the same with most errors, but not with a 400.
func (a *App) refuseRedirected(req *adapter.Request) *adapter.Response {
	query, _ := url.ParseQuery(req.RawQuery) // the part that can be parsed
	if !query.Has("fnId") && req.ContentLength <= 0 {
		return nil
	}
	return a.refuseStranger(req, redirected, http.StatusBadRequest, "a redirect has made "+req.Method+
		" of a call or a sync; let the server call the final URL (ServeHost, ServePath), or redirect with 307 or 308")
}

// panicked logs a panic that nothing else has recovered, and returns the response.
func (a *App) panicked(req *adapter.Request, recovered any) *adapter.Response {
	a.logPanic(req, recovered)
	return fail(req, http.StatusInternalServerError, "internal error; see the app's log", false)
}

func (a *App) logPanic(req *adapter.Request, recovered any) {
	a.config.Logger.Error("inngest: request panicked",
		"method", req.Method, "path", req.Path, "panic", safe.Sprint(recovered), "stack", string(debug.Stack()))
}

// drainRetryAfter is the Retry-After header, in seconds, of calls that arrive during a
// shutdown or have waited for a free place in vain.
const drainRetryAfter = "2"

func shuttingDown(req *adapter.Request) *adapter.Response {
	return retryLater(req, "the app is shutting down; the server retries the call")
}

// retryLater returns the response to a request that the server is to retry shortly.
func retryLater(req *adapter.Request, message string) *adapter.Response {
	resp := fail(req, http.StatusServiceUnavailable, message, false)
	resp.Header.Set(headerRetryAfter, drainRetryAfter)
	return resp
}

// A cause is why the app refuses a request that anyone can make.
type cause int

const (
	unsigned cause = iota
	malformedSignature
	untimelySignature
	wrongSignature
	tooLarge
	crowded
	unreadable
	redirected
	fromBrowser
	unsignedSyncFailed

	causes // the number of causes
)

// refusalsEvery is the shortest time between two log lines with the same cause, so
// that a flood of requests does not fill the disk.
const refusalsEvery = time.Minute

// refusals counts, for each cause, the refusals that have not been logged.
type refusals struct {
	mu    sync.Mutex
	since [causes]struct {
		logged time.Time
		more   int
	}
}

// count counts a refusal. It reports whether to log it, and how many with the same
// cause have not been logged since the last one that was.
func (r *refusals) count(why cause, now time.Time) (log bool, more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.since[why]
	if !s.logged.IsZero() && now.Sub(s.logged) < refusalsEvery {
		s.more++
		return false, 0
	}
	more, s.logged, s.more = s.more, now, 0
	return true, more
}

// rest returns how many refusals have not been logged, and resets their number.
func (r *refusals) rest() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := 0
	for i := range r.since {
		rest += r.since[i].more
		r.since[i].more = 0
	}
	return rest
}

// logRefusal logs the refusal of a request that anyone can make, once a minute for each
// cause.
func (a *App) logRefusal(req *adapter.Request, why cause, status int, message string) {
	log, more := a.refusals.count(why, time.Now())
	if !log {
		return
	}
	l := a.config.Logger
	if more > 0 {
		l = l.With("not_logged_since", more)
	}
	l.Warn("inngest: request refused", "method", req.Method, "path", req.Path, "status", status, "error", message)
}

// logRestOfRefusals logs, after the shutdown, how many refusals were not logged.
func (a *App) logRestOfRefusals() {
	if rest := a.refusals.rest(); rest > 0 {
		a.config.Logger.Warn("inngest: more requests were refused for reasons that were logged before", "not_logged_since", rest)
	}
}
