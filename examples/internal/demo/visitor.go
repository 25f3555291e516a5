package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// pollEvery is the time between two looks at something that is awaited.
const pollEvery = 50 * time.Millisecond

// A Visitor uses the routes of an application, as its users do.
type Visitor struct {
	session *session
	client  *http.Client
}

// Say prints what the visitor thinks.
func (v *Visitor) Say(text string) { v.session.out.linef("you", "%s", text) }

// Do sends a request with a JSON body, which may be empty, to a service, and prints it with
// its response. If response is not nil, the response is decoded into it. A status other than
// 2xx is an error.
func (v *Visitor) Do(ctx context.Context, service, method, path, body string, response any) error {
	v.Say(strings.TrimSpace(method + " " + path + " " + body))
	data, err := v.request(ctx, service, method, path, body)
	if err != nil {
		return err
	}
	v.session.out.linef(service, "responds %s", short(string(data), maxResponse))
	if response == nil {
		return nil
	}
	if err := json.Unmarshal(data, response); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// Await repeats a GET until enough says that the response is what the visitor waits for, and
// prints only that one.
func (v *Visitor) Await(ctx context.Context, service, path string, response any, enough func() bool) error {
	for {
		data, err := v.request(ctx, service, http.MethodGet, path, "")
		if err != nil && ctx.Err() != nil {
			return err
		}
		// Until the function has run, there may be nothing to get.
		if err == nil {
			if err := json.Unmarshal(data, response); err != nil {
				return fmt.Errorf("GET %s: %w", path, err)
			}
			if enough() {
				v.Say("GET " + path)
				v.session.out.linef(service, "responds %s", short(string(data), maxResponse))
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("GET %s: waited for more than %s: %w", path, data, context.Cause(ctx))
		case <-time.After(pollEvery):
		}
	}
}

// AwaitStep waits until the run that an event has started has reached a step. An event that
// the step waits for is then not missed.
func (v *Visitor) AwaitStep(ctx context.Context, eventID, step string) error {
	_, err := v.session.server.AwaitStep(ctx, eventID, step)
	return err
}

// AwaitEnd waits until a run of each event has ended. Empty IDs do not count.
func (v *Visitor) AwaitEnd(ctx context.Context, eventIDs ...string) error {
	for _, id := range eventIDs {
		if id == "" {
			continue
		}
		if _, err := v.session.server.AwaitRuns(ctx, id, 1); err != nil {
			return err
		}
	}
	return nil
}

// request returns the body of a response.
func (v *Visitor) request(ctx context.Context, service, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, v.session.urls[service]+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // it has been read
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: the service responded with %s %s", method, path, resp.Status, data)
	}
	return data, nil
}
