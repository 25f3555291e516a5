package inngestkit

import (
	"net/http"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// cause is why a request is refused that anybody can make.
type cause int

const (
	unsigned cause = iota
	malformedSignature
	untimelySignature
	wrongSignature
	tooLarge
	unreadable
	redirected
	fromBrowser
	unsignedSyncFailed

	causes // how many there are
)

// refusalsEvery is how often a cause is logged at most, so that a flood of requests
// does not fill the disk.
const refusalsEvery = time.Minute

// refusals counts what was refused and not logged, for each cause.
type refusals struct {
	mu    sync.Mutex
	since [causes]struct {
		logged time.Time
		more   int
	}
}

// count notes a refusal. It reports whether to log it, and how many of the same
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

// rest is how many refusals have not been logged yet.
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

// logRefusal logs a request that anybody can make, once a minute for each cause.
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

// logRestOfRefusals logs, at the end, how many refusals were not.
func (a *App) logRestOfRefusals() {
	if rest := a.refusals.rest(); rest > 0 {
		a.config.Logger.Warn("inngest: more requests were refused for reasons that were logged before", "not_logged_since", rest)
	}
}

// refuseStranger is refuse for requests that anybody can make.
func (a *App) refuseStranger(req *adapter.Request, why cause, status int, message string) *adapter.Response {
	a.logRefusal(req, why, status, message)
	return fail(req, status, message, false)
}

// refuseUnsigned answers a request without a good signature. advice is for the log.
func (a *App) refuseUnsigned(req *adapter.Request, err *signatureError) *adapter.Response {
	advice := err.message
	if err.cause == unsigned && req.Method == http.MethodPut && req.Header.Get(headerServerKind) != "dev" {
		advice += "; to sync without the server, use App.Sync, or let anybody do it with " +
			"AllowUnsignedSync (INNGEST_ENABLE_UNAUTHED_SYNC)"
	}
	a.logRefusal(req, err.cause, http.StatusUnauthorized, advice)
	return unauthorized(req, err.message)
}
