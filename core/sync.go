package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// Sync is a successful sync: the server knows the app's functions since then.
type Sync struct {
	// Time is when it happened.
	Time time.Time
	// URL is where the server was told to call the app, "" over [App.Connect].
	URL string
	// Functions is the number of functions announced.
	Functions int
	// InBand is whether the functions went out in the answer to the server's
	// request and not by a request of ours.
	InBand bool
	// Connect is whether they went out over the connection of [App.Connect].
	Connect bool
}

// syncer remembers the last sync and lets one sync run at a time.
type syncer struct {
	running chan struct{} // holds a value while a sync runs

	mu    sync.Mutex
	last  *Sync
	first chan struct{} // closed by the first sync
}

func (s *syncer) init() {
	s.running = make(chan struct{}, 1)
	s.first = make(chan struct{})
}

func (s *syncer) record(done Sync) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		close(s.first)
	}
	s.last = &done
}

// LastSync returns the last successful sync, and false if there was none yet.
func (a *App) LastSync() (Sync, bool) {
	a.syncer.mu.Lock()
	defer a.syncer.mu.Unlock()
	if a.syncer.last == nil {
		return Sync{}, false
	}
	return *a.syncer.last, true
}

// AwaitSync waits until the app has been synced once, and returns the cause of
// ctx's end if that comes first.
func (a *App) AwaitSync(ctx context.Context) error {
	select {
	case <-a.syncer.first:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("inngestkit: the app was not synced: %w", ctxerr.Cause(ctx))
	}
}

// doSync answers a PUT. A request that asks for it is answered with the
// functions themselves (in band); otherwise they are sent to the server's API
// (out of band), as self-hosted servers and the dev server want it.
func (a *App) doSync(ctx context.Context, req *Request) *Response {
	if a.config.AllowUnsignedSync && !a.config.Dev && req.Header.Get(headerSignature) == "" && !wantsInBand(req) {
		return a.doUnsignedSync(ctx, req)
	}
	body, key, refusal := a.readSigned(req, a.verifier.VerifyCanonical)
	if refusal != nil {
		return refusal
	}
	inBand := wantsInBand(req)
	var calledAt *url.URL
	// With ServeHost, a sync without a body can do no harm either.
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

// syncURL reads the URL that the server calls from the body of a sync. Every server
// puts it there, and what else is signed, calls and the app's own answer to a
// probe, has none: nothing but a sync can be used as a sync.
func syncURL(body []byte) (*url.URL, error) {
	var asked struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, fmt.Errorf("the body of the sync is not JSON: %w", err)
	}
	u, err := url.Parse(asked.URL)
	if err != nil || u.Host == "" || (u.Scheme != schemeHTTP && u.Scheme != schemeHTTPS) {
		return nil, errors.New(`the body of the sync has no "url", which is where the server calls the app`)
	}
	return u, nil
}

// wantsInBand reports how a sync is asked for. Servers say so in a header; what
// signs and says nothing, not even which kind of server it is, is taken as the
// SDK takes it.
func wantsInBand(req *Request) bool {
	switch req.Header.Get(headerSyncKind) {
	case inngestgo.SyncKindInBand:
		return true
	case inngestgo.SyncKindOutOfBand:
		return false
	default:
		return req.Header.Get(headerSignature) != "" && req.Header.Get(headerServerKind) == ""
	}
}

// inBandResponse is the answer to an in-band sync.
type inBandResponse struct {
	AppID       string           `json:"app_id"`
	AppVersion  string           `json:"app_version,omitempty"`
	Env         *string          `json:"env"`
	Framework   *string          `json:"framework"`
	Functions   []functionConfig `json:"functions"`
	Inspection  inspection       `json:"inspection"`
	Platform    *string          `json:"platform"`
	SDKAuthor   string           `json:"sdk_author"`
	SDKLanguage string           `json:"sdk_language"`
	SDKVersion  string           `json:"sdk_version"`
	URL         string           `json:"url"`
}

// syncInBand answers with the functions. The server calls the app at calledAt.
func (a *App) syncInBand(req *Request, calledAt *url.URL, key []byte) *Response {
	appURL := a.announced(calledAt)
	authenticated := key != nil
	functions := a.functionConfigs(appURL)
	resp := respond(req, http.StatusOK, mustJSON(inBandResponse{
		AppID:       a.config.AppID,
		AppVersion:  a.config.AppVersion,
		Env:         optional(a.config.Env),
		Framework:   optional(req.Framework),
		Functions:   functions,
		Inspection:  a.inspect(req.Framework, &authenticated),
		Platform:    optional(a.config.Platform),
		SDKAuthor:   inngestgo.SDKAuthor,
		SDKLanguage: inngestgo.SDKLanguage,
		SDKVersion:  inngestgo.SDKVersion,
		URL:         appURL.String(),
	}))
	resp.Header[headerSyncKind] = []string{inngestgo.SyncKindInBand}
	if key != nil {
		resp.Header[headerSignature] = []string{signing.Sign(key, resp.Body, time.Now())}
	}
	a.syncer.record(Sync{Time: time.Now(), URL: appURL.Redacted(), Functions: len(functions), InBand: true})
	return resp
}

// syncOutOfBand sends the functions to the server. Where the server calls the app
// it has signed; in dev mode calledAt is nil, and it is where the request came to.
func (a *App) syncOutOfBand(ctx context.Context, req *Request, calledAt *url.URL) *Response {
	query, err := url.ParseQuery(req.RawQuery)
	if err != nil {
		return a.syncFailed(req, http.StatusBadRequest, "the query is malformed")
	}
	// The server's ID of this sync is for the request to it and not for the URL of
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
	modified, err := a.register(ctx, appURL, inngestapi.Registration{
		Framework: req.Framework, SyncID: syncID, ServerKind: req.Header.Get(headerServerKind),
	})
	if err != nil {
		return a.syncFailed(req, http.StatusInternalServerError, err.Error())
	}
	return syncDone(req, modified)
}

// syncDone makes the answer to a sync that has reached the server.
func syncDone(req *Request, modified bool) *Response {
	resp := respond(req, http.StatusOK, mustJSON(map[string]any{"message": "Successfully synced.", "modified": modified}))
	resp.Header[headerSyncKind] = []string{inngestgo.SyncKindOutOfBand}
	return resp
}

// syncFailed logs and makes the answer to a sync that has changed nothing at the server.
func (a *App) syncFailed(req *Request, status int, message string) *Response {
	a.refuse(req, status, message)
	return syncNotDone(req, status, message)
}

// syncNotDone makes the answer to a sync that has changed nothing at the server.
func syncNotDone(req *Request, status int, message string) *Response {
	resp := fail(req, status, message, false)
	resp.Body = mustJSON(struct {
		errorBody

		Modified bool `json:"modified"`
	}{errorBody{Name: errorName, Message: message}, false})
	return resp
}
