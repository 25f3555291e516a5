package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// gatewayResult is the response to a request that the server makes for a step.
type gatewayResult struct {
	url    string
	status int
	header http.Header
	body   []byte
	err    error
	// unsent reports that the request could not be built, so that the server fails.
	unsent bool
}

// gatewayOpts are the options of step.Fetch and step.Infer.
type gatewayOpts struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Method  string            `json:"method"`
	AuthKey string            `json:"auth_key"`
	Format  string            `json:"format"`
	Body    json.RawMessage   `json:"body"`
}

// gatewayMethods are the methods that the server can use.
var gatewayMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

var errResponseTooLarge = errors.New("http response size is greater than the limit")

// makeRequests makes the requests that a response asks for. The server makes them as part of
// the call. It runs without the lock.
func (e *Engine) makeRequests(ctx context.Context, f *flight, o *outcome) {
	for _, op := range o.ops {
		if op.Op != opGateway && op.Op != opAIGateway {
			continue
		}
		var s *Step
		e.Locked(func() {
			if !f.it.run.over() {
				s = f.it.run.reach(op, e.clock.now())
			}
		})
		if s == nil {
			return
		}
		op.gateway = e.makeRequest(ctx, f.it.run, s, op)
	}
}

func (e *Engine) makeRequest(ctx context.Context, run *Run, s *Step, op *opcode) *gatewayResult {
	req, err := gatewayRequest(ctx, op)
	if err != nil {
		return &gatewayResult{err: err, unsent: true}
	}
	result := &gatewayResult{url: req.URL.String()}
	if e.cfg.Gateway == nil {
		result.err = errors.New("the test engine has no answer to the request")
		e.Locked(func() { e.fault(run, "step %q requests %s, which nothing answers", s.ID, result.url) })
		return result
	}
	resp, err := e.cfg.Gateway(&GatewayRequest{Run: run, Step: s, Request: req})
	if err != nil {
		result.err = err
		return result
	}
	defer func() { _ = resp.Body.Close() }()
	result.status, result.header = resp.StatusCode, resp.Header
	result.body, result.err = io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if len(result.body) > maxResponse {
		result.err = errResponseTooLarge
	}
	return result
}

// gatewayRequest returns the request of an operation (pkg/util/gateway and
// pkg/util/aigateway of the server).
func gatewayRequest(ctx context.Context, op *opcode) (*http.Request, error) {
	var opts gatewayOpts
	if err := json.Unmarshal(op.Opts, &opts); err != nil {
		return nil, fmt.Errorf("error parsing gateway step: %w", err)
	}
	method, body, header := http.MethodPost, []byte(opts.Body), http.Header{}
	if op.Op == opGateway {
		if opts.Method != "" {
			method = opts.Method
		}
		body = gatewayBody(opts.Body)
	} else {
		header.Set("Content-Type", "application/json")
		if err := authorize(&opts, header); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(gatewayMethods, method) {
		return nil, fmt.Errorf("invalid http method: %s", method)
	}
	for key, value := range opts.Headers {
		header.Add(key, value)
	}
	header.Add("User-Agent", "Inngest")
	req, err := http.NewRequestWithContext(ctx, method, opts.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	return req, nil
}

// gatewayBody returns the body of step.Fetch. The server sends text that is not JSON as a
// JSON string.
func gatewayBody(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) != nil || text == "" {
		return nil
	}
	if json.Valid([]byte(text)) {
		return []byte(text)
	}
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err) // impossible: it is a text
	}
	return encoded
}

// authorize puts the key of step.Infer where the model's provider expects it.
func authorize(opts *gatewayOpts, header http.Header) error {
	switch opts.Format {
	case "gemini":
		u, err := url.Parse(opts.URL)
		if err != nil {
			return err
		}
		query := u.Query()
		query.Add("key", opts.AuthKey)
		u.RawQuery = query.Encode()
		opts.URL = u.String()
	case "bedrock":
		header.Add("Authorization", opts.AuthKey)
	case "anthropic":
		header.Add("X-Api-Key", opts.AuthKey)
	default:
		header.Add("Authorization", "Bearer "+opts.AuthKey)
	}
	return nil
}

// applyGateway stores the response to a request, or tries the call again.
func (e *Engine) applyGateway(f *flight, op *opcode) error {
	run, g := f.it.run, op.gateway
	if g == nil || g.unsent {
		return fmt.Errorf("error creating gateway request: %w", g.err)
	}
	s := run.reach(op, f.began)
	s.Attempts++
	var raw json.RawMessage
	problem := g.problem(op.Op)
	switch {
	case problem != nil && !f.outcome.noRetry && f.it.attempt+1 < run.Function.MaxAttempts:
		s.Errors = append(s.Errors, problem.Message)
		e.attemptRow(f, s, "error: %s", problem.Message)
		return errStepFailed
	case problem != nil:
		s.Errors = append(s.Errors, problem.Message)
		raw = problem.stored()
		e.attemptRow(f, s, "failed: %s", problem.Message)
	default:
		var err error
		if raw, err = g.stored(op.Op); err != nil {
			return err
		}
		e.attemptRow(f, s, "status %d", g.status)
	}
	result, err := canonical(raw)
	if err != nil {
		e.dropped(f, op, err)
		return nil
	}
	run.save(s, result, storedSize(raw), e.clock.now())
	e.discover(run, f.plan, kindEdge, s.Key, s.Key)
	return nil
}

// problem returns the error of a request, nil if it succeeded. For step.Fetch every response
// is a success.
func (g *gatewayResult) problem(op string) *stepError {
	switch {
	case op == opGateway && g.err != nil:
		return &stepError{Name: "GatewayError", Message: fmt.Sprintf("Error making gateway request: %s", g.err)}
	case op == opAIGateway && (g.err != nil || g.status > 299):
		body, err := g.body, g.err
		if len(body) == 0 {
			body = []byte(`{"error":"Error making AI request"}`)
		}
		if err == nil {
			err = fmt.Errorf("unsuccessful status code: %d", g.status)
		}
		return &stepError{
			Name: "AIGatewayError", Message: fmt.Sprintf("Error making AI request: %s", err), Data: body, Stack: string(body),
		}
	}
	return nil
}

// stored returns what the server stores for a final error: null if the data in it is not
// JSON.
func (s *stepError) stored() json.RawMessage {
	inner, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`{"error":null}`)
	}
	return append(append(json.RawMessage(`{"error":`), inner...), '}')
}

// stored returns what the server stores for a response.
func (g *gatewayResult) stored(op string) (json.RawMessage, error) {
	if op == opAIGateway {
		out, err := json.Marshal(map[string]json.RawMessage{"data": g.body})
		if err != nil {
			return nil, fmt.Errorf("error wrapping ai result in map: %w", err)
		}
		return out, nil
	}
	header := make(map[string]string, len(g.header))
	for key, values := range g.header {
		header[key] = strings.Join(values, ",")
	}
	return json.Marshal(map[string]any{"data": map[string]any{
		"url": g.url, "headers": header, "body": string(g.body), "status_code": g.status,
	}})
}
