package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/inngest/inngestgo"
)

// Sync is a successful sync: the server knows the app's functions since then.
type Sync struct {
	// Time is when it happened.
	Time time.Time
	// URL is where the server was told to call the app.
	URL string
	// Functions is the number of functions announced.
	Functions int
	// InBand is whether the functions went out in the answer to the server's
	// request and not by a request of ours.
	InBand bool
}

// syncer remembers the last sync and lets one sync run at a time.
type syncer struct {
	running sync.Mutex

	mu    sync.Mutex
	last  *Sync
	first chan struct{} // closed by the first sync
}

func (s *syncer) init() { s.first = make(chan struct{}) }

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
		return fmt.Errorf("inngestkit: the app was not synced: %w", context.Cause(ctx))
	}
}

// doSync answers a PUT. A request that asks for it is answered with the
// functions themselves (in band); otherwise they are sent to the server's API
// (out of band), as self-hosted servers and the dev server want it.
func (a *App) doSync(ctx context.Context, req *Request) *Response {
	body, err := a.readBody(req)
	if err != nil {
		return a.refuse(req, http.StatusRequestEntityTooLarge, "the body could not be read: "+err.Error())
	}
	var key []byte
	signature := req.Header(headerSignature)
	if !a.config.Dev && (signature != "" || !a.config.AllowUnsignedSync) {
		if key, err = a.verifier.verify(signature, body, time.Now()); err != nil {
			a.config.Logger.Warn("inngest: sync refused", "error", err)
			return unauthorized(req, err.Error())
		}
	}
	if wantsInBand(req) {
		return a.syncInBand(req, body, key)
	}
	return a.syncOutOfBand(ctx, req)
}

// wantsInBand reports how a sync is asked for. Servers say so in a header; what
// signs and says nothing, not even which kind of server it is, is taken as the
// SDK takes it.
func wantsInBand(req *Request) bool {
	switch req.Header(headerSyncKind) {
	case inngestgo.SyncKindInBand:
		return true
	case inngestgo.SyncKindOutOfBand:
		return false
	default:
		return req.Header(headerSignature) != "" && req.Header(headerServerKind) == ""
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

func (a *App) syncInBand(req *Request, body, key []byte) *Response {
	var asked struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return a.refuse(req, http.StatusBadRequest, "the body of the sync is not JSON: "+err.Error())
	}
	appURL, err := url.Parse(asked.URL)
	if err != nil || appURL.Host == "" {
		return a.refuse(req, http.StatusBadRequest, `the body of the sync has no "url"`)
	}
	appURL = a.announced(appURL)
	authenticated := key != nil
	functions := a.functionConfigs(appURL)
	resp := respond(req, http.StatusOK, mustJSON(inBandResponse{
		AppID:       a.config.AppID,
		AppVersion:  a.config.AppVersion,
		Env:         optional(a.config.Env),
		Framework:   optional(req.Framework),
		Functions:   functions,
		Inspection:  a.inspect(req.Framework, &authenticated),
		SDKAuthor:   inngestgo.SDKAuthor,
		SDKLanguage: inngestgo.SDKLanguage,
		SDKVersion:  inngestgo.SDKVersion,
		URL:         appURL.String(),
	}))
	resp.Header[headerSyncKind] = []string{inngestgo.SyncKindInBand}
	if key != nil {
		resp.Header[headerSignature] = []string{sign(key, resp.Body, time.Now())}
	}
	a.syncer.record(Sync{Time: time.Now(), URL: appURL.String(), Functions: len(functions), InBand: true})
	return resp
}

func (a *App) syncOutOfBand(ctx context.Context, req *Request) *Response {
	query, err := url.ParseQuery(req.RawQuery)
	if err != nil {
		return a.refuse(req, http.StatusBadRequest, "the query is malformed")
	}
	// The server's ID of this sync belongs into the request to it and not into
	// the URL of the app.
	syncID := query.Get("deployId")
	query.Del("deployId")
	appURL := a.announced(&url.URL{Scheme: req.Scheme, Host: req.Host, Path: req.Path, RawQuery: query.Encode()})
	modified, err := a.register(ctx, appURL, registration{
		framework: req.Framework, syncID: syncID, serverKind: req.Header(headerServerKind),
	})
	if err != nil {
		return a.refuse(req, http.StatusInternalServerError, err.Error())
	}
	resp := respond(req, http.StatusOK, mustJSON(map[string]any{"message": "Successfully synced.", "modified": modified}))
	resp.Header[headerSyncKind] = []string{inngestgo.SyncKindOutOfBand}
	return resp
}

// announced is the URL the server is told: u, with what the configuration fixes.
func (a *App) announced(u *url.URL) *url.URL {
	announced := *u
	if origin, err := url.Parse(a.config.serveOrigin()); err == nil && origin.Host != "" {
		announced.Scheme, announced.Host = origin.Scheme, origin.Host
	}
	if a.config.ServePath != "" {
		announced.Path = a.config.ServePath
	}
	return &announced
}

// serveOrigin is the configured origin of the app, "" if none is configured.
func (c Config) serveOrigin() string {
	switch {
	case c.ServeHost == "":
		return ""
	case strings.Contains(c.ServeHost, "://"):
		return c.ServeHost
	case strings.Contains(c.ServeHost, ":"):
		return "http://" + c.ServeHost
	default:
		return "http://" + c.ServeHost + ":" + strconv.Itoa(c.servePort())
	}
}

func (c Config) servePort() int {
	if c.ServePort == 0 {
		return defaultServePort
	}
	return c.ServePort
}

// registration is what a sync passes on from the request that asked for it.
type registration struct {
	framework  string
	syncID     string
	serverKind string
}

// register announces the functions to the server's API.
func (a *App) register(ctx context.Context, appURL *url.URL, r registration) (modified bool, err error) {
	a.syncer.running.Lock()
	defer a.syncer.running.Unlock()
	payload := a.registerPayload(appURL, r.framework)
	body := mustJSON(payload)
	resp, err := a.postRegister(ctx, body, r, a.config.SigningKey)
	if err == nil && a.config.SigningKeyFallback != "" &&
		(resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden) {
		_ = resp.Body.Close()
		resp, err = a.postRegister(ctx, body, r, a.config.SigningKeyFallback)
	}
	if err != nil {
		return false, fmt.Errorf("sync with %s: %w", a.config.server(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Modified bool   `json:"modified"`
		Error    string `json:"error"`
		Message  string `json:"message"`
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, a.config.MaxBodyBytes))
	if err != nil {
		return false, fmt.Errorf("sync with %s: reading the answer: %w", a.config.server(), err)
	}
	decodeErr := json.Unmarshal(raw, &answer)
	if resp.StatusCode >= http.StatusMultipleChoices {
		return false, fmt.Errorf("sync with %s: the server answered %s: %s",
			a.config.server(), resp.Status, firstOf(answer.Error, answer.Message, string(raw)))
	}
	if decodeErr != nil {
		return false, fmt.Errorf("sync with %s: this is no Inngest server, it answered without JSON", a.config.server())
	}
	a.syncer.record(Sync{Time: time.Now(), URL: appURL.String(), Functions: len(payload.Functions)})
	return answer.Modified, nil
}

func (a *App) postRegister(ctx context.Context, body []byte, r registration, key Secret) (*http.Response, error) {
	target := a.config.APIBaseURL + "/fn/register"
	if r.syncID != "" {
		target += "?" + url.Values{"deployId": {r.syncID}}.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	a.config.setHeaders(req, r.framework)
	if r.serverKind != "" {
		req.Header.Set(inngestgo.HeaderKeyExpectedServerKind, r.serverKind)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+hashedKey(key))
	}
	resp, err := a.config.HTTPClient.Do(req)
	return resp, withoutURL(err)
}

// setHeaders sets what every request to the server carries.
func (c Config) setHeaders(req *http.Request, framework string) {
	inngestgo.SetBasicRequestHeaders(req)
	req.Header.Set("User-Agent", "inngestkit/"+Version)
	if framework != "" {
		req.Header.Set(headerFramework, framework)
	}
	if c.Env != "" {
		req.Header.Set(inngestgo.HeaderKeyEnv, c.Env)
	}
}
