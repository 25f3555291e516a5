package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/manifest"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// maxQuoted is how much of a response that is not from Inngest, such as a proxy's error
// page, an error quotes, in bytes.
const maxQuoted = 1 << 10

// postSync sends the functions to the server's API with the signing key. If the server
// refuses the key, it sends them with the fallback key.
func (a *App) postSync(ctx context.Context, payload manifest.Payload, n announcement) (modified bool, err error) {
	body := mustJSON(payload)
	resp, err := a.postSyncWith(ctx, body, n, a.config.SigningKey)
	if err == nil && a.config.SigningKeyFallback != "" && isUnauthorized(resp.StatusCode) {
		_ = resp.Body.Close()
		resp, err = a.postSyncWith(ctx, body, n, a.config.SigningKeyFallback)
	}
	if err != nil {
		if neverSent(err) {
			err = fmt.Errorf("%w; %s", err, a.config.unreached(a.config.APIBaseURL))
		}
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return false, fmt.Errorf("reading the response: %w", err)
	}
	var answer syncResponse
	decodeErr := json.Unmarshal(raw, &answer)
	if resp.StatusCode >= http.StatusMultipleChoices {
		return false, a.refusedSync(ctx, payload, resp, answer, raw)
	}
	if decodeErr != nil {
		return false, fmt.Errorf("%s", notInngest)
	}
	return answer.Modified, nil
}

// syncResponse is the response of the server's API to a sync.
type syncResponse struct {
	Modified bool   `json:"modified"`
	Error    string `json:"error"`
	Message  string `json:"message"`
}

func isUnauthorized(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

func (a *App) postSyncWith(ctx context.Context, body []byte, n announcement, key Secret) (*http.Response, error) {
	target := a.config.APIBaseURL + registerPath
	if n.syncID != "" {
		target += "?" + url.Values{"deployId": {n.syncID}}.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	a.config.setHeaders(req, n.framework)
	if n.serverKind != "" {
		req.Header.Set(inngestgo.HeaderKeyExpectedServerKind, n.serverKind)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+signing.HashedKey(string(key)))
	}
	resp, err := a.config.HTTPClient.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	if redirected := redirectedAs(resp, req.Method); redirected != nil {
		_ = resp.Body.Close()
		return nil, redirected
	}
	return resp, nil
}

// setHeaders sets what every request to the server carries.
func (c Config) setHeaders(req *http.Request, framework string) {
	inngestgo.SetBasicRequestHeaders(req)
	req.Header.Set("User-Agent", "inngestkit/"+Version)
	req.Header[headerReqVersion] = []string{requestVersion}
	if framework != "" {
		req.Header.Set(headerFramework, framework)
	}
	if c.Platform != "" {
		req.Header.Set(headerPlatform, c.Platform)
	}
	if c.Env != "" {
		req.Header.Set(inngestgo.HeaderKeyEnv, c.Env)
	}
}
