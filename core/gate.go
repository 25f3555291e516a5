package inngestkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"
)

// Do answers one request. It is all an adapter has to call, and it never panics.
//
//	GET, HEAD   introspection: what is configured, without secrets
//	PUT         sync: announces the functions to the server
//	POST        a call of a function, or a trust probe
//
// Other methods are answered with 405.
func (a *App) Do(ctx context.Context, req *Request) *Response {
	resp := a.answer(ctx, req)
	if a.config.Platform != "" && resp.Status != http.StatusUnauthorized { // see unauthorized
		resp.Header[headerPlatform] = []string{a.config.Platform}
	}
	return resp
}

// answer is Do without the platform.
func (a *App) answer(ctx context.Context, req *Request) (resp *Response) {
	defer func() {
		if r := recover(); r != nil {
			resp = a.panicked(req, r)
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
			return a.refuse(req, http.StatusBadRequest, "a redirect has made "+req.Method+" of a call or a sync; "+
				"let the server call the final URL (ServeHost, ServePath), or redirect with 307 or 308")
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
func isRedirected(req *Request) bool {
	query, _ := url.ParseQuery(req.RawQuery) // what can be read of it
	return query.Has("fnId") || req.ContentLength > 0
}

// panicked logs a panic that nothing else has recovered, and answers for it.
func (a *App) panicked(req *Request, recovered any) *Response {
	a.logPanic(req, recovered)
	return fail(req, http.StatusInternalServerError, "internal error; see the app's log", false)
}

func (a *App) logPanic(req *Request, recovered any) {
	a.config.Logger.Error("inngest: request panicked",
		"method", req.Method, "path", req.Path, "panic", fmt.Sprint(recovered), "stack", string(debug.Stack()))
}

// doPost checks a call before anything of it is believed: size, signature, form.
func (a *App) doPost(ctx context.Context, req *Request) *Response {
	query, err := url.ParseQuery(req.RawQuery)
	if err != nil {
		return fail(req, http.StatusBadRequest, "the query is malformed", false)
	}
	if query.Get("probe") == "trust" {
		return a.doTrustProbe(req)
	}
	body, _, refusal := a.readSigned(req, a.config.Dev)
	if refusal != nil {
		return refusal
	}
	return a.execute(ctx, req, query.Get("fnId"), query.Get("stepId"), body)
}

// execute executes a call whose body is known to come from the server.
func (a *App) execute(ctx context.Context, req *Request, functionID, stepID string, body []byte) *Response {
	e, err := parseEnvelope(body)
	if err != nil {
		return a.refuse(req, http.StatusBadRequest, err.Error())
	}
	f := a.registry.Load().byID[functionID]
	if f == nil {
		return a.refuse(req, http.StatusGone, fmt.Sprintf(
			"function %q is not registered in app %q; sync the app again", functionID, a.config.AppID))
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

// readSigned reads the body and verifies its signature. Without a signature it
// takes the body only if unsigned allows it, and in dev mode it verifies none. It
// returns the key the body was signed with, or the answer to give.
func (a *App) readSigned(req *Request, unsigned bool) (body, key []byte, refusal *Response) {
	body, err := a.readBody(req)
	if errors.Is(err, errBodyTooLarge) {
		return nil, nil, a.refuse(req, http.StatusRequestEntityTooLarge, fmt.Sprintf(
			"the body is larger than %d bytes; raise Config.MaxBodyBytes if it is right", a.config.MaxBodyBytes))
	}
	if err != nil {
		return nil, nil, a.refuse(req, http.StatusBadRequest, "the body could not be read: "+err.Error())
	}
	signature := req.Header.Get(headerSignature)
	if a.config.Dev || (unsigned && signature == "") {
		return body, nil, nil
	}
	key, err = a.verifier.verify(signature, body, time.Now())
	if err != nil {
		a.config.Logger.Warn("inngest: request refused", "method", req.Method, "path", req.Path, "error", err)
		return nil, nil, unauthorized(req, err.Error())
	}
	return body, key, nil
}

// refuse logs and makes the answer to a bad request.
func (a *App) refuse(req *Request, status int, message string) *Response {
	a.config.Logger.Warn("inngest: request refused",
		"method", req.Method, "path", req.Path, "status", status, "error", message)
	return fail(req, status, message, false)
}

// maxReserved is how much room is made for a body before any of it has come.
const maxReserved = 512 << 10

var errBodyTooLarge = errors.New("the body is too large")

// readBody reads the whole body, up to the limit.
func (a *App) readBody(req *Request) ([]byte, error) {
	limit := a.config.MaxBodyBytes
	if req.Body == nil {
		return nil, nil
	}
	if req.ContentLength > limit {
		return nil, errBodyTooLarge
	}
	// Room for the whole body saves growing, but a header alone is no reason to
	// reserve much. ReadFrom wants some room at the end.
	var b bytes.Buffer
	b.Grow(int(min(max(req.ContentLength, 0), maxReserved)) + bytes.MinRead)
	n, err := b.ReadFrom(io.LimitReader(req.Body, limit+1))
	req.Body = nil // middleware may keep the request
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, errBodyTooLarge
	}
	return b.Bytes(), nil
}

// doTrustProbe answers the server's question whether the app holds the signing
// key, with a signature of its own.
func (a *App) doTrustProbe(req *Request) *Response {
	_, key, refusal := a.readSigned(req, a.config.Dev)
	if refusal != nil {
		return refusal
	}
	resp := respond(req, http.StatusOK, []byte("{}"))
	if key != nil {
		resp.Header.Set(headerSignature, sign(key, resp.Body, time.Now()))
	}
	return resp
}
