package tracing

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// A call, the step that runs in it, and what it sends are spans below each other, each in the
// context of its code.
func TestSpansOfACall(t *testing.T) {
	t.Parallel()
	var inFunction, inStep trace.SpanContext
	shipped := inngestkit.DefineEvent[order]("order.shipped")
	s := newSite(t, nil, onPlaced(func(ctx context.Context, in input) (any, error) {
		inFunction = trace.SpanContextFromContext(ctx)
		if _, err := step.Run(ctx, "kept", func(context.Context) (int, error) { return 0, errors.New("it was kept") }); err != nil {
			return nil, err
		}
		return step.Run(ctx, "ship", func(ctx context.Context) ([]string, error) {
			inStep = trace.SpanContextFromContext(ctx)
			return inngestkit.Send(ctx, shipped.New(in.Event.Data))
		})
	}))
	resp := s.call(t.Context(), t, "fulfil", run{}.kept("kept", 1))
	require.Equal(t, 206, resp.Status, "%s", resp.Body)

	function, ship, send := s.named(t, "process fulfil"), s.named(t, "step ship"), s.named(t, "send order.shipped")
	require.Len(t, s.spans.GetSpans(), 3, "no span for the memoized step")
	require.Equal(t, function.SpanContext, inFunction)
	require.Equal(t, ship.SpanContext, inStep)
	require.Equal(t, function.SpanContext.SpanID(), ship.Parent.SpanID())
	require.Equal(t, ship.SpanContext.SpanID(), send.Parent.SpanID())
	require.Equal(t, []trace.SpanKind{trace.SpanKindConsumer, trace.SpanKindInternal, trace.SpanKindProducer},
		[]trace.SpanKind{function.SpanKind, ship.SpanKind, send.SpanKind})
	for _, span := range []tracetest.SpanStub{function, ship, send} {
		require.Equal(t, codes.Unset, span.Status.Code)
		require.Equal(t, "github.com/inngestkit/inngestkit/contrib/otel", span.InstrumentationScope.Name)
		require.Equal(t, inngestkit.Version, span.InstrumentationScope.Version)
		require.Equal(t, semconv.SchemaURL, span.InstrumentationScope.SchemaURL)
		require.False(t, span.EndTime.Before(span.StartTime))
	}
	of := func(more map[attribute.Key]any) map[attribute.Key]any {
		all := map[attribute.Key]any{
			"inngest.app.id": "shop", "inngest.function.id": "fulfil", "inngest.run.id": runID, "inngest.attempt": int64(0),
			"inngest.request.id": "req-1", "inngest.job.id": "job-1", "inngest.env": "staging",
		}
		maps.Copy(all, more)
		return all
	}
	require.Equal(t, of(map[attribute.Key]any{
		"inngest.outcome":  "yielded",
		"messaging.system": "inngest", "messaging.operation.name": "process", "messaging.operation.type": "process",
		"messaging.destination.name": "order.placed", "messaging.message.id": "ev1", "messaging.consumer.group.name": "fulfil",
	}), attributes(function))
	require.Equal(t, of(map[attribute.Key]any{"inngest.step.id": "ship", "inngest.outcome": "completed"}), attributes(ship))
	require.Equal(t, map[attribute.Key]any{
		"inngest.app.id": "shop", "messaging.system": "inngest", "messaging.operation.name": "send",
		"messaging.operation.type": "send", "messaging.destination.name": "order.shipped", "messaging.message.id": "sent-1",
	}, attributes(send))
}

// declinedError is an error with its own type.
type declinedError struct{ code int }

func (e declinedError) Error() string { return fmt.Sprintf("declined with code %d", e.code) }

// Spans show how a call or a step ended.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	const declined = "github.com/inngestkit/inngestkit/internal/conformance/tracing.declinedError"
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		err       error
		attempt   int
		outcome   inngestkit.Outcome
		errorType string
		message   string
	}{
		"completed":              {outcome: inngestkit.OutcomeCompleted},
		"retried":                {err: boom, outcome: inngestkit.OutcomeRetried, errorType: "*errors.errorString", message: "boom"},
		"retried later":          {err: inngestkit.RetryAfter(declinedError{5}, 1), attempt: 2, outcome: inngestkit.OutcomeRetried, errorType: declined, message: "declined with code 5"},
		"failed":                 {err: fmt.Errorf("charging: %w", declinedError{7}), attempt: 3, outcome: inngestkit.OutcomeFailed, errorType: declined, message: "charging: declined with code 7"},
		"non-retriable":          {err: inngestkit.NoRetry(declinedError{9}), outcome: inngestkit.OutcomeNonRetriable, errorType: declined, message: "declined with code 9"},
		"non-retriable, wrapped": {err: fmt.Errorf("x: %w", inngestkit.NoRetry(boom)), attempt: 3, outcome: inngestkit.OutcomeNonRetriable, errorType: "*errors.errorString", message: "x: boom"},
	} {
		check := func(t *testing.T, span tracetest.SpanStub) {
			t.Helper()
			require.Equal(t, string(tc.outcome), attributes(span)[inngestotel.OutcomeKey])
			require.Equal(t, int64(tc.attempt), attributes(span)[inngestotel.AttemptKey])
			if tc.err == nil {
				require.Empty(t, span.Events)
				require.NotContains(t, attributes(span), attribute.Key("error.type"))
				require.Equal(t, codes.Unset, span.Status.Code)
				return
			}
			require.Equal(t, codes.Error, span.Status.Code)
			require.Equal(t, tc.message, span.Status.Description)
			require.Equal(t, tc.errorType, attributes(span)["error.type"])
			require.Len(t, span.Events, 1)
			require.Equal(t, "exception", span.Events[0].Name)
			require.Equal(t, []attribute.KeyValue{
				attribute.String("exception.type", tc.errorType), attribute.String("exception.message", tc.message),
			}, span.Events[0].Attributes)
		}
		t.Run(name+" function", func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) { return "ok", tc.err }))
			s.call(t.Context(), t, "fulfil", run{attempt: tc.attempt})
			check(t, s.named(t, "process fulfil"))
		})
		t.Run(name+" step", func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil, onPlaced(func(ctx context.Context, _ input) (any, error) {
				return step.Run(ctx, "charge", func(context.Context) (string, error) { return "ok", tc.err })
			}))
			s.call(t.Context(), t, "fulfil", run{attempt: tc.attempt})
			check(t, s.named(t, "step charge"))
			process := s.named(t, "process fulfil")
			require.Equal(t, string(inngestkit.OutcomeYielded), attributes(process)[inngestotel.OutcomeKey])
			require.Equal(t, codes.Unset, process.Status.Code, "the step has failed, not the call")
		})
	}
}

// A step that has failed fails the function, unless the function handles it: attempts are left,
// but the server does not make them.
func TestOutcomeOfAFailedStep(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "charge", func(context.Context) (string, error) { return "", errors.New("it was kept") })
	}))
	failed := run{}.kept("charge", nil)
	for key := range failed.steps {
		failed.steps[key] = map[string]any{"error": map[string]any{"name": "Error", "message": "declined", "data": nil}}
	}
	resp := s.call(t.Context(), t, "fulfil", failed)
	require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
	process := s.named(t, "process fulfil")
	require.Equal(t, string(inngestkit.OutcomeNonRetriable), attributes(process)[inngestotel.OutcomeKey])
	require.Equal(t, "declined", process.Status.Description)
}

// The stack of a panic is on the span of what panicked.
func TestPanicsAreRecorded(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "charge", func(context.Context) (string, error) { panic("no card") })
	}))
	s.call(t.Context(), t, "fulfil", run{})
	charge := s.named(t, "step charge")
	require.Equal(t, string(inngestkit.OutcomeRetried), attributes(charge)[inngestotel.OutcomeKey])
	require.Equal(t, `step "charge" panicked: no card`, charge.Status.Description)
	exception := tracetest.SpanStub{Attributes: charge.Events[0].Attributes}
	require.Equal(t, "*inngestkit.PanicError", attributes(exception)["exception.type"])
	require.Contains(t, attributes(exception)["exception.stacktrace"], "TestPanicsAreRecorded")
}

// A long stack is cut, such as that of an endless recursion.
func TestLongStacksAreCut(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) {
		return nil, &inngestkit.PanicError{Where: "x", Value: "oh", Stack: bytes.Repeat([]byte("x"), 20<<10)}
	}))
	s.call(t.Context(), t, "fulfil", run{})
	exception := tracetest.SpanStub{Attributes: s.named(t, "process fulfil").Events[0].Attributes}
	require.Len(t, attributes(exception)["exception.stacktrace"], 16<<10)
}

// If a goroutine ends inside a function, as in tests, its spans end, too.
func TestSpansEndWithTheirGoroutine(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) {
		runtime.Goexit()
		return nil, nil
	}))
	ended, request := make(chan struct{}), callOf(t, "fulfil", run{})
	go func() {
		defer close(ended)
		s.app.Do(t.Context(), request)
	}()
	<-ended
	s.named(t, "process fulfil")
	require.Equal(t, int64(0), sum(t, s.collected(t)["inngest.function.active"]))
}

// Steps with the same ID have different indexes.
func TestIndexOfSteps(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(ctx context.Context, _ input) (any, error) {
		var last string
		for range 2 {
			var err error
			if last, err = step.Run(ctx, "again", func(context.Context) (string, error) { return "x", nil }); err != nil {
				return nil, err
			}
		}
		return last, nil
	}))
	s.call(t.Context(), t, "fulfil", run{}.kept("again", "x"))
	require.Equal(t, int64(1), attributes(s.named(t, "step again"))[inngestotel.StepIndexKey])
}

// An event that does not fit its function fails in the function's span.
func TestEventsThatDoNotFit(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) { return "ok", nil }))
	s.call(t.Context(), t, "fulfil", run{events: []string{event("ev1", `{"id":[]}`)}})
	process := s.named(t, "process fulfil")
	require.Equal(t, string(inngestkit.OutcomeNonRetriable), attributes(process)[inngestotel.OutcomeKey])
	require.Contains(t, process.Status.Description, `field "data.id" is a JSON array where Go has string`)
}

// The spans of sends show what was sent, and what failed.
func TestSpansOfSends(t *testing.T) {
	t.Parallel()
	other := inngestkit.DefineEvent[order]("order.other")
	for name, tc := range map[string]struct {
		events     []inngestkit.AnyEvent
		status     int
		span       string
		attributes map[attribute.Key]any
		message    string
	}{
		"one": {
			events: []inngestkit.AnyEvent{placed.New(order{})}, span: "send order.placed",
			attributes: map[attribute.Key]any{"messaging.destination.name": "order.placed", "messaging.message.id": "sent-1"},
		},
		"several of a name": {
			events: []inngestkit.AnyEvent{placed.New(order{}), placed.New(order{})}, span: "send order.placed",
			attributes: map[attribute.Key]any{"messaging.destination.name": "order.placed", "messaging.batch.message_count": int64(2)},
		},
		"several names": {
			events: []inngestkit.AnyEvent{placed.New(order{}), other.New(order{})}, span: "send",
			attributes: map[attribute.Key]any{"messaging.batch.message_count": int64(2)},
		},
		"refused": {
			events: []inngestkit.AnyEvent{placed.New(order{})}, span: "send order.placed", status: 401,
			attributes: map[attribute.Key]any{"messaging.destination.name": "order.placed", "error.type": "401"},
			message:    "not with this key",
		},
		"not sent": {
			events: []inngestkit.AnyEvent{inngestkit.DefineEvent[[]int]("order.placed").New(nil), inngestkit.DefineEvent[order]("").New(order{})}, span: "send",
			attributes: map[attribute.Key]any{"messaging.batch.message_count": int64(2), "error.type": "*errors.joinError"},
			message:    "it has no name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			if tc.status != 0 {
				s.sent.refuse(tc.status, tc.message)
			}
			_, err := s.app.Send(t.Context(), tc.events...)
			require.Equal(t, tc.message != "", err != nil)
			span := s.named(t, tc.span)
			got := attributes(span)
			for key, value := range map[attribute.Key]any{
				"inngest.app.id": "shop", "messaging.system": "inngest",
				"messaging.operation.name": "send", "messaging.operation.type": "send",
			} {
				require.Equal(t, value, got[key], key)
				delete(got, key)
			}
			require.Equal(t, tc.attributes, got)
			require.Contains(t, span.Status.Description, tc.message)
			require.Equal(t, tc.message != "", span.Status.Code == codes.Error)
		})
	}
}

// A send without events has no span.
func TestNothingSent(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	ids, err := s.app.Send(t.Context())
	require.NoError(t, err)
	require.Empty(t, ids)
	require.Empty(t, s.spans.GetSpans())
	require.Empty(t, s.collected(t))
}

// Functions that are filtered out have neither spans nor metrics; their sends do.
func TestFilter(t *testing.T) {
	t.Parallel()
	asked := 0
	s := newSite(t, []inngestotel.Option{inngestotel.WithFilter(func(id string) bool {
		asked++
		require.Equal(t, "fulfil", id)
		return false
	})}, onPlaced(func(ctx context.Context, _ input) (any, error) {
		return step.SendEvent(ctx, "ship", placed.New(order{ID: "o2"}))
	}))
	for range 2 {
		s.call(t.Context(), t, "fulfil", run{})
	}
	require.Equal(t, 1, asked)
	require.Len(t, s.spans.GetSpans(), 2)
	for _, span := range s.spans.GetSpans() {
		require.Equal(t, "send order.placed", span.Name)
		require.Equal(t, hex.EncodeToString(ulidBytes(t, runID)), span.SpanContext.TraceID().String(), "the trace of the run")
	}
	require.NotContains(t, s.collected(t), "inngest.function.executions")
	require.NotContains(t, s.collected(t), "inngest.step.duration")
	require.Contains(t, s.collected(t), "messaging.client.sent.messages")
}

// Default attributes are on everything.
func TestDefaultAttributes(t *testing.T) {
	t.Parallel()
	team := attribute.String("team", "checkout")
	s := newSite(t, []inngestotel.Option{inngestotel.WithAttributes(team)}, onPlaced(func(ctx context.Context, _ input) (any, error) {
		return step.SendEvent(ctx, "ship", placed.New(order{ID: "o2"}))
	}))
	s.call(t.Context(), t, "fulfil", run{})
	require.Len(t, s.spans.GetSpans(), 3)
	for _, span := range s.spans.GetSpans() {
		require.Contains(t, span.Attributes, team, span.Name)
	}
	collected := s.collected(t)
	require.Len(t, collected, 6)
	for name, metric := range collected {
		for _, set := range attributeSets(t, metric) {
			require.Contains(t, set.ToSlice(), team, name)
		}
	}
}

// If the filter panics, the function is not filtered out.
func TestFilterPanics(t *testing.T) {
	t.Parallel()
	s := newSite(t, []inngestotel.Option{inngestotel.WithFilter(func(string) bool { panic("oh") })},
		onPlaced(func(context.Context, input) (any, error) { return "ok", nil }))
	require.Equal(t, 200, s.call(t.Context(), t, "fulfil", run{}).Status)
	s.named(t, "process fulfil")
}

// IDs that a call does not have are omitted.
func TestCallsWithoutIDs(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) { return "ok", nil }))
	request := callOf(t, "fulfil", run{events: []string{`{"name":"order.placed","data":{}}`}})
	request.Header = http.Header{}
	s.app.Do(t.Context(), request)
	got := attributes(s.named(t, "process fulfil"))
	for _, key := range []attribute.Key{inngestotel.RequestIDKey, inngestotel.JobIDKey, "messaging.message.id"} {
		require.NotContains(t, got, key)
	}
}
