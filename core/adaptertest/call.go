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

// The headers that the suite looks at, in canonical form.
const (
	headerContentType = "Content-Type"
	headerSDK         = "X-Inngest-Sdk"
	headerSignature   = "X-Inngest-Signature"
	headerFramework   = "X-Inngest-Framework"
	headerSyncKind    = "X-Inngest-Sync-Kind"
)

// query is the query of a call of the app's function.
const query = "?fnId=" + appID + "-" + functionID + "&stepId=step"

// envelope is the body of a call with an event.
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

// sign makes the signature of a body; see docs/SDK_SPEC.md, 4.1.3, in
// github.com/inngest/inngest.
func sign(body []byte) string {
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(strings.TrimPrefix(signingKey, "signkey-test-")))
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return "t=" + timestamp + "&s=" + hex.EncodeToString(mac.Sum(nil))
}

// answer is what a server has answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// String shows the answer in a failed test.
func (a answer) String() string {
	return fmt.Sprintf("%d %v %s", a.status, a.header, quoted(a.body))
}

// bySDK reports whether the app has answered, as Inngest would see it.
func (a answer) bySDK() bool { return a.header.Get(headerSDK) != "" }

// succeeded reports whether the status says that all went well.
func (a answer) succeeded() bool { return a.status/100 == http.StatusOK/100 }

// request makes a signed request to the server.
func (i *instance) request(tb testing.TB, method, target string, body []byte) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, i.origin+target, bytes.NewReader(body))
	must(tb, "the request", err)
	r.Header.Set(headerSignature, sign(body))
	return r
}

// newCall makes a request that calls the function with an event.
func (i *instance) newCall(tb testing.TB, data payload) *http.Request {
	tb.Helper()
	return i.request(tb, http.MethodPost, i.path+query, envelope(data))
}

// newSync makes a request for a sync by way of the API. In cloud mode the URL in its
// body counts, in dev mode where it is sent to.
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
func (i *instance) call(tb testing.TB, data payload) answer {
	tb.Helper()
	return i.do(tb, i.newCall(tb, data))
}

// works makes sure that the server still answers calls.
func (i *instance) works(tb testing.TB) {
	tb.Helper()
	got := i.do(tb, i.request(tb, http.MethodGet, i.path, nil))
	if got.status != http.StatusOK || !got.bySDK() {
		tb.Fatalf("the server does not work any more: it answers %s", got)
	}
}

// do sends a request and reads the answer.
func (i *instance) do(tb testing.TB, r *http.Request) answer {
	tb.Helper()
	got, err := i.try(r)
	must(tb, r.Method+" "+r.URL.String(), err)
	return got
}

// try is do where there may be no answer.
func (i *instance) try(r *http.Request) (answer, error) {
	resp, err := i.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	return readAnswer(resp)
}

func readAnswer(resp *http.Response) (answer, error) {
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// within is the context for one thing that should not take long.
func within(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), timeout)
	tb.Cleanup(cancel)
	return ctx
}

// returned fails the test unless the function has returned want.
func (a answer) returned(tb testing.TB, want any) {
	tb.Helper()
	encoded, err := json.Marshal(want)
	must(tb, "json.Marshal", err)
	if a.status != http.StatusOK || !a.bySDK() || a.body != string(encoded) {
		tb.Fatalf("the answer is %s, want 200 by the SDK with %s", a, quoted(string(encoded)))
	}
}

// refused fails the test unless the app itself has answered with an error.
func (a answer) refused(tb testing.TB, status int) {
	tb.Helper()
	if a.status != status || !a.bySDK() {
		tb.Fatalf("the answer is %s, want %d by the SDK", a, status)
	}
}
