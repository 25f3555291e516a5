package tracing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// Exporters drop a whole batch of spans for one string that is not valid UTF-8, and names may
// be anything.
func TestStringsAreValidAndBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "greet M\xc3"+strings.Repeat("x", 1000), func(context.Context) (string, error) {
			return "", errors.New("no \xff")
		})
	}))
	request := callOf(t, "fulfil", run{id: "run\xff", events: []string{`{"id":"` + strings.Repeat("e", 1000) + `","name":"order.placed","data":{"traceContext":{"traceparent":"` + traceparent + `"}}}`}})
	request.Header = http.Header{"X-Request-Id": {"\xff"}, "X-Inngest-Job-Id": {"\xff"}}
	s.app.Do(t.Context(), request)
	_, err := s.app.Send(t.Context(), inngestkit.DefineEvent[order]("order.\xff").New(order{}))
	require.NoError(t, err)
	require.Len(t, s.spans.GetSpans(), 3)
	check := func(text string) {
		require.True(t, utf8.ValidString(text), text)
		require.LessOrEqual(t, len(text), 256, text)
	}
	links := 0
	for _, span := range s.spans.GetSpans() {
		check(span.Name)
		check(span.Status.Description)
		all := span.Attributes
		for _, event := range span.Events {
			all = append(all, event.Attributes...)
		}
		for _, link := range span.Links {
			all = append(all, link.Attributes...)
			links++
		}
		for _, a := range all {
			check(a.Value.String())
		}
	}
	require.Equal(t, 1, links)
	for _, set := range attributeSets(t, s.collected(t)["messaging.client.sent.messages"]) {
		for _, a := range set.ToSlice() {
			check(a.Value.String())
		}
	}
}

// oddError panics when its type is read.
type oddError struct{}

func (oddError) Error() string     { return "odd" }
func (oddError) ErrorType() string { panic("oh") }

// nilError is an error whose methods do not support nil.
type nilError struct{}

func (e *nilError) Error() string { return fmt.Sprint("nil: ", e == nil) }

// With odd errors, telemetry does not change the response to the server.
func TestOddErrors(t *testing.T) {
	t.Parallel()
	for name, odd := range map[string]error{
		"ErrorType panics": oddError{}, "a nil pointer": (*nilError)(nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) { return nil, inngestkit.NoRetry(odd) }))
			resp := s.call(t.Context(), t, "fulfil", run{})
			require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"), "%s", resp.Body)
			process := s.named(t, "process fulfil")
			require.Equal(t, codes.Error, process.Status.Code)
			require.Equal(t, "non_retriable", attributes(process)[inngestotel.OutcomeKey])
			require.Contains(t, s.collected(t), "messaging.process.duration")
		})
	}
}

// secretive is a type whose decoding error contains data.
type secretive struct{}

func (*secretive) UnmarshalJSON(data []byte) error { return fmt.Errorf("%s is no such thing", data) }

// Errors about events and memoized results that do not fit their types contain no data.
func TestErrorsOfTheAppHaveNoData(t *testing.T) {
	t.Parallel()
	kept := func(value any) func(context.Context, inngestkit.Input[json.RawMessage]) (any, error) {
		return func(ctx context.Context, _ inngestkit.Input[json.RawMessage]) (any, error) {
			switch value.(type) {
			case int8:
				return step.Run(ctx, "kept", func(context.Context) (int8, error) { return 0, nil })
			case time.Time:
				return step.Run(ctx, "kept", func(context.Context) (time.Time, error) { return time.Time{}, nil })
			}
			return step.Run(ctx, "kept", func(context.Context) (secretive, error) { return secretive{}, nil })
		}
	}
	type number struct {
		ID int8 `json:"id"`
	}
	type born struct {
		ID time.Time `json:"id"`
	}
	type own struct {
		ID secretive `json:"id"`
	}
	for name, function := range map[string]inngestkit.Function{
		"an event's number": inngestkit.OnEvent("fulfil", inngestkit.DefineEvent[number]("order.placed"), func(context.Context, inngestkit.Input[number]) (bool, error) { return true, nil }),
		"an event's time":   inngestkit.OnEvent("fulfil", inngestkit.DefineEvent[born]("order.placed"), func(context.Context, inngestkit.Input[born]) (bool, error) { return true, nil }),
		"an event's own":    inngestkit.OnEvent("fulfil", inngestkit.DefineEvent[own]("order.placed"), func(context.Context, inngestkit.Input[own]) (bool, error) { return true, nil }),
		"a kept number":     inngestkit.OnEvent("fulfil", inngestkit.DefineEvent[json.RawMessage]("order.placed"), kept(int8(0))),
		"a kept time":       inngestkit.OnEvent("fulfil", inngestkit.DefineEvent[json.RawMessage]("order.placed"), kept(time.Time{})),
		"a kept own":        inngestkit.OnEvent("fulfil", inngestkit.DefineEvent[json.RawMessage]("order.placed"), kept(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const secret = "4111111111111111"
			value := `"` + secret + `"`
			if strings.HasSuffix(name, "number") {
				value = secret
			}
			s := newSite(t, nil, function)
			resp := s.call(t.Context(), t, "fulfil", run{events: []string{event("ev1", `{"id":`+value+`}`)}}.kept("kept", json.RawMessage(value)))
			require.GreaterOrEqual(t, resp.Status, 400, "%s", resp.Body)
			process := s.named(t, "process fulfil")
			require.Equal(t, codes.Error, process.Status.Code)
			require.Contains(t, process.Status.Description, "does not fit")
			require.NotContains(t, fmt.Sprintf("%+v", process), secret)
		})
	}
}

// A panic in inner middleware ends the send's span, without the panic's text.
func TestSendsThatPanic(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.app.Use(inngestkit.Middleware{Send: func(inngestkit.SendHandler) inngestkit.SendHandler {
		return func(_ context.Context, events []inngestkit.RawEvent) ([]string, error) { panic(string(events[0].Data)) }
	}})
	_, err := s.app.Send(t.Context(), placed.New(order{ID: "secret"}))
	require.ErrorContains(t, err, "panicked")
	span := s.named(t, "send order.placed")
	require.Equal(t, codes.Error, span.Status.Code)
	require.NotContains(t, fmt.Sprintf("%+v", span), "secret")
	require.Equal(t, int64(1), sum(t, s.collected(t)["messaging.client.sent.messages"]))
}

// A send without a response has the type of the failure.
func TestSendsWithoutResponse(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.app.Send(ctx, placed.New(order{}))
	require.Error(t, err)
	require.Equal(t, "*errors.errorString", attributes(s.named(t, "send order.placed"))["error.type"])
}

// The filter is called once for each function, however many calls arrive at once.
func TestFilterIsCalledOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := 0
	s := newSite(t, []inngestotel.Option{inngestotel.WithFilter(func(string) bool {
		mu.Lock()
		defer mu.Unlock()
		asked++
		return true
	})}, onPlaced(func(context.Context, input) (any, error) { return "ok", nil }))
	var calls sync.WaitGroup
	for range 20 {
		request := callOf(t, "fulfil", run{})
		calls.Go(func() { s.app.Do(t.Context(), request) })
	}
	calls.Wait()
	require.Equal(t, 1, asked)
}

// With checkpoints, a call that reaches the end of the function may have to be repeated,
// because results of steps are sent first. It counts as the end only if it is.
func TestOutcomesWithCheckpoints(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(ctx context.Context, in input) (any, error) {
		if _, err := step.Run(ctx, "a", func(context.Context) (int, error) { return 1, nil }); err != nil {
			return nil, err
		}
		if in.Event.Data.ID == "fails" {
			return nil, errors.New("boom")
		}
		return "ok", nil
	}, flow.Checkpoint()))
	fails := run{events: []string{event("ev1", `{"id":"fails"}`)}, attempt: 3}
	for _, r := range []run{fails, fails.kept("a", 1), {}, run{}.kept("a", 1)} {
		s.call(t.Context(), t, "fulfil", r)
	}
	outcomes := map[any]int{}
	for _, span := range s.spans.GetSpans() {
		if strings.HasPrefix(span.Name, "process") {
			outcomes[attributes(span)[inngestotel.OutcomeKey]]++
		}
	}
	require.Equal(t, map[any]int{"yielded": 2, "failed": 1, "completed": 1}, outcomes)
}

// An output that is not JSON is found when the response is written. The span shows it.
func TestOutputsThatAreNotJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) { return func() {}, nil }))
	require.Equal(t, 400, s.call(t.Context(), t, "fulfil", run{}).Status)
	process := s.named(t, "process fulfil")
	require.Equal(t, codes.Error, process.Status.Code)
	require.Contains(t, process.Attributes, attribute.String("inngest.outcome", "non_retriable"))
}
