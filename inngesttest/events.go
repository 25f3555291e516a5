package inngesttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Named is a function, by its ID: an inngestkit.Function, or what [FailureHandler] returns.
type Named interface{ ID() string }

// FailureHandler returns the function that inngestkit.OnFailure adds to function.
func FailureHandler(function Named) Named { return failureHandler(function.ID() + "-failure") }

type failureHandler string

func (f failureHandler) ID() string { return string(f) }

// Recorded has events that were sent: an [Env], an [Engine] or a [Recorder].
type Recorded interface {
	Events() []inngestkit.RawEvent
}

// EventsOf returns the sent events of a type, with their data decoded, in the order in which
// they were sent. It panics if the data of one does not fit the type.
func EventsOf[T any](recorded Recorded, eventType inngestkit.EventType[T]) []inngestkit.Event[T] {
	var events []inngestkit.Event[T]
	for _, raw := range recorded.Events() {
		if raw.Name != eventType.Name() {
			continue
		}
		event, err := eventType.Decode(raw)
		if err != nil {
			panic("inngesttest: EventsOf: " + err.Error())
		}
		events = append(events, event)
	}
	return events
}

// eventLog has the events that a backend has accepted from apps, encoded.
type eventLog struct {
	mu   sync.Mutex
	sent []sentEvents
}

// sentEvents are the events of one request, and the IDs that the server gave them.
type sentEvents struct {
	body []byte
	ids  []string
	at   time.Time
}

// maxRequests is how many requests an eventLog keeps.
const maxRequests = 10_000

func (l *eventLog) add(s sentEvents) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) >= maxRequests {
		l.sent = append(l.sent[:0], l.sent[maxRequests/2:]...)
	}
	l.sent = append(l.sent, s)
}

// events decodes the events. Those without an ID or a time get what the server gave them.
func (l *eventLog) events() ([]inngestkit.RawEvent, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []inngestkit.RawEvent
	for _, s := range l.sent {
		var events []inngestkit.RawEvent
		if err := json.Unmarshal(s.body, &events); err != nil {
			return nil, fmt.Errorf("the events of a request are not JSON: %w", err)
		}
		for i, event := range events {
			if (event.ID == nil || *event.ID == "") && i < len(s.ids) {
				event.ID = &s.ids[i]
			}
			if event.Timestamp == 0 {
				event.Timestamp = s.at.UnixMilli()
			}
			all = append(all, event)
		}
	}
	return all, nil
}

// sendsEvents reports whether a request of an app sends events.
func sendsEvents(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/e/")
}

// readBody reads the body of a request and replaces it.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// recordSent adds the events in the body of a request to the log, if the server has accepted
// them, and returns the response.
func recordSent(log *eventLog, body []byte, at time.Time, resp *http.Response, err error) (*http.Response, error) {
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	var accepted struct {
		IDs []string `json:"ids"`
	}
	if err := json.Unmarshal(answer, &accepted); err != nil {
		return nil, err
	}
	log.add(sentEvents{body: body, ids: accepted.IDs, at: at})
	return resp, nil
}
