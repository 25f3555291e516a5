package inngestkit

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// Headers of the specification that the SDK does not know.
const (
	headerFramework = "X-Inngest-Framework"
	headerPlatform  = "X-Inngest-Platform"
)

// requestVersion is the version of the execution protocol; see
// docs/SDK_SPEC.md, 4.1.2, in github.com/inngest/inngest.
const requestVersion = "2"

// isTrue is the value for yes in Inngest's headers.
const isTrue = "true"

// Canonical forms of the SDK's header names.
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

// respond returns a response with the headers that every response of an SDK has. The
// server treats X-Inngest-SDK as proof that an app responded and not a proxy.
func respond(req *adapter.Request, status int, body []byte) *adapter.Response {
	h := make(http.Header, 8)
	h["Content-Type"] = []string{"application/json"}
	h[headerSDK] = []string{inngestgo.HeaderValueSDK}
	h[headerSDKHandled] = []string{isTrue}
	h[headerReqVersion] = []string{requestVersion}
	if req.Framework != "" {
		h[headerFramework] = []string{req.Framework}
	}
	return &adapter.Response{Status: status, Header: h, Body: body}
}

// errorBody is the body of an error response; see docs/SDK_SPEC.md, 4.4.3.
type errorBody struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// errorName is the name of errors without a name of their own.
const errorName = "Error"

// fail returns an error response. The server retries unless noRetry is true.
func fail(req *adapter.Request, status int, message string, noRetry bool) *adapter.Response {
	return failWith(req, status, errorBody{Name: errorName, Message: message}, noRetry)
}

// failWith is fail for an error with a name of its own.
func failWith(req *adapter.Request, status int, body errorBody, noRetry bool) *adapter.Response {
	resp := respond(req, status, mustJSON(body))
	resp.Header[headerNoRetry] = []string{strconv.FormatBool(noRetry)}
	return resp
}

// unauthorized returns the response to a request without a valid signature. Like the
// SDK's own, it does not reveal the SDK and its version.
func unauthorized(req *adapter.Request, message string) *adapter.Response {
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
