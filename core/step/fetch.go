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
	// Method is the HTTP method. The default is GET.
	Method string
	// URL is absolute, with the scheme http or https.
	URL string
	// Header has one value for each key.
	Header map[string]string
	// Body should be JSON. The server sends any other text as a JSON string, in quotes.
	Body string
}

// FetchResponse is the response to a [FetchRequest], with any status.
type FetchResponse struct {
	StatusCode int `json:"status_code"`
	// Header joins several values of the same key with commas.
	Header map[string]string `json:"headers"`
	Body   string            `json:"body"`
	// URL is the URL that the server reports for the response.
	URL string `json:"url"`
}

// Decode decodes the body as JSON into v.
func (r FetchResponse) Decode(v any) error { return json.Unmarshal([]byte(r.Body), v) }

// fetchMethods are the methods that the server supports (validMethod in its
// pkg/execution/exechttp). It would retry a request with any other method.
var fetchMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// Fetch has the Inngest server make an HTTP request and returns the response. The app
// does not run while the server waits. The request may take up to two hours, and the
// response may have up to 4 MiB.
//
// A response with any status is a success. If the server gets no response and has no
// attempts left, Fetch returns an [Error].
func Fetch(ctx context.Context, id string, request FetchRequest) (FetchResponse, error) {
	if request.Method == "" {
		request.Method = http.MethodGet
	}
	begin := func(ctx context.Context, _ call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if err := checkURL(c, id, request.URL); err != nil {
			return nil, err
		}
		if !slices.Contains(fetchMethods, request.Method) {
			return nil, abort(c, fmt.Errorf(
				"step %q: the server does not support method %q: use one of %v", id, request.Method, fetchMethods))
		}
		// The server sends the body as a JSON string, so the SDK cannot decode it into a type.
		opts := sdkstep.FetchOpts{Method: request.Method, URL: request.URL, Headers: request.Header, Body: request.Body}
		if err := ask(ctx, c, opts); err != nil {
			return nil, err
		}
		response, err := sdkstep.Fetch[json.RawMessage](ctx, id, opts)
		switch {
		case err == nil:
			return json.Marshal(response)
		case c != nil && !sdkerrors.IsStepError(err):
			c.Abort(call.MisfitStep(id, FetchResponse{}, err))
		}
		return nil, err
	}
	return call.Wait[FetchResponse](ctx, call.Waiting{Kind: call.Gateway, Name: id, Begin: begin, Kept: (*call.Call).Kept})
}
