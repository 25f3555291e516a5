package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/drain"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
	"github.com/inngestkit/inngestkit/core/internal/reqbody"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// Do returns the response to one request. Adapters call it for every request to the endpoint.
// It never panics.
//
//	GET, HEAD   introspection: what is configured, without secrets
//	PUT         sync: announces the functions to the server
//	POST        a call of a function, or a trust probe, by which the server checks that the
//	            app has the signing key
//
// The response to other methods is 405.
func (a *App) Do(ctx context.Context, req *adapter.Request) *adapter.Response {
	resp := a.dispatch(ctx, req)
	if a.config.Platform != "" && resp.Status != http.StatusUnauthorized { // see unauthorized
		resp.Header[headerPlatform] = []string{a.config.Platform}
	}
	return resp
}

// dispatch is Do without the header that names the platform.
func (a *App) dispatch(ctx context.Context, req *adapter.Request) (resp *adapter.Response) {
	defer func() {
		switch r := recover(); {
		case r != nil:
			resp = a.panicked(req, r)
		case resp == nil:
			a.config.Logger.Error("inngest: request left without a response",
				"method", req.Method, "path", req.Path, "error", errNoEnd)
		}
	}()
	a.warnAboutEnvironment(ctx, req)
	switch req.Method {
	case http.MethodPost:
		return a.doPost(ctx, req)
	case http.MethodPut:
		return a.doSync(ctx, req)
	case http.MethodGet, http.MethodHead:
		if refusal := a.refuseRedirected(req); refusal != nil {
			return refusal
		}
		isProbe := a.endpoint.Received(req.Header)
		if a.config.Dev && !isProbe { // in cloud mode, anyone could have sent it
			a.checkReceivedPath(req)
		}
		return a.doInspect(req)
	default:
		resp := fail(req, http.StatusMethodNotAllowed,
			fmt.Sprintf("method %s is not allowed here; Inngest uses GET, POST and PUT", req.Method), true)
		resp.Header.Set("Allow", "GET, HEAD, POST, PUT")
		return resp
	}
}

// doPost responds to a trust probe, or verifies the signature of a call and executes it.
func (a *App) doPost(ctx context.Context, req *adapter.Request) *adapter.Response {
	query, err := url.ParseQuery(req.RawQuery)
	if err != nil {
		return fail(req, http.StatusBadRequest, "the query is malformed", false)
	}
	// A request with the ID of a function is a call, even if the app is synced with a URL
	// that contains probe=trust: the server would treat a probe's response as the function's
	// result.
	if query.Get("probe") == "trust" && !query.Has("fnId") {
		return a.doTrustProbe(ctx, req)
	}
	body, _, refusal := a.readSigned(ctx, req, a.verifier.Verify)
	if refusal != nil {
		return refusal
	}
	return a.callFunction(ctx, req, query.Get("fnId"), query.Get("stepId"), body)
}

// doTrustProbe proves to the server that the app has the signing key, by signing the
// response. The signed response cannot be replayed to the app as a request: a sync contains
// a URL, and a call an event.
func (a *App) doTrustProbe(ctx context.Context, req *adapter.Request) *adapter.Response {
	_, key, refusal := a.readSigned(ctx, req, a.verifier.VerifyCanonical)
	if refusal != nil {
		return refusal
	}
	resp := respond(req, http.StatusOK, []byte("{}"))
	if key != nil {
		resp.Header.Set(headerSignature, signing.Sign(key, resp.Body, time.Now()))
	}
	return resp
}

// verify is [signing.Verifier.Verify] for calls, and VerifyCanonical for probes and syncs.
type verify func(signature signing.Signature, body []byte) (signed, key []byte)

// readSigned reads the body of a request and verifies its signature. It returns the
// signed bytes and the key, or the response that refuses the request. It checks what
// the header shows before it reads any of the body. In dev mode nothing is signed, but
// requests from browsers are refused.
func (a *App) readSigned(ctx context.Context, req *adapter.Request, verify verify) (
	signed, key []byte, refusal *adapter.Response,
) {
	if a.config.Dev {
		if refusal = a.refuseBrowser(req); refusal == nil {
			a.checkReceivedPath(req)
			var release func()
			signed, release, refusal = a.readBody(ctx, req)
			release()
		}
		return signed, nil, refusal
	}
	signature, err := signing.Parse(req.Header.Get(headerSignature), time.Now())
	if err != nil {
		return nil, nil, a.refuseUnsigned(req, err)
	}
	body, release, refusal := a.readBody(ctx, req)
	defer release()
	if refusal != nil {
		return nil, nil, refusal
	}
	signed, key = verify(signature, body)
	switch {
	case key != nil:
		a.checkReceivedPath(req)
		return signed, key, nil
	case len(body) == 0:
		return nil, nil, a.refuseUnsigned(req, errSignedEmpty)
	default:
		return nil, nil, a.refuseUnsigned(req, signing.ErrMismatch)
	}
}

// readBody reads the whole body, up to Config.MaxBodyBytes, or returns the response to
// a body that cannot be read. The caller must call release once the sender is known.
func (a *App) readBody(ctx context.Context, req *adapter.Request) (body []byte, release func(), refusal *adapter.Response) {
	limit := a.config.MaxBodyBytes
	body, release, err := a.bodies.ReadUpTo(ctx, req.Body, req.ContentLength, limit)
	req.Body = nil // middleware may keep the request
	switch {
	case err == nil:
	case errors.Is(err, reqbody.ErrTooLarge):
		refusal = a.refuseStranger(req, tooLarge, http.StatusRequestEntityTooLarge, fmt.Sprintf(
			"the body is larger than %d bytes; raise Config.MaxBodyBytes if it is right", limit))
	case errors.Is(err, reqbody.ErrCrowded):
		refusal = a.refuseStranger(req, crowded, http.StatusServiceUnavailable, err.Error()+"; the server retries the call")
		refusal.Header.Set(headerRetryAfter, drainRetryAfter)
	default:
		refusal = a.refuseStranger(req, unreadable, http.StatusBadRequest, "the body could not be read: "+err.Error())
	}
	return body, release, refusal
}

// callFunction executes a call whose body is known to come from the server.
func (a *App) callFunction(ctx context.Context, req *adapter.Request, functionID, stepID string, body []byte) *adapter.Response {
	e, err := envelope.Parse(body)
	if err != nil {
		return a.refuse(req, http.StatusBadRequest, err.Error())
	}
	f := a.registry.Load().byID[functionID]
	if f == nil {
		return a.refuse(req, http.StatusGone, fmt.Sprintf(
			"function %q is not registered in app %q; sync the app again, after all its instances have been replaced",
			functionID, a.config.AppID))
	}
	// Strangers and malformed calls do not get here, so they take no place and cannot
	// delay a shutdown.
	if refusal := a.admit(ctx, req); refusal != nil {
		return refusal
	}
	defer a.gate.LeaveCall()
	if e.UseAPI {
		if err := a.fetchState(ctx, e); err != nil {
			return a.refuse(req, http.StatusInternalServerError, err.Error())
		}
	}
	return f.call(ctx, req, e, stepID)
}

// admit admits a call of a function, or returns the response that refuses it. The
// caller must call a.gate.LeaveCall when an admitted call ends.
func (a *App) admit(ctx context.Context, req *adapter.Request) (refusal *adapter.Response) {
	switch err := a.gate.EnterCall(ctx); {
	case err == nil:
		return nil
	case errors.Is(err, drain.ErrClosed):
		return shuttingDown(req)
	default:
		return retryLater(req, fmt.Sprintf("the call waited for one of the app's %d places until its context was done (%v); "+
			"raise Config.MaxInFlight, or limit the functions' concurrency at the server", a.config.MaxInFlight, err))
	}
}

// fetchState fetches what the server left out of a call.
func (a *App) fetchState(ctx context.Context, e *envelope.Envelope) error {
	ctx, cancel := a.untilShutdown(ctx)
	defer cancel()
	if err := e.FetchState(ctx, a.api.Get); err != nil {
		return fmt.Errorf("fetching the run's state from %s: %w", a.config.server(), err)
	}
	return nil
}
