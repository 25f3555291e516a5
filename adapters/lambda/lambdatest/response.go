package lambdatest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

const (
	// maxResponsePayload and maxALBResponse are the sizes in bytes of the largest responses
	// that Lambda and load balancers accept.
	maxResponsePayload = 6_291_556
	maxALBResponse     = 1 << 20
)

// response is what a handler returns: the union of what the services accept.
type response struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Cookies           []string            `json:"cookies"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// write writes a response as the service does, or returns an error if the service would
// refuse it.
func (g *Gateway) write(w http.ResponseWriter, encoded []byte) error {
	switch {
	case len(encoded) > maxResponsePayload:
		return fmt.Errorf("the response has %d bytes, and Lambda accepts %d", len(encoded), maxResponsePayload)
	case g.Kind.isALB() && len(encoded) > maxALBResponse:
		return fmt.Errorf("the response has %d bytes, and a load balancer accepts %d", len(encoded), maxALBResponse)
	}
	var resp response
	if err := json.Unmarshal(encoded, &resp); err != nil {
		return fmt.Errorf("the response is not JSON: %w", err)
	}
	if resp.StatusCode == 0 {
		return errors.New("the response has no statusCode")
	}
	body := []byte(resp.Body)
	if resp.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(resp.Body); err != nil {
			return fmt.Errorf("the body of the response is not base64: %w", err)
		}
	}
	header := w.Header()
	for name, value := range resp.Headers {
		if g.Kind != ALB { // it reads multiValueHeaders instead
			header.Set(name, value)
		}
	}
	for name, values := range resp.MultiValueHeaders {
		if !g.Kind.isV2() && g.Kind != ALBSingleValue { // they ignore multiValueHeaders
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if g.Kind.isV2() && len(resp.Cookies) > 0 {
		header["Set-Cookie"] = resp.Cookies
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(body) // the client may have hung up
	return nil
}
