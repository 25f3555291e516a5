package inngestkit

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// Do answers one request. It is all an adapter has to call, and it never panics.
//
//	GET, HEAD   introspection: what is configured, without secrets
//	PUT         sync: announces the functions to the server
//	POST        a call of a function, or a trust probe
//
// Other methods are answered with 405.
func (a *App) Do(ctx context.Context, req *adapter.Request) *adapter.Response {
	resp := a.answer(ctx, req)
	if a.config.Platform != "" && resp.Status != http.StatusUnauthorized { // see unauthorized
		resp.Header[headerPlatform] = []string{a.config.Platform}
	}
	return resp
}

// answer is Do without the platform.
func (a *App) answer(ctx context.Context, req *adapter.Request) (resp *adapter.Response) {
	defer func() {
		switch r := recover(); {
		case r != nil:
			resp = a.panicked(req, r)
		case resp == nil:
			a.config.Logger.Error("inngest: request left without an answer",
				"method", req.Method, "path", req.Path, "error", errNoEnd)
		}
	}()
	a.lookAround(ctx, req)
	switch req.Method {
	case http.MethodPost:
		return a.doPost(ctx, req)
	case http.MethodPut:
		return a.doSync(ctx, req)
	case http.MethodGet, http.MethodHead:
		if isRedirected(req) {
			return a.refuseStranger(req, redirected, http.StatusBadRequest, "a redirect has made "+req.Method+
				" of a call or a sync; let the server call the final URL (ServeHost, ServePath), or redirect with 307 or 308")
		}
		a.self.note(req)
		return a.doInspect(req)
	default:
		resp := fail(req, http.StatusMethodNotAllowed,
			fmt.Sprintf("method %s is not allowed here; Inngest uses GET, POST and PUT", req.Method), true)
		resp.Header.Set("Allow", "GET, HEAD, POST, PUT")
		return resp
	}
}

// isRedirected reports whether a GET was a call or a sync before a redirect with 301,
// 302 or 303. The server follows those and keeps the query and the body; it would
// take what the app says of itself for the result of the function, or for a
// successful sync. It does so with most errors of a sync, but not with a 400.
func isRedirected(req *adapter.Request) bool {
	query, _ := url.ParseQuery(req.RawQuery) // what can be read of it
	return query.Has("fnId") || req.ContentLength > 0
}

// panicked logs a panic that nothing else has recovered, and answers for it.
func (a *App) panicked(req *adapter.Request, recovered any) *adapter.Response {
	a.logPanic(req, recovered)
	return fail(req, http.StatusInternalServerError, "internal error; see the app's log", false)
}

func (a *App) logPanic(req *adapter.Request, recovered any) {
	a.config.Logger.Error("inngest: request panicked",
		"method", req.Method, "path", req.Path, "panic", safe.Sprint(recovered), "stack", string(debug.Stack()))
}

// doPost checks a call before anything of it is believed: signature, size, form.
func (a *App) doPost(ctx context.Context, req *adapter.Request) *adapter.Response {
	query, err := url.ParseQuery(req.RawQuery)
	if err != nil {
		return fail(req, http.StatusBadRequest, "the query is malformed", false)
	}
	// What has a function's ID is a call, also if the app is synced with a URL that
	// has probe=trust in it: a probe's answer would count as the function's result.
	if query.Get("probe") == "trust" && !query.Has("fnId") {
		return a.doTrustProbe(req)
	}
	body, _, refusal := a.readSigned(req, anyBody)
	if refusal != nil {
		return refusal
	}
	return a.execute(ctx, req, query.Get("fnId"), query.Get("stepId"), body)
}

// execute executes a call whose body is known to come from the server.
func (a *App) execute(ctx context.Context, req *adapter.Request, functionID, stepID string, body []byte) *adapter.Response {
	e, err := parseEnvelope(body)
	if err != nil {
		return a.refuse(req, http.StatusBadRequest, err.Error())
	}
	f := a.registry.Load().byID[functionID]
	if f == nil {
		return a.refuse(req, http.StatusGone, fmt.Sprintf(
			"function %q is not registered in app %q; sync the app again, after all its instances have been replaced",
			functionID, a.config.AppID))
	}
	// Neither strangers nor nonsense get here, so they take nobody's place and
	// cannot hold up a shutdown.
	if refusal := a.admit(ctx, req); refusal != nil {
		return refusal
	}
	defer a.gate.leaveCall()
	if e.UseAPI {
		if err := a.fetchState(ctx, e); err != nil {
			return a.refuse(req, http.StatusInternalServerError, err.Error())
		}
	}
	return f.call(ctx, req, e, stepID)
}

// bodyKind is how the server signs a body.
type bodyKind bool

const (
	anyBody   bodyKind = false // as it is sent
	smallBody bodyKind = true  // see verifier.verifySmall
)

// readSigned reads the body of a request and verifies its signature. It returns the
// bytes that were signed and the key, or the answer to give. What shows in the
// header is looked at before anything of the body is read. In dev mode nothing is
// signed, but what browsers send is refused.
func (a *App) readSigned(req *adapter.Request, kind bodyKind) (body, key []byte, refusal *adapter.Response) {
	if a.config.Dev {
		if refusal := a.refuseBrowser(req); refusal != nil {
			return nil, nil, refusal
		}
		body, refusal = a.readBody(req)
		return body, nil, refusal
	}
	signature, err := parseSignature(req.Header.Get(headerSignature), time.Now())
	if err != nil {
		return nil, nil, a.refuseUnsigned(req, err)
	}
	if body, refusal = a.readBody(req); refusal != nil {
		return nil, nil, refusal
	}
	if kind == smallBody {
		body, key = a.verifier.verifySmall(signature, body)
	} else {
		key = a.verifier.verify(signature, body)
	}
	switch {
	case key != nil:
		return body, key, nil
	case len(body) == 0:
		return nil, nil, a.refuseUnsigned(req, errSignedEmpty)
	default:
		return nil, nil, a.refuseUnsigned(req, errWrongSignature)
	}
}

// refuseBrowser refuses what a browser sends, in dev mode: any site that the
// developer visits could have the app execute functions, also under a host name of
// its own. Browsers send Origin with every POST and PUT, most Sec-Fetch-Site, too;
// servers send neither.
func (a *App) refuseBrowser(req *adapter.Request) *adapter.Response {
	site := req.Header.Get("Sec-Fetch-Site")
	if req.Header.Get("Origin") == "" && (site == "" || site == "none") {
		return nil
	}
	return a.refuseStranger(req, fromBrowser, http.StatusForbidden,
		"this comes from a browser (it has the header Origin or Sec-Fetch-Site), and in dev mode, where nothing is signed, "+
			"that could be any website; only the Inngest server calls or syncs the app")
}

// refuse logs and makes the answer to a bad request that the server has made, or in
// dev mode anybody.
func (a *App) refuse(req *adapter.Request, status int, message string) *adapter.Response {
	a.config.Logger.Warn("inngest: request refused",
		"method", req.Method, "path", req.Path, "status", status, "error", message)
	return fail(req, status, message, false)
}

// doTrustProbe answers the server's question whether the app holds the signing
// key, with a signature of its own. Nothing that the app takes from the server is
// the same as the answer: a sync has a URL in it, a call an event.
func (a *App) doTrustProbe(req *adapter.Request) *adapter.Response {
	_, key, refusal := a.readSigned(req, smallBody)
	if refusal != nil {
		return refusal
	}
	resp := respond(req, http.StatusOK, []byte("{}"))
	if key != nil {
		resp.Header.Set(headerSignature, sign(key, resp.Body, time.Now()))
	}
	return resp
}
