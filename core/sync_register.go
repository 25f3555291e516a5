package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

// maxQuoted is how much of an answer that is not Inngest's, a proxy's error page
// for one, goes into an error.
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
	body := mustJSON(payload)
	resp, err := a.postRegister(ctx, body, r, a.config.SigningKey)
	if err == nil && a.config.SigningKeyFallback != "" &&
		(resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden) {
		_ = resp.Body.Close()
		resp, err = a.postRegister(ctx, body, r, a.config.SigningKeyFallback)
	}
	if err != nil {
		return false, fmt.Errorf("sync with %s: %w", a.config.server(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Modified bool   `json:"modified"`
		Error    string `json:"error"`
		Message  string `json:"message"`
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return false, fmt.Errorf("sync with %s: reading the answer: %w", a.config.server(), err)
	}
	decodeErr := json.Unmarshal(raw, &answer)
	if resp.StatusCode >= http.StatusMultipleChoices {
		return false, fmt.Errorf("sync with %s: the server answered %s: %s%s", a.config.server(), resp.Status,
			firstOf(answer.Error, answer.Message, string(raw[:min(len(raw), maxQuoted)])), a.suspects(resp.StatusCode))
	}
	if decodeErr != nil {
		return false, fmt.Errorf("sync with %s: this is no Inngest server, it answered without JSON", a.config.server())
	}
	a.syncer.record(Sync{Time: time.Now(), URL: appURL.Redacted(), Functions: len(payload.Functions)})
	return answer.Modified, nil
}

// maxSuspects is how many functions the error of a sync names.
const maxSuspects = 10

// suspects names the functions with expressions, if the server has refused a sync for
// what is in it: it says that one is invalid, and not which and why.
func (a *App) suspects(status int) string {
	if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
		return ""
	}
	var ids []string
	for _, e := range a.Expressions() {
		if !slices.Contains(ids, e.FunctionID) {
			ids = append(ids, e.FunctionID)
		}
	}
	if len(ids) == 0 {
		return "; the server's log may say more"
	}
	more := ""
	if len(ids) > maxSuspects {
		more = fmt.Sprintf(" and %d more", len(ids)-maxSuspects)
		ids = ids[:maxSuspects]
	}
	return fmt.Sprintf("; the server's log may say more. If the cause is an expression, it is in one of these functions: %s%s",
		strings.Join(ids, ", "), more)
}

func (a *App) postRegister(ctx context.Context, body []byte, r registration, key Secret) (*http.Response, error) {
	target := a.config.APIBaseURL + "/fn/register"
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
		req.Header.Set("Authorization", "Bearer "+hashedKey(key))
	}
	resp, err := a.config.HTTPClient.Do(req)
	return resp, withoutURL(err)
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
