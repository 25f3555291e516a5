package step

import (
	"context"
	"encoding/json"
	"fmt"

	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// maxInputBytes is the size of a step's input above which the server fails the run
// (MaxStepInputSize in its pkg/consts), less 16 KiB. The SDK sends the input twice, and the
// rest of the response needs that room: its limit is twice MaxStepInputSize
// (MaxSDKResponseBodySize).
const maxInputBytes = 4<<20 - 16<<10

// InferFormat is the format of a model's API. The server uses it to authenticate and to
// read metadata from the request and the response.
type InferFormat = sdkstep.InferFormat

// The formats that the server supports.
const (
	FormatOpenAIChat = sdkstep.InferFormatOpenAIChat
	FormatAnthropic  = sdkstep.InferFormatAnthropic
	FormatGemini     = sdkstep.InferFormatGemini
	FormatBedrock    = sdkstep.InferFormatBedrock
)

// InferRequest is a request to a model that the Inngest server makes.
type InferRequest struct {
	// URL is the full URL of the API, such as https://api.openai.com/v1/chat/completions.
	URL string
	// Format is the format of the API. The default is FormatOpenAIChat.
	Format InferFormat
	// AuthKey is the API key. It is sent to the Inngest server, which does not store it.
	AuthKey inngestkit.Secret
	// Header has one value for each key.
	Header map[string]string
	// Body is the body of the request. It is encoded as JSON, to at most 4080 KiB.
	Body any
}

// Infer has the Inngest server send a request to a model, and returns the response of
// the model's API decoded into T, which may be any. The app does not run while the server
// waits. If the request fails and has no attempts left, Infer returns an [Error].
func Infer[T any](ctx context.Context, id string, request InferRequest) (T, error) {
	begin := func(ctx context.Context, _ call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if err := checkURL(c, id, request.URL); err != nil {
			return nil, err
		}
		// The SDK would have the server retry an encoding error.
		body, err := codecOf(c).Marshal(request.Body)
		if err != nil {
			return nil, abort(c, fmt.Errorf("step %q: the request body cannot be encoded as JSON: %w", id, err))
		}
		if len(body) > maxInputBytes {
			return nil, abort(c, fmt.Errorf("step %q: the request body has %d bytes as JSON, and the limit is %d",
				id, len(body), maxInputBytes))
		}
		if c != nil {
			if err := c.CheckIntegers(ctx, "the request of step", id, body); err != nil {
				return nil, abort(c, err)
			}
		}
		// The SDK's own decoding panics if T is any.
		opts := sdkstep.InferOpts[json.RawMessage]{
			Opts: sdkstep.InferRequestOpts{
				URL: request.URL, Headers: request.Header, AuthKey: string(request.AuthKey), Format: request.Format,
			},
			Body: body,
		}
		if err := ask(ctx, c, opts); err != nil {
			return nil, err
		}
		return sdkstep.Infer[json.RawMessage, json.RawMessage](ctx, id, opts)
	}
	return call.Wait[T](ctx, call.Waiting{Kind: call.AIGateway, Name: id, Begin: begin, Kept: (*call.Call).Kept})
}
