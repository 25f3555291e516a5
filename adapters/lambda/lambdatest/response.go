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

// decode returns the response that a service makes of what a handler returns.
func (g *Gateway) decode(encoded []byte) (*response, error) {
	if !json.Valid(encoded) {
		return nil, errors.New("the response is not JSON")
	}
	var status struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	_ = json.Unmarshal(encoded, &status) // fails if the response is not an object, which has no statusCode
	if g.Kind.isV2() && status.StatusCode == nil {
		// Only payload 2.0 accepts any JSON; see docs.aws.amazon.com/apigateway/latest/developerguide/
		// http-api-develop-integrations-lambda.html.
		return &response{
			StatusCode: http.StatusOK, Headers: map[string]string{"Content-Type": "application/json"}, Body: string(encoded),
		}, nil
	}
	resp := &response{}
	if err := json.Unmarshal(encoded, resp); err != nil {
		return nil, fmt.Errorf("the response does not have the form that the service expects: %w", err)
	}
	if resp.StatusCode < 100 || resp.StatusCode > 599 {
		return nil, fmt.Errorf("the statusCode of the response is %d; it must be from 100 to 599", resp.StatusCode)
	}
	return resp, nil
}

// refusal is the body of a response that a service sends in place of the function's.
type refusal struct {
	Message string `json:"message"`
	// Reason is missing on AWS. Here it helps with debugging.
	Reason string `json:"reason,omitempty"`
}

// refuse writes a refusal.
func refuse(w http.ResponseWriter, status int, body refusal) {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings can be encoded
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encoded) // the client may have hung up
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
	resp, err := g.decode(encoded)
	if err != nil {
		return err
	}
	body := []byte(resp.Body)
	if resp.IsBase64Encoded {
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
