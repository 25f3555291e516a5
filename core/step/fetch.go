package step

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// FetchRequest is an HTTP request that the Inngest server makes.
type FetchRequest struct {
	// Method is GET if it is empty.
	Method string
	URL    string
	// Header has one value for each key.
	Header map[string]string
	// Body should be JSON: the server sends any other text as a JSON string, in quotes.
	Body string
}

// FetchResponse is the answer to a [FetchRequest], of any status.
type FetchResponse struct {
	StatusCode int `json:"status_code"`
	// Header has several values of the same key joined by commas.
	Header map[string]string `json:"headers"`
	Body   string            `json:"body"`
	URL    string            `json:"url"`
}

// Decode decodes the body, which is JSON, into v.
func (r FetchResponse) Decode(v any) error { return json.Unmarshal([]byte(r.Body), v) }

// fetchMethods are those the server knows (validMethod in its pkg/execution/exechttp).
// It would try a request with another one again and again.
var fetchMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// Fetch has the Inngest server make an HTTP request, which may take up to two
// hours, and returns the answer, up to 4 MiB. Nothing of the app runs in the
// meantime. If there is no answer, and retries are spent, it returns an [Error];
// an answer of any status is no error.
func Fetch(ctx context.Context, id string, request FetchRequest) (FetchResponse, error) {
	if request.Method == "" {
		request.Method = http.MethodGet
	}
	return call.Wait[FetchResponse](ctx, call.Gateway, id, func(call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if err := checkURL(c, id, request.URL); err != nil {
			return nil, err
		}
		if !slices.Contains(fetchMethods, request.Method) {
			return nil, abort(c, fmt.Errorf(
				"step %q: the server knows no method %q: give one of %v", id, request.Method, fetchMethods))
		}
		// The SDK wants the body as JSON, but it comes as a string.
		response, err := sdkstep.Fetch[json.RawMessage](ctx, id, sdkstep.FetchOpts{
			Method: request.Method, URL: request.URL, Headers: request.Header, Body: request.Body,
		})
		switch {
		case err == nil:
			return json.Marshal(response)
		case c != nil && !sdkerrors.IsStepError(err):
			c.Abort(call.MisfitStep(id, FetchResponse{}, err))
		}
		return nil, err
	})
}
