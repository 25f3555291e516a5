package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// The functions of the services, as the Inngest server calls them.
const (
	fulfilOrder = "orders-fulfil-order"
	shipOrder   = "shipping-ship-order"
)

const (
	// runTimeout limits the runs, which take a few seconds.
	runTimeout = 2 * time.Minute
	// spanTimeout limits the wait for the spans of finished runs, which takes
	// milliseconds.
	spanTimeout = 10 * time.Second
)

const body = `{"item":"teapot","cents":4200}`

// tell places an order, and prints and checks its trace.
func (s *session) tell(ctx context.Context, url string) error {
	within, cancel := context.WithTimeoutCause(ctx, runTimeout,
		fmt.Errorf("this should take seconds, but is not over after %s", runTimeout))
	defer cancel()
	if err := s.server.AwaitFunctions(within, fulfilOrder, shipOrder); err != nil {
		return err
	}
	s.out.printf("\nPOST %s/orders %s\n", url, body)
	eventID, err := s.place(within, url+"/orders")
	if err != nil {
		return err
	}
	if err := s.awaitRuns(within, eventID); err != nil {
		return err
	}
	if err := s.show(ctx, eventID); err != nil || !s.keep {
		return err
	}
	return s.linger(ctx, url, eventID)
}

// place sends an order like a client without tracing, and returns the ID of the event.
func (s *session) place(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("POST /orders: %w", err)
	}
	var answer struct {
		EventID string `json:"eventId"`
	}
	if json.Unmarshal(data, &answer) != nil || resp.StatusCode != http.StatusAccepted || answer.EventID == "" {
		return "", fmt.Errorf("POST /orders: the service responded with %s %s", resp.Status, data)
	}
	return answer.EventID, nil
}

// awaitRuns waits for the run of each function.
func (s *session) awaitRuns(ctx context.Context, eventID string) error {
	for _, await := range []func() ([]devserver.Run, error){
		func() ([]devserver.Run, error) { return s.server.AwaitRuns(ctx, eventID, 1) },
		func() ([]devserver.Run, error) { return s.server.AwaitRunsOf(ctx, shipOrder, 1) },
	} {
		runs, err := await()
		if err != nil {
			return err
		}
		if len(runs) != 1 || runs[0].Status != devserver.RunCompleted {
			return fmt.Errorf("expected one completed run, but got %v", runs)
		}
	}
	return nil
}

// show prints the trace of the only order, and its log lines.
func (s *session) show(ctx context.Context, eventID string) error {
	within, cancel := context.WithTimeoutCause(ctx, spanTimeout,
		fmt.Errorf("the runs are completed, but the trace is still wrong %s later", spanTimeout))
	defer cancel()
	var t *orderTrace
	err := s.spans.await(within, func(spans []sdktrace.ReadOnlySpan) (err error) {
		t, err = checkOrder(spans, eventID)
		return err
	})
	if err != nil {
		spans, _ := s.spans.all()
		for _, id := range ours(spans) {
			s.out.printf("\n")
			traceWith(spans, id).writeTo(s.out)
		}
		return err
	}
	s.tellOf(t)
	s.out.printf("\nchecked: both functions are completed, and everything sent and run for the order is in this one trace\n")
	return nil
}

func (s *session) tellOf(t *orderTrace) {
	s.out.printf("\n")
	t.writeTo(s.out)
	s.out.printf(`
⇄ is a link to another trace and back: to the HTTP server span of the call, which
is in a trace that the Inngest server started for its requests.

logged with this trace_id:
%s`, s.log.with(t.id.String()))
}

// linger leaves everything running until ctx ends, and prints the traces of further
// orders.
func (s *session) linger(ctx context.Context, url, shown string) error {
	s.out.printf(`
Everything is still running. Place another order:
    curl %s/orders -H 'Content-Type: application/json' -d '%s'
Ctrl-C stops everything.
`, url, body)
	known := map[string]bool{shown: true}
	for {
		spans, changed := s.spans.all()
		for _, span := range spans {
			eventID := attributeOf(span, semconv.MessagingMessageIDKey)
			if span.Name() != sendOrder || known[eventID] {
				continue
			}
			if t, err := traceOf(spans, eventID); err == nil {
				known[eventID] = true
				s.tellOf(t)
				s.spans.forget(t)
			}
		}
		select {
		case <-changed:
		case <-s.server.Done():
			return errors.New("the Inngest server ended by itself")
		case <-ctx.Done():
			return nil
		}
	}
}
