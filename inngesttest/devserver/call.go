package devserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// StatusError is a response of the server's API with a status other than 2xx.
type StatusError struct {
	// Method and Path identify the request.
	Method, Path string
	// Status is the HTTP status code of the response.
	Status int
	// Body is the beginning of the response body, up to 4 KiB.
	Body string
}

// Error returns the request, the status and the body.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: status %d: %s", e.Method, e.Path, e.Status, strings.TrimSpace(e.Body))
}

// Do calls the server's HTTP API, with the required authorization. Use it for the
// parts of the API that [Server] has no method for. path begins with a slash and may
// have a query. If in is not nil, it is sent as JSON. If out is not nil, the response
// is decoded into it. A status other than 2xx is a [*StatusError].
func (s *Server) Do(ctx context.Context, method, path string, in, out any) error {
	if err := s.call(ctx, method, path, in, out); err != nil {
		return s.explain(fmt.Errorf("devserver: Inngest server: %w", err))
	}
	return nil
}

// GraphQL queries the server's GraphQL API, /v0/gql, and decodes the data of the
// response into out.
func (s *Server) GraphQL(ctx context.Context, query string, variables map[string]any, out any) error {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	in := map[string]any{"query": query, "variables": variables}
	if err := s.Do(ctx, http.MethodPost, "/v0/gql", in, &answer); err != nil {
		return err
	}
	var errs []error
	for _, e := range answer.Errors {
		errs = append(errs, errors.New(e.Message))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("devserver: Inngest server: POST /v0/gql: %w", err)
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		return fmt.Errorf("devserver: Inngest server: POST /v0/gql: decoding the response: %w", err)
	}
	return nil
}

// explain adds to an error that the server has ended, if it has, and the end of its log.
func (s *Server) explain(err error) error {
	if !s.ended() {
		return err
	}
	return fmt.Errorf("%w (the server has ended: %s; the end of its log:\n%s)", err, s.proc.cmd.ProcessState, s.Logs())
}

// fresh makes the URL of each GET unique. The server caches responses by URL, 15 s
// for the runs of an event and 3 s for a run, so a polling client would see old ones.
var fresh atomic.Int64

func (s *Server) call(ctx context.Context, method, path string, in, out any) (err error) {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: encoding the request: %w", method, path, err)
		}
		body = bytes.NewReader(encoded)
	}
	target, err := url.Parse(s.URL() + path)
	if err != nil {
		return err
	}
	if method == http.MethodGet {
		query := target.Query()
		query.Set("_fresh", strconv.FormatInt(fresh.Add(1), 10))
		target.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.cfg.selfHosted() {
		req.Header.Set("Authorization", "Bearer "+hashedKey(s.cfg.SigningKey))
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return s.withoutURL(method, path, err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s %s: reading the response: %w", method, s.clean(path), err)
	}
	if status := trueStatus(resp.StatusCode, path, answer); status < 200 || status > 299 {
		return &StatusError{Method: method, Path: s.clean(path), Status: status, Body: string(answer[:min(len(answer), 4<<10)])}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: decoding the response: %w", method, s.clean(path), err)
	}
	return nil
}

// trueStatus returns the original status of a response. The server's cache for /v1
// replaces it with 200; the body still has it.
func trueStatus(status int, path string, answer []byte) int {
	if status != http.StatusOK || !strings.HasPrefix(path, "/v1/") {
		return status
	}
	var failure struct {
		Error  string `json:"error"`
		Status int    `json:"status"`
	}
	if json.Unmarshal(answer, &failure) == nil && failure.Error != "" && failure.Status >= 400 {
		return failure.Status
	}
	return status
}

// withoutURL replaces the URL in a transport error, because it may contain the event
// key.
func (s *Server) withoutURL(method, path string, err error) error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err
	}
	return fmt.Errorf("%s %s: %w", method, s.clean(path), err)
}

// clean returns a request's path without the event key.
func (s *Server) clean(path string) string {
	if strings.HasPrefix(path, eventPath) {
		return eventPath + "…"
	}
	return path
}
