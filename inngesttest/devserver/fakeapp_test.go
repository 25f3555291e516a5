package devserver

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A fakeApp implements just enough of the SDK's protocol to sync functions without steps
// and respond to their calls.
type fakeApp struct {
	t         *testing.T
	server    *httptest.Server
	functions map[string]fakeFunction
	// api is the base URL of the server that the app registers with. It is set after the
	// app has started, because the two need each other's address.
	api chan string
	// signingKey authorizes the registration and signs responses.
	signingKey string
	// signatures receives the signature header of each call, if there is room.
	signatures chan string
}

type fakeFunction struct {
	trigger map[string]any
	retries int
	// answer returns the status and the body of the response to a call.
	answer func() (int, any)
}

const fakeAppName = "fake"

// startFakeApp serves the functions, keyed by ID without the app's prefix.
func startFakeApp(t *testing.T, functions map[string]fakeFunction) *fakeApp {
	t.Helper()
	a := &fakeApp{t: t, functions: functions, api: make(chan string, 1), signatures: make(chan string, 100)}
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.server.Close)
	return a
}

func (a *fakeApp) url() string { return a.server.URL + "/api/inngest" }

func (a *fakeApp) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Inngest-Sdk", "go:v0.0.0")
	w.Header().Set("Content-Type", "application/json")
	switch r.Method {
	case http.MethodPut:
		if err := a.register(r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	case http.MethodPost:
		select {
		case a.signatures <- r.Header.Get("X-Inngest-Signature"):
		default:
		}
		id := r.URL.Query().Get("fnId")
		f, ok := a.functions[id[len(fakeAppName)+1:]]
		if !ok {
			http.Error(w, "no function "+id, http.StatusNotFound)
			return
		}
		status, body := f.answer()
		encoded, err := json.Marshal(body)
		if err != nil {
			a.t.Errorf("the response of %s: %v", id, err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if a.signingKey != "" {
			w.Header().Set("X-Inngest-Signature", sign(encoded, bareKey(a.signingKey)))
		}
		w.WriteHeader(status)
		// It fails if the server has ended in the meantime, as in some tests.
		_, _ = w.Write(encoded)
	}
}

// register does what an SDK does when the server requests its functions.
func (a *fakeApp) register(r *http.Request) error {
	var functions []map[string]any
	for id, f := range a.functions {
		slug := fakeAppName + "-" + id
		functions = append(functions, map[string]any{
			"id": slug, "name": "The " + id, "triggers": []any{f.trigger},
			"steps": map[string]any{"step": map[string]any{
				"id": "step", "name": "step",
				"retries": map[string]any{"attempts": f.retries},
				"runtime": map[string]any{"type": "http", "url": a.url() + "?fnId=" + slug + "&stepId=step"},
			}},
		})
	}
	body, err := json.Marshal(map[string]any{
		"v": "1", "url": a.url(), "deployType": "ping", "sdk": "go:v0.0.0", "framework": "fake",
		"appName": fakeAppName, "functions": functions,
	})
	if err != nil {
		return err
	}
	var api string
	select {
	case api = <-a.api:
		a.api <- api
	case <-a.t.Context().Done(): // the server did not start, and the test has failed
		return a.t.Context().Err()
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, api+"/fn/register", bytes.NewReader(body))
	if err != nil {
		return err
	}
	if a.signingKey != "" {
		req.Header.Set("Authorization", "Bearer "+hashedKey(a.signingKey))
	}
	resp, err := a.server.Client().Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err == nil && resp.StatusCode != http.StatusOK {
		a.t.Logf("registration: status %d: %s", resp.StatusCode, answer)
	}
	return err
}

// serverFor starts a real server that has synced the app.
func (a *fakeApp) serverFor(cfg Config) *Server {
	a.t.Helper()
	cfg.AppURLs = append(cfg.AppURLs, a.url())
	a.signingKey = cfg.SigningKey
	s := New(a.t, cfg)
	a.api <- s.URL()
	var slugs []string
	for id := range a.functions {
		slugs = append(slugs, fakeAppName+"-"+id)
	}
	require.NoError(a.t, s.AwaitFunctions(testContext(a.t), slugs...))
	return s
}

// sign returns the signature of JSON without spaces and with sorted keys, as encoding/json
// writes maps.
func sign(body []byte, key string) string {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	mac.Write([]byte(at))
	return "t=" + at + "&s=" + hex.EncodeToString(mac.Sum(nil))
}

func always(status int, body any) func() (int, any) {
	return func() (int, any) { return status, body }
}

func onEvent(name string) map[string]any { return map[string]any{"event": name} }
