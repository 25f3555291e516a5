package adaptertest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The headers that the suite checks, in canonical form.
const (
	headerContentType = "Content-Type"
	headerSDK         = "X-Inngest-Sdk"
	headerSignature   = "X-Inngest-Signature"
	headerFramework   = "X-Inngest-Framework"
	headerSyncKind    = "X-Inngest-Sync-Kind"
)

// query is the query of a call to the app's function.
const query = "?fnId=" + appID + "-" + functionID + "&stepId=step"

// envelope returns the body of a call with an event.
func envelope(data payload) []byte {
	encoded, err := json.Marshal(map[string]any{
		"event": map[string]any{"id": "e1", "name": happened.Name(), "data": data, "ts": 1700000000000},
		"steps": map[string]any{},
		"ctx":   map[string]any{"run_id": "01J0000000000000000000000", "attempt": 0, "max_attempts": 4, "env": "test"},
	})
	if err != nil {
		panic(err) // strings can be encoded
	}
	return encoded
}

// sign returns the signature of a body; see docs/SDK_SPEC.md, 4.1.3, in
// github.com/inngest/inngest.
func sign(body []byte) string {
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(strings.TrimPrefix(signingKey, "signkey-test-")))
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return "t=" + timestamp + "&s=" + hex.EncodeToString(mac.Sum(nil))
}

// response is the response of a server, with its body.
type response struct {
	status int
	header http.Header
	body   string
}

// String formats the response for a failed test.
func (a response) String() string {
	return fmt.Sprintf("%d %v %s", a.status, a.header, quoted(a.body))
}

// bySDK reports whether Inngest would see a response of the app, and not of a proxy or
// the framework.
func (a response) bySDK() bool { return a.header.Get(headerSDK) != "" }

// succeeded reports whether the status is 2xx.
func (a response) succeeded() bool { return a.status/100 == http.StatusOK/100 }

// request returns a signed request to the server.
func (i *instance) request(tb testing.TB, method, target string, body []byte) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, i.origin+target, bytes.NewReader(body))
	must(tb, "the request", err)
	r.Header.Set(headerSignature, sign(body))
	return r
}

// newCall returns a request that calls the function with an event.
func (i *instance) newCall(tb testing.TB, data payload) *http.Request {
	tb.Helper()
	return i.request(tb, http.MethodPost, i.path+query, envelope(data))
}

// newSync returns a request for an out-of-band sync. The app announces the URL in its
// body in cloud mode, and the URL it was sent to in dev mode.
func (i *instance) newSync(tb testing.TB) *http.Request {
	tb.Helper()
	return i.newSyncAt(tb, i.path)
}

func (i *instance) newSyncAt(tb testing.TB, path string) *http.Request {
	tb.Helper()
	r := i.request(tb, http.MethodPut, path, fmt.Appendf(nil, `{"url":%q}`, i.origin+path))
	r.Header.Set(headerSyncKind, "out_of_band")
	return r
}

// call calls the function with an event.
func (i *instance) call(tb testing.TB, data payload) response {
	tb.Helper()
	return i.do(tb, i.newCall(tb, data))
}

// works fails the test unless the app still responds.
func (i *instance) works(tb testing.TB) {
	tb.Helper()
	got := i.do(tb, i.request(tb, http.MethodGet, i.path, nil))
	if got.status != http.StatusOK || !got.bySDK() {
		tb.Fatalf("the server no longer works: its response is %s", got)
	}
}

// do sends a request and reads the response.
func (i *instance) do(tb testing.TB, r *http.Request) response {
	tb.Helper()
	got, err := i.try(r)
	must(tb, r.Method+" "+r.URL.String(), err)
	return got
}

// try is do for requests that may get no response.
func (i *instance) try(r *http.Request) (response, error) {
	resp, err := i.client.Do(r)
	if err != nil {
		return response{}, err
	}
	return readResponse(resp)
}

func readResponse(resp *http.Response) (response, error) {
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return response{resp.StatusCode, resp.Header, string(body)}, err
}

// within returns a context for an operation that should be quick.
func within(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), timeout)
	tb.Cleanup(cancel)
	return ctx
}

// returned fails the test unless the response is that of the app to a function that has
// returned want.
func (a response) returned(tb testing.TB, want any) {
	tb.Helper()
	encoded, err := json.Marshal(want)
	must(tb, "json.Marshal", err)
	if a.status != http.StatusOK || !a.bySDK() || a.body != string(encoded) {
		tb.Fatalf("the response is %s, want 200 by the SDK with %s", a, quoted(string(encoded)))
	}
}

// refused fails the test unless the app itself has responded, with the status.
func (a response) refused(tb testing.TB, status int) {
	tb.Helper()
	if a.status != status || !a.bySDK() {
		tb.Fatalf("the response is %s, want %d by the SDK", a, status)
	}
}
