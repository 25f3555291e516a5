package inngesttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// The recorder's side of the server's HTTP API.

// headerSeed is the header that lets the server recognize a repeated request.
const headerSeed = "X-Inngest-Event-Id-Seed"

// roundTrip answers a request to the server.
func (r *Recorder) roundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	status, response, latency := r.answer(req, body)
	if err := pause(req, latency); err != nil {
		return nil, err
	}
	if status == 0 {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return jsonResponse(req, status, response), nil
}

// pause waits for d, or until the request is given up.
func pause(req *http.Request, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-req.Context().Done():
		return req.Context().Err()
	}
}

// answer does what a request asks for. Status 0 is a refused connection.
func (r *Recorder) answer(req *http.Request, body []byte) (status int, response []byte, latency time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	latency = r.latency
	if len(r.failures) > 0 {
		status = r.failures[0]
		r.failures = r.failures[1:]
		status, response = refusal(status, "a failure of inngesttest.Recorder")
		return status, response, latency
	}
	switch path := req.URL.Path; {
	case sendsEvents(req):
		status, response = r.takeEvents(req, body)
	case req.Method == http.MethodPost && path == "/v1/signals":
		status, response = r.takeSignal(body)
	case path == "/fn/register", path == "/dev":
		status, response = r.ask(req)
	case path == "/health":
		status, response = http.StatusOK, []byte("{}")
	default:
		status, response = refusal(http.StatusNotFound, "inngesttest.Recorder does not answer "+req.Method+" "+path)
	}
	return status, response, latency
}

// refusal returns the response to a request that fails, in the server's form.
func refusal(status int, message string) (int, []byte) {
	return status, fmt.Appendf(nil, `{"error":%q,"status":%d}`, message, status)
}

// ask has the engine answer a request.
func (r *Recorder) ask(req *http.Request) (status int, response []byte) {
	resp, err := r.engine.RoundTrip(req)
	if err != nil {
		return refusal(http.StatusInternalServerError, err.Error())
	}
	defer func() { _ = resp.Body.Close() }()
	if response, err = io.ReadAll(resp.Body); err != nil {
		return refusal(http.StatusInternalServerError, err.Error())
	}
	return resp.StatusCode, response
}

// takeEvents records the events of a request that the engine accepts: all, or those before the
// first that it refuses. A repeated request has the same seed and the same IDs.
func (r *Recorder) takeEvents(req *http.Request, body []byte) (status int, response []byte) {
	status, response = r.ask(req)
	r.engine.Settle(req.Context()) // drops the events, which start nothing
	var accepted struct {
		IDs []string `json:"ids"`
	}
	if json.Unmarshal(response, &accepted) != nil {
		return status, response
	}
	if seed := req.Header.Get(headerSeed); seed != "" {
		if r.seeds[seed] {
			return status, response
		}
		r.seeds[seed] = true
	}
	for i, event := range decodeEvents(body) {
		if i == len(accepted.IDs) || accepted.IDs[i] == "" {
			break
		}
		if event.ID == nil || *event.ID == "" {
			event.ID = &accepted.IDs[i]
		}
		if event.Timestamp == 0 {
			event.Timestamp = time.Now().UnixMilli()
		}
		r.events = append(r.events, event)
	}
	close(r.changed)
	r.changed = make(chan struct{})
	return status, response
}

// decodeEvents returns the events of a request before the first that is not one. A request may
// be one event without an array.
func decodeEvents(body []byte) (events []inngestkit.RawEvent) {
	if body = bytes.TrimSpace(body); bytes.HasPrefix(body, []byte("{")) {
		body = fmt.Appendf(nil, "[%s]", body)
	}
	var all []json.RawMessage
	if json.Unmarshal(body, &all) != nil {
		return nil
	}
	for _, raw := range all {
		var event inngestkit.RawEvent
		if json.Unmarshal(raw, &event) != nil {
			break
		}
		events = append(events, event)
	}
	return events
}

func (r *Recorder) takeSignal(body []byte) (status int, response []byte) {
	var sent struct {
		Signal string          `json:"signal"`
		Data   json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &sent); err != nil || sent.Signal == "" {
		return refusal(http.StatusBadRequest, "the request has no signal")
	}
	r.signals = append(r.signals, SentSignal{Name: sent.Signal, Data: sent.Data})
	return http.StatusOK, fmt.Appendf(nil, `{"data":{"run_id":%q}}`, stepContextRun)
}

// jsonResponse returns a response of the server.
func jsonResponse(r *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       r,
	}
}
