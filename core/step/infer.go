package step

import (
	"context"
	"encoding/json"

	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// InferFormat is the form of a model's API. It tells the server how to
// authenticate, and how to read what the request and the answer are about.
type InferFormat = sdkstep.InferFormat

// The forms that the server knows.
const (
	FormatOpenAIChat = sdkstep.InferFormatOpenAIChat
	FormatAnthropic  = sdkstep.InferFormatAnthropic
	FormatGemini     = sdkstep.InferFormatGemini
	FormatBedrock    = sdkstep.InferFormatBedrock
)

// InferRequest is a request to a model that the Inngest server makes.
type InferRequest struct {
	// URL is the full URL of the API: https://api.openai.com/v1/chat/completions.
	URL    string
	Format InferFormat
	// AuthKey is the key to the API. It goes to the Inngest server, which does not
	// keep it.
	AuthKey inngestkit.Secret
	Header  map[string]string
	// Body is the request of the model's API, encoded as JSON.
	Body any
}

// Infer has the Inngest server ask a model, and returns the answer of the model's
// API decoded into a T, which may be any. Nothing of the app runs in the meantime.
// When its retries are spent it returns an [Error].
func Infer[T any](ctx context.Context, id string, request InferRequest) (T, error) {
	return call.Wait[T](ctx, id, func() (json.RawMessage, error) {
		// The SDK's own decoding panics for any.
		return sdkstep.Infer[any, json.RawMessage](ctx, id, sdkstep.InferOpts[any]{
			Opts: sdkstep.InferRequestOpts{
				URL: request.URL, Headers: request.Header, AuthKey: string(request.AuthKey), Format: request.Format,
			},
			Body: request.Body,
		})
	})
}
