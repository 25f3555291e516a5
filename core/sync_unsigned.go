package inngestkit

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

// unsignedSyncEvery is how often strangers can have the app synced at most. They
// share this, so that they keep neither the server nor App.Sync busy.
const unsignedSyncEvery = 5 * time.Second

// unsignedSyncs lets one sync at a time through.
type unsignedSyncs struct {
	mu      sync.Mutex
	running bool
	next    time.Time
}

// begin reports whether a sync may begin, or how long to wait.
func (u *unsignedSyncs) begin(now time.Time) (wait time.Duration, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.running:
		return unsignedSyncEvery, false
	case now.Before(u.next):
		return u.next.Sub(now), false
	}
	u.running = true
	return 0, true
}

func (u *unsignedSyncs) end(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.running, u.next = false, now.Add(unsignedSyncEvery)
}

// doUnsignedSync answers a PUT that anybody can make; see
// [Config.AllowUnsignedSync]. Nothing of the request goes into what is announced
// but its path, and nothing of what the server says goes into the answer.
func (a *App) doUnsignedSync(ctx context.Context, req *Request) *Response {
	if !a.gate.Enter() {
		return shuttingDown(req)
	}
	defer a.gate.Leave()
	if wait, ok := a.unsigned.begin(time.Now()); !ok {
		resp := fail(req, http.StatusTooManyRequests, "the app has just been synced, or is being synced", false)
		seconds := (wait + time.Second - 1) / time.Second
		resp.Header[headerRetryAfter] = []string{strconv.Itoa(int(seconds))}
		return resp
	}
	defer func() { a.unsigned.end(time.Now()) }()
	modified, err := a.syncAsAsked(ctx, req)
	if err != nil {
		a.logRefusal(req, unsignedSyncFailed, http.StatusInternalServerError, err.Error())
		return syncNotDone(req, http.StatusInternalServerError, "the app could not be synced; see its log")
	}
	return syncDone(req, modified)
}

// syncAsAsked announces the app at its configured host.
func (a *App) syncAsAsked(ctx context.Context, req *Request) (modified bool, err error) {
	asked, err := a.requested(req)
	if err != nil {
		return false, err
	}
	return a.register(ctx, a.announced(asked), inngestapi.Registration{Framework: req.Framework})
}
