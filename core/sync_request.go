package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"

	"github.com/inngestkit/inngestkit/core/adapter"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// doSync responds to a PUT, with which the server triggers a sync. In band, the response
// has the functions; out of band, which self-hosted servers and the dev server use, the
// app sends them to the server's API.
func (a *App) doSync(ctx context.Context, req *adapter.Request) *adapter.Response {
	if a.config.AllowUnsignedSync && !a.config.Dev && req.Header.Get(headerSignature) == "" && !wantsInBand(req) {
		return a.doUnsignedSync(ctx, req)
	}
	body, key, refusal := a.readSigned(ctx, req, a.verifier.VerifyCanonical)
	if refusal != nil {
		return refusal
	}
	inBand := wantsInBand(req)
	var calledAt *url.URL
	// With ServeHost, a sync without a body is harmless, too.
	if inBand || key != nil && (len(body) > 0 || a.config.ServeHost == "") {
		var err error
		if calledAt, err = syncURL(body); err != nil {
			return a.syncFailed(req, http.StatusBadRequest, err.Error())
		}
	}
	if !a.gate.Enter() {
		return shuttingDown(req)
	}
	defer a.gate.Leave()
	if inBand {
		return a.syncInBand(req, calledAt, key)
	}
	return a.syncOutOfBand(ctx, req, calledAt)
}

// wantsInBand reports which kind of sync a request triggers. Servers say so in a header.
// Without it, a signed request that does not name the kind of server either is in band, as
// for the SDK.
func wantsInBand(req *adapter.Request) bool {
	switch req.Header.Get(headerSyncKind) {
	case inngestgo.SyncKindInBand:
		return true
	case inngestgo.SyncKindOutOfBand:
		return false
	default:
		return req.Header.Get(headerSignature) != "" && req.Header.Get(headerServerKind) == ""
	}
}

// syncURL returns the URL at which the server calls the app, from the body of a sync.
// Every server sends it. The other signed bodies, of calls and of the app's own response to
// a probe, do not have it, so nobody can replay one of those as a sync.
func syncURL(body []byte) (*url.URL, error) {
	var request struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, fmt.Errorf("the body of the sync is not JSON: %w", err)
	}
	u, err := url.Parse(request.URL)
	if err != nil || u.Host == "" || (u.Scheme != schemeHTTP && u.Scheme != schemeHTTPS) {
		return nil, errors.New(`the body of the sync has no "url", which is where the server calls the app`)
	}
	return u, nil
}

// syncInBand responds with the functions. The server calls the app at calledAt. key is the
// key that signed the request, nil in dev mode.
func (a *App) syncInBand(req *adapter.Request, calledAt *url.URL, key []byte) *adapter.Response {
	appURL := a.announced(calledAt)
	authenticated := key != nil
	announced := a.manifest(appURL, req.Framework)
	inspection := a.settings(req.Framework).Inspect(&authenticated)
	resp := respond(req, http.StatusOK, mustJSON(announced.InBand(inspection)))
	resp.Header[headerSyncKind] = []string{inngestgo.SyncKindInBand}
	if key != nil {
		resp.Header[headerSignature] = []string{signing.Sign(key, resp.Body, time.Now())}
	}
	a.syncs.record(Sync{Time: time.Now(), URL: httpclient.ShownURL(appURL), Functions: len(announced.Functions), InBand: true})
	return resp
}

// syncOutOfBand sends the functions to the server. calledAt is the signed URL at which the
// server calls the app. It is nil in dev mode: then the URL of the request counts.
func (a *App) syncOutOfBand(ctx context.Context, req *adapter.Request, calledAt *url.URL) *adapter.Response {
	query, err := url.ParseQuery(req.RawQuery)
	if err != nil {
		return a.syncFailed(req, http.StatusBadRequest, "the query is malformed")
	}
	// The server's ID of this sync belongs in the request to the server, not in the URL of
	// the app.
	syncID := query.Get("deployId")
	if calledAt == nil {
		if calledAt, err = a.requested(req); err != nil {
			return a.syncFailed(req, http.StatusBadRequest, err.Error())
		}
	} else {
		query = calledAt.Query()
	}
	query.Del("deployId")
	calledAt.RawQuery = query.Encode()
	appURL := a.announced(calledAt)
	if appURL.Host == "" {
		return a.syncFailed(req, http.StatusBadRequest,
			"the request has no Host header; send it, or set ServeHost (INNGEST_SERVE_HOST)")
	}
	modified, err := a.announce(ctx, appURL, inngestapi.Announcement{
		Framework: req.Framework, SyncID: syncID, ServerKind: req.Header.Get(headerServerKind),
	})
	if err != nil {
		return a.syncFailed(req, http.StatusInternalServerError, err.Error())
	}
	return syncDone(req, modified)
}

// unsignedSyncEvery is the shortest time between two unsigned syncs. All strangers share
// it, so that they can keep neither the server nor App.Sync busy.
const unsignedSyncEvery = 5 * time.Second

// unsignedSyncs lets one unsigned sync run at a time.
type unsignedSyncs struct {
	mu      sync.Mutex
	running bool
	next    time.Time
}

// begin reports whether a sync may begin, and otherwise how long to wait.
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

// doUnsignedSync responds to a PUT that anyone can make; see [Config.AllowUnsignedSync].
// It announces only the path of the request, and does not show what the server responds.
func (a *App) doUnsignedSync(ctx context.Context, req *adapter.Request) *adapter.Response {
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
	var modified bool
	calledAt, err := a.requested(req)
	if err == nil {
		modified, err = a.announce(ctx, a.announced(calledAt), inngestapi.Announcement{Framework: req.Framework})
	}
	if err != nil {
		a.logRefusal(req, unsignedSyncFailed, http.StatusInternalServerError, err.Error())
		return syncNotDone(req, http.StatusInternalServerError, "the app could not be synced; see its log")
	}
	return syncDone(req, modified)
}

// syncDone returns the response to a sync that has reached the server.
func syncDone(req *adapter.Request, modified bool) *adapter.Response {
	resp := respond(req, http.StatusOK, mustJSON(map[string]any{"message": "Successfully synced.", "modified": modified}))
	resp.Header[headerSyncKind] = []string{inngestgo.SyncKindOutOfBand}
	return resp
}

// syncFailed logs why a sync has changed nothing at the server, and returns the response.
func (a *App) syncFailed(req *adapter.Request, status int, message string) *adapter.Response {
	a.refuse(req, status, message)
	return syncNotDone(req, status, message)
}

// syncNotDone returns the response to a sync that has changed nothing at the server.
func syncNotDone(req *adapter.Request, status int, message string) *adapter.Response {
	resp := fail(req, status, message, false)
	resp.Body = mustJSON(struct {
		errorBody

		Modified bool `json:"modified"`
	}{errorBody{Name: errorName, Message: message}, false})
	return resp
}
