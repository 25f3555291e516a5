package inngestkit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// apiTries is how often a request to the API is tried. The server waits for some
// of them, and calls again if they fail.
const apiTries = 4

// apiError is a request to the API that failed.
type apiError struct {
	// status is the last answer's, 0 if there was none; message is what it says,
	// and inngest whether it says so as Inngest servers do.
	status  int
	message string
	inngest bool
	// lost says that the request may have done its work nonetheless.
	lost bool
	err  error
	cure string // "" if there is nothing to say
}

func (e *apiError) Error() string {
	var parts []string
	if e.status != 0 {
		parts = append(parts, fmt.Sprintf("the server answered %d %s", e.status, http.StatusText(e.status)))
	}
	if e.message != "" {
		parts = append(parts, e.message)
	}
	if e.err != nil {
		parts = append(parts, e.err.Error())
	}
	text := strings.Join(parts, ": ")
	if e.status == http.StatusUnauthorized || e.status == http.StatusForbidden {
		text += "; check SigningKey (INNGEST_SIGNING_KEY)"
	}
	if e.cure != "" {
		text += "; " + e.cure
	}
	return text
}

func (e *apiError) Unwrap() error { return e.err }

// apiRequest is a request to the server's API.
type apiRequest struct {
	method string
	path   string
	body   []byte
	// limit bounds the answer, in bytes. It is JSON, or nothing if mayBeEmpty says so.
	limit      int64
	mayBeEmpty bool
}

// callAPI makes a request to the server's API, with the signing key and, if that
// is refused, with its fallback. It tries again after network errors, 429 and 5xx
// answers, and returns the body of a 2xx answer.
func (c Config) callAPI(ctx context.Context, r apiRequest) ([]byte, *apiError) {
	request := func(key Secret) outgoing {
		return outgoing{method: r.method, url: c.APIBaseURL + r.path, body: r.body, limit: r.limit, header: func(h http.Header) {
			if key != "" {
				h.Set("Authorization", "Bearer "+signing.HashedKey(string(key)))
			}
		}}
	}
	o := persist(ctx, apiTries, func() outcome {
		o := c.try(ctx, request(c.SigningKey))
		if o.unauthorized() && c.SigningKeyFallback != "" {
			o = c.try(ctx, request(c.SigningKeyFallback))
		}
		return o
	})
	if o.ok() && (json.Valid(o.body) || (r.mayBeEmpty && len(o.body) == 0)) {
		return o.body, nil
	}
	err := &apiError{status: o.status, lost: o.lost, err: o.err}
	var answer struct {
		Error string `json:"error"`
	}
	switch {
	case o.ok():
		err.message = notInngest
	case json.Unmarshal(o.body, &answer) == nil && answer.Error != "":
		err.message, err.inngest = answer.Error, true
	default:
		err.message = strings.TrimSpace(string(o.body[:min(len(o.body), maxQuoted)]))
		err.cure = c.apiCure(r, o)
	}
	return nil, err
}

// apiCure returns what to do about an answer that is not an Inngest server's, or about none.
func (c Config) apiCure(r apiRequest, o outcome) string {
	switch {
	case neverSent(o.err):
		return c.unreached(c.APIBaseURL)
	case isForeign(o.status, false):
		return foreign(c.APIBaseURL, r.method+" "+r.path, o.status)
	default:
		return ""
	}
}
