package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// maxQuoted is how much of an answer that is not Inngest's, such as a proxy's error
// page, goes into an error.
const maxQuoted = 1 << 10

// registration is what a sync passes on from the request that asked for it.
type registration struct {
	framework  string
	syncID     string
	serverKind string
}

// register announces the functions to the server's API.
func (a *App) register(ctx context.Context, appURL *url.URL, r registration) (modified bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	select {
	case a.syncer.running <- struct{}{}:
		defer func() { <-a.syncer.running }()
	case <-ctx.Done():
		return false, fmt.Errorf("sync with %s: waiting for another sync: %w", a.config.server(), ctxerr.Cause(ctx))
	}
	payload := a.registerPayload(appURL, r.framework)
	modified, err = a.announce(ctx, payload, r)
	if err != nil {
		return false, fmt.Errorf("sync with %s: %w", a.config.server(), err)
	}
	a.syncer.record(Sync{Time: time.Now(), URL: appURL.Redacted(), Functions: len(payload.Functions)})
	return modified, nil
}

// announce sends the functions, with the signing key and, if that is refused, with its
// fallback.
func (a *App) announce(ctx context.Context, payload registerPayload, r registration) (modified bool, err error) {
	body := mustJSON(payload)
	resp, err := a.postRegister(ctx, body, r, a.config.SigningKey)
	if err == nil && a.config.SigningKeyFallback != "" && isUnauthorized(resp.StatusCode) {
		_ = resp.Body.Close()
		resp, err = a.postRegister(ctx, body, r, a.config.SigningKeyFallback)
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
		return false, fmt.Errorf("reading the answer: %w", err)
	}
	var answer registerAnswer
	decodeErr := json.Unmarshal(raw, &answer)
	if resp.StatusCode >= http.StatusMultipleChoices {
		return false, a.refusedSync(ctx, payload, resp, answer, raw)
	}
	if decodeErr != nil {
		return false, fmt.Errorf("%s", notInngest)
	}
	return answer.Modified, nil
}

// registerAnswer is the answer of the server's API to a sync.
type registerAnswer struct {
	Modified bool   `json:"modified"`
	Error    string `json:"error"`
	Message  string `json:"message"`
}

func isUnauthorized(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

func (a *App) postRegister(ctx context.Context, body []byte, r registration, key Secret) (*http.Response, error) {
	target := a.config.APIBaseURL + registerPath
	if r.syncID != "" {
		target += "?" + url.Values{"deployId": {r.syncID}}.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	a.config.setHeaders(req, r.framework)
	if r.serverKind != "" {
		req.Header.Set(inngestgo.HeaderKeyExpectedServerKind, r.serverKind)
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
