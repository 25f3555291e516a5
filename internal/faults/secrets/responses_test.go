package secrets

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// healthPaths are the pages of the health checks.
var healthPaths = []string{
	inngesthealth.DefaultPath, inngesthealth.DefaultPath + "?details=true",
	inngesthealth.DefaultPath + "/livez", inngesthealth.DefaultPath + "/readyz",
}

// A caller makes requests to a live app.
type caller struct {
	t        *testing.T
	client   *http.Client
	endpoint string
}

// request makes a request, searches the headers of the response, and returns its body.
func (c caller) request(method, path, body string, headers ...string) string {
	c.t.Helper()
	req, err := http.NewRequestWithContext(testsite.Within(c.t), method, c.endpoint+path, strings.NewReader(body))
	require.NoError(c.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.client.Do(req)
	require.NoError(c.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	finder.Absent(c.t, "the headers of the response to "+method+" "+path, fmt.Sprint(resp.Header))
	return string(text)
}

// absent makes a request and fails the test if the response contains a secret.
func (c caller) absent(method, path, body string, headers ...string) {
	c.t.Helper()
	finder.Absent(c.t, "the response to "+method+" "+path, c.request(method, path, body, headers...))
}

// asStranger makes the requests that anyone can make, signed and not.
func (c caller) asStranger() {
	c.t.Helper()
	for _, path := range []string{"/api/inngest", "/api/inngest?fnId=shop-returns&stepId=step", "/api/inngest?probe=trust"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
			for _, signature := range []string{"", "x", "t=1&s=00", signature(strings.Repeat("0", 64), "{}")} {
				c.absent(method, path, "{}", "X-Inngest-Signature", signature)
			}
		}
	}
}

// asOperator reads the health checks with and without their password, as a browser too.
func (c caller) asOperator() {
	c.t.Helper()
	for _, path := range healthPaths {
		for _, authorization := range []string{"", basic("ops", password), basic("ops", "wrong")} {
			for _, accept := range []string{"", "text/html"} {
				c.absent(http.MethodGet, path, "", "Authorization", authorization, "Accept", accept)
			}
		}
	}
}

// asServer makes the requests that the server makes. The response to a signed GET, and to a
// signed sync in cloud mode, has the hashes of the keys, and nothing else of them.
func (c caller) asServer(dev bool) {
	c.t.Helper()
	signed := func(body string) string { return signature(signingKey, body) }
	finder.Absent(c.t, "the response to a signed GET", withoutHashes(c.t,
		c.request(http.MethodGet, "/api/inngest", "", "X-Inngest-Signature", signed(""))))
	const body = `{"url":"https://shop.test/api/inngest"}`
	synced := c.request(http.MethodPut, "/api/inngest", body, "X-Inngest-Signature", signed(body), "X-Inngest-Sync-Kind", "in_band")
	if !dev {
		synced = withoutHashes(c.t, synced)
	}
	require.Contains(c.t, synced, "shop-returns")
	finder.Absent(c.t, "the response to a sync", synced)
	c.absent(http.MethodPost, "/api/inngest?probe=trust", "{}", "X-Inngest-Signature", signed("{}"))
	c.absent(http.MethodPost, "/api/inngest?fnId=shop-panics&stepId=step", callBody, "X-Inngest-Signature", signed(callBody))
	c.absent(http.MethodPost, "/api/inngest?fnId=shop-none&stepId=step", callBody, "X-Inngest-Signature", signed(callBody))
}

// withoutHashes returns a response without the hashes of keys, which must be in it.
func withoutHashes(t *testing.T, response string) string {
	t.Helper()
	for _, field := range []string{"signing_key_hash", "signing_key_fallback_hash", "event_key_hash"} {
		_, after, found := strings.Cut(response, `"`+field+`":`)
		require.True(t, found, "%s is not in %s", field, response)
		var hash string
		require.NoError(t, json.NewDecoder(strings.NewReader(after)).Decode(&hash))
		require.NotEmpty(t, finder.Find(hash), "%s is not a hash of a planted key", hash)
		response = strings.Replace(response, hash, "", 1)
	}
	return response
}
