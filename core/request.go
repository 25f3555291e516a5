package inngestkit

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/inngest/inngestgo"
)

// Request is an HTTP request in the form the core takes it from any framework.
type Request struct {
	Method string
	// Scheme is http or https, as the client sees it; Host its host and port.
	// They go into the URL that a sync announces.
	Scheme string
	Host   string
	// Path and RawQuery are those of the URL, as received.
	Path     string
	RawQuery string
	// Header has the headers under their canonical names, without Host. Like all
	// strings here it must stay as it is after Do has returned: middleware may have
	// kept it. A framework that uses its memory again has to copy.
	Header http.Header
	// Body is read at most once and not after Do has returned. It may be nil.
	Body io.Reader
	// ContentLength is the length of the body if it is known, -1 otherwise.
	ContentLength int64
	// BodyLimit is the size in bytes of the largest body that the framework lets
	// through, 0 if there is no limit or it is not known.
	BodyLimit int64
	// Buffered is whether the framework has read the whole body into memory before the
	// app sees the request, though it could stream it: for strangers' bodies too.
	Buffered bool
	// WriteTimeout is how long the framework's server gives a handler to answer, 0
	// for as long as it takes.
	WriteTimeout time.Duration
	// Framework names the framework to Inngest: "gin", "nethttp".
	Framework string

	connect bool // it came over a connection and is no HTTP request
}

// Response is the answer to a [Request]. An adapter writes it as it is.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Headers of the specification that the SDK does not know.
const (
	headerFramework = "X-Inngest-Framework"
	headerPlatform  = "X-Inngest-Platform"
)

// requestVersion is the version of the execution protocol; see
// docs/SDK_SPEC.md, 4.1.2, in github.com/inngest/inngest.
const requestVersion = "2"

// isTrue is how Inngest's headers say yes.
const isTrue = "true"

// Canonical forms of the SDK's header names, made once.
var (
	headerRetryAfter = inngestgo.HeaderKeyRetryAfter
	headerNoRetry    = http.CanonicalHeaderKey(inngestgo.HeaderKeyNoRetry)
	headerReqVersion = http.CanonicalHeaderKey(inngestgo.HeaderKeyReqVersion)
	headerSDK        = http.CanonicalHeaderKey(inngestgo.HeaderKeySDK)
	headerSDKHandled = http.CanonicalHeaderKey(inngestgo.HeaderKeySDKHandled)
	headerSignature  = http.CanonicalHeaderKey(inngestgo.HeaderKeySignature)
	headerSyncKind   = http.CanonicalHeaderKey(inngestgo.HeaderKeySyncKind)
	headerServerKind = http.CanonicalHeaderKey(inngestgo.HeaderKeyServerKind)
	headerRequestID  = http.CanonicalHeaderKey(inngestgo.HeaderKeyRequestID)
	headerJobID      = http.CanonicalHeaderKey(inngestgo.HeaderKeyJobID)
)

// respond makes a response with the headers every answer of an SDK carries. The
// server takes X-Inngest-SDK as the proof that an app answered and not a proxy.
func respond(req *Request, status int, body []byte) *Response {
	h := make(http.Header, 8)
	h["Content-Type"] = []string{"application/json"}
	h[headerSDK] = []string{inngestgo.HeaderValueSDK}
	h[headerSDKHandled] = []string{isTrue}
	h[headerReqVersion] = []string{requestVersion}
	if req.Framework != "" {
		h[headerFramework] = []string{req.Framework}
	}
	return &Response{Status: status, Header: h, Body: body}
}

// errorBody is how the server reads errors; see docs/SDK_SPEC.md, 4.4.3.
type errorBody struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// errorName is the name of errors that have none of their own.
const errorName = "Error"

// fail makes an error response. The server tries again unless noRetry says that
// it would be in vain.
func fail(req *Request, status int, message string, noRetry bool) *Response {
	return failWith(req, status, errorBody{Name: errorName, Message: message}, noRetry)
}

// failWith is fail with an error of another name.
func failWith(req *Request, status int, body errorBody, noRetry bool) *Response {
	resp := respond(req, status, mustJSON(body))
	resp.Header[headerNoRetry] = []string{strconv.FormatBool(noRetry)}
	return resp
}

// unauthorized answers a request without a good signature. Like the SDK's own,
// it does not tell strangers which SDK and version answers.
func unauthorized(req *Request, message string) *Response {
	resp := fail(req, http.StatusUnauthorized, message, false)
	delete(resp.Header, headerSDK)
	delete(resp.Header, headerReqVersion)
	return resp
}

// mustJSON encodes values whose encoding cannot fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
