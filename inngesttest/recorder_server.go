package inngesttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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
	encoded, err := json.Marshal(response)
	if err != nil {
		return nil, err
	}
	return jsonResponse(req, status, encoded), nil
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

// fields is a JSON object.
type fields = map[string]any

// answer does what a request asks for. Status 0 is a refused connection.
func (r *Recorder) answer(req *http.Request, body []byte) (status int, response fields, latency time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	latency = r.latency
	if len(r.failures) > 0 {
		status = r.failures[0]
		r.failures = r.failures[1:]
		return status, fields{"error": "a failure of inngesttest.Recorder", "status": status}, latency
	}
	switch path := req.URL.Path; {
	case req.Method == http.MethodPost && strings.HasPrefix(path, "/e/"):
		status, response = r.takeEvents(body, req.Header.Get(headerSeed))
	case req.Method == http.MethodPost && path == "/v1/signals":
		status, response = r.takeSignal(body)
	case req.Method == http.MethodPost && path == "/fn/register":
		status, response = http.StatusOK, fields{"ok": true, "modified": true}
	case req.Method == http.MethodGet && path == "/dev":
		status, response = http.StatusOK, fields{"functions": []any{}}
	case req.Method == http.MethodGet && path == "/health":
		status, response = http.StatusOK, fields{"status": http.StatusOK}
	default:
		status, response = refusal(http.StatusNotFound, "inngesttest.Recorder does not answer "+req.Method+" "+path)
	}
	return status, response, latency
}

func refusal(status int, message string) (int, fields) {
	return status, fields{"error": message, "status": status}
}

// takeEvents records the events of a request, or of its repetition, which has the same seed.
func (r *Recorder) takeEvents(body []byte, seed string) (status int, response fields) {
	if ids, ok := r.seeds[seed]; ok && seed != "" {
		return http.StatusOK, fields{"ids": ids, "status": http.StatusOK}
	}
	events, err := decodeEvents(body)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	ids := make([]string, len(events))
	for i := range ids {
		r.count++
		ids[i] = fmt.Sprintf("%026d", r.count) // has the form of a ULID
	}
	if seed != "" {
		r.seeds[seed] = ids
	}
	r.events = append(r.events, events...)
	close(r.changed)
	r.changed = make(chan struct{})
	return http.StatusOK, fields{"ids": ids, "status": http.StatusOK}
}

var errNoName = errors.New("event name is empty")

// decodeEvents decodes one event or an array of them.
func decodeEvents(body []byte) ([]inngestkit.RawEvent, error) {
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("{")) {
		body = fmt.Appendf(nil, "[%s]", body)
	}
	var events []inngestkit.RawEvent
	if err := json.Unmarshal(body, &events); err != nil {
		return nil, fmt.Errorf("unable to read the events: %w", err)
	}
	for _, e := range events {
		if e.Name == "" {
			return nil, errNoName
		}
	}
	return events, nil
}

func (r *Recorder) takeSignal(body []byte) (status int, response fields) {
	var sent struct {
		Signal string          `json:"signal"`
		Data   json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &sent); err != nil || sent.Signal == "" {
		return refusal(http.StatusBadRequest, "the request has no signal")
	}
	r.signals = append(r.signals, SentSignal{Name: sent.Signal, Data: sent.Data})
	r.count++
	return http.StatusOK, fields{"data": fields{"run_id": fmt.Sprintf("%026d", r.count)}}
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
