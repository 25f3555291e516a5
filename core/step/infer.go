package step

import (
	"context"
	"encoding/json"
	"fmt"

	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// maxInputBytes is the size of what a step is given, above which the server fails
// the run (MaxStepInputSize in its pkg/consts). As the SDK sends it twice, the whole
// answer needs the rest (MaxSDKResponseBodySize, which is just twice that).
const maxInputBytes = 4<<20 - 16<<10

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
	URL string
	// Format is FormatOpenAIChat if it is empty.
	Format InferFormat
	// AuthKey is the key to the API. It goes to the Inngest server, which does not
	// keep it.
	AuthKey inngestkit.Secret
	Header  map[string]string
	// Body is the request of the model's API, encoded as JSON: at most 4080 KiB.
	Body any
}

// Infer has the Inngest server ask a model, and returns the answer of the model's
// API decoded into a T, which may be any. Nothing of the app runs in the meantime.
// When its retries are spent it returns an [Error].
func Infer[T any](ctx context.Context, id string, request InferRequest) (T, error) {
	return call.Wait[T](ctx, call.AIGateway, id, func(call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if err := checkURL(c, id, request.URL); err != nil {
			return nil, err
		}
		// The SDK would have an encoding error tried again.
		body, err := safe.Marshal(request.Body)
		if err != nil {
			return nil, abort(c, fmt.Errorf("step %q: the body of the request is not JSON: %w", id, err))
		}
		if len(body) > maxInputBytes {
			return nil, abort(c, fmt.Errorf("step %q: the body of the request has %d bytes as JSON, and at most %d are sent",
				id, len(body), maxInputBytes))
		}
		if c != nil {
			if err := c.CheckIntegers(ctx, "the request of step", id, body); err != nil {
				return nil, abort(c, err)
			}
		}
		// The SDK's own decoding panics for any.
		return sdkstep.Infer[json.RawMessage, json.RawMessage](ctx, id, sdkstep.InferOpts[json.RawMessage]{
			Opts: sdkstep.InferRequestOpts{
				URL: request.URL, Headers: request.Header, AuthKey: string(request.AuthKey), Format: request.Format,
			},
			Body: body,
		})
	})
}
