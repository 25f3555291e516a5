package inngestlambda

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/inngestkit/inngestkit/core/adapter"
)

const (
	// maxRequest and maxResponse are the sizes in bytes of the largest payloads that Lambda
	// accepts, according to its errors RequestTooLargeException and
	// Function.ResponseSizeTooLarge.
	maxRequest  = 6_291_456
	maxResponse = 6_291_556
	// maxALB is the size in bytes of the largest request body and of the largest response as
	// JSON that a load balancer passes on ("Limits" in AWS's documentation of Lambda targets).
	maxALB = 1 << 20
)

// responseLimit returns the size in bytes of the largest response as JSON.
func (k kind) responseLimit() int {
	if k == alb {
		return maxALB
	}
	return maxResponse
}

// bodyLimit returns about the size in bytes of the largest body that arrives even if it is
// encoded as base64, in which four bytes stand for three.
func (k kind) bodyLimit() int64 {
	if k == alb {
		return maxALB
	}
	return maxRequest / 4 * 3
}

// respond encodes a response for the service that has sent the event. The logger gets an
// error for a response that is too large; it may be nil for one that is not.
func (e *event) respond(logger *slog.Logger, resp *adapter.Response) ([]byte, error) {
	encoded, err := e.encode(resp)
	if limit := e.kind.responseLimit(); err == nil && len(encoded) > limit {
		tooLarge := fmt.Sprintf("the response has %d bytes as JSON, more than the %d that Lambda and the service in front of it "+
			"accept; keep large data elsewhere and return a reference", len(encoded), limit)
		logger.Error("inngest: response refused", "method", e.HTTPMethod, "path", e.requested, "error", tooLarge)
		encoded, err = e.encode(failed(resp, tooLarge))
	}
	return encoded, err
}

// kept lists the headers that a refused response keeps: those that every response of an SDK
// has. The server treats a response without X-Inngest-Sdk as that of a proxy.
var kept = []string{"X-Inngest-Sdk", "X-Inngest-Sdk-Handled", "X-Inngest-Req-Version", "X-Inngest-Framework"}

// maxKept is the length of the longest header value that a refused response keeps. Those
// that the core sets have less than 30 bytes.
const maxKept = 256

// failed returns a response that fails a call for good in place of resp: another attempt
// would end in the same way. Other headers of resp may be too large, or be wrong for the
// new body, such as Content-Encoding and X-Inngest-Signature.
func failed(resp *adapter.Response, message string) *adapter.Response {
	body, err := json.Marshal(map[string]string{"name": "Error", "message": message})
	if err != nil {
		panic(err) // strings can be encoded
	}
	header := http.Header{"Content-Type": {"application/json"}, "X-Inngest-No-Retry": {"true"}}
	for _, name := range kept {
		if value := resp.Header.Get(name); value != "" && len(value) <= maxKept {
			header.Set(name, value)
		}
	}
	return &adapter.Response{Status: http.StatusInternalServerError, Header: header, Body: body}
}

// hopByHop lists the headers that apply only to a connection (RFC 9110, 7.6.1), and
// Content-Length, which the service sets.
var hopByHop = []string{
	"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
}

// encode returns a response as JSON in the form of the event's kind.
func (e *event) encode(resp *adapter.Response) ([]byte, error) {
	header := resp.Header.Clone()
	for _, name := range hopByHop {
		header.Del(name)
	}
	body, isBase64 := string(resp.Body), false
	if !utf8.Valid(resp.Body) {
		body, isBase64 = base64.StdEncoding.EncodeToString(resp.Body), true
	}
	switch e.kind {
	case httpAPI2:
		cookies := header["Set-Cookie"]
		delete(header, "Set-Cookie")
		return marshal(events.APIGatewayV2HTTPResponse{
			StatusCode: resp.Status, Headers: joined(header), Cookies: cookies, Body: body, IsBase64Encoded: isBase64,
		})
	case alb:
		encoded := events.ALBTargetGroupResponse{
			StatusCode: resp.Status, StatusDescription: strconv.Itoa(resp.Status) + " " + http.StatusText(resp.Status),
			Body: body, IsBase64Encoded: isBase64,
		}
		if len(e.MultiValueHeaders) > 0 {
			encoded.MultiValueHeaders = header
		} else {
			if cookies := header["Set-Cookie"]; len(cookies) > 1 {
				header["Set-Cookie"] = cookies[:1] // they cannot be joined
			}
			encoded.Headers = joined(header)
		}
		return marshal(encoded)
	default:
		return marshal(events.APIGatewayProxyResponse{
			StatusCode: resp.Status, MultiValueHeaders: header, Body: body, IsBase64Encoded: isBase64,
		})
	}
}

// joined returns headers with the values of each joined with commas.
func joined(header http.Header) map[string]string {
	single := make(map[string]string, len(header))
	for name, values := range header {
		single[name] = strings.Join(values, ", ")
	}
	return single
}

// marshal encodes a response as JSON without escaping HTML, which would enlarge it.
func marshal(response any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(response); err != nil {
		return nil, fmt.Errorf("inngestlambda: encode the response: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
