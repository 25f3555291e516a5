package tracing

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// sampled is a site whose function sends the span it runs in, from a step.
type sampled struct {
	*site

	seen []trace.SpanContext
}

func newSampled(t *testing.T, sampler sdktrace.Sampler) *sampled {
	t.Helper()
	s := &sampled{}
	notify := inngestkit.DefineEvent[order]("order.shipped")
	s.site = newSiteOn(t, newTelemetry(sdktrace.WithSampler(sampler)), nil,
		onPlaced(func(ctx context.Context, in input) (any, error) {
			s.seen = append(s.seen, trace.SpanContextFromContext(ctx))
			return step.Run(ctx, "notify", func(ctx context.Context) ([]string, error) {
				s.seen = append(s.seen, trace.SpanContextFromContext(ctx))
				return inngestkit.Send(ctx, notify.New(in.Event.Data))
			})
		}))
	return s
}

// call makes one of the calls of a run.
func (s *sampled) call(t *testing.T, r run) {
	t.Helper()
	resp := s.site.call(t.Context(), t, "fulfil", r)
	require.Equal(t, 206, resp.Status, "%s", resp.Body)
}

// The sampler decides about a run without a trace as about any root, by the ID of its trace,
// and so in the same way for all its calls, on all instances.
func TestSamplingOfRuns(t *testing.T) {
	t.Parallel()
	ratio := sdktrace.TraceIDRatioBased(0.5)
	entropy := rand.NewChaCha8([32]byte{}) // the same IDs each time the test runs
	decided := map[bool]int{}
	instances := []*sampled{newSampled(t, sdktrace.ParentBased(ratio)), newSampled(t, sdktrace.ParentBased(ratio))}
	const calls = 2 // on each instance
	for i := range 200 {
		id := ulid.MustNew(uint64(1_700_000_000_000+i), entropy)
		want := ratio.ShouldSample(sdktrace.SamplingParameters{TraceID: trace.TraceID(id)}).Decision == sdktrace.RecordAndSample
		decided[want]++
		for _, s := range instances {
			s.seen = nil
			s.spans.Reset()
			for attempt := range calls {
				s.call(t, run{id: id.String(), attempt: attempt})
				require.Equal(t, want, s.carried(t).IsSampled(), id)
				require.Equal(t, trace.TraceID(id), s.carried(t).TraceID())
			}
			require.Len(t, s.seen, 2*calls)
			for _, span := range s.seen {
				require.Equal(t, want, span.IsSampled(), id)
				require.Equal(t, trace.TraceID(id), span.TraceID())
			}
			exported := 0
			if want {
				exported = calls * len([]string{"process", "step", "send"})
			}
			require.Len(t, s.spans.GetSpans(), exported, id)
		}
	}
	require.Greater(t, decided[true], 50)
	require.Greater(t, decided[false], 50)
}

// The decision for the event's trace applies to its runs.
func TestSamplingOfTheEvent(t *testing.T) {
	t.Parallel()
	sent := spanContext(t, sentBy)
	for name, tc := range map[string]struct {
		root    sdktrace.Sampler // decides about roots
		flags   string
		sampled bool
	}{
		"sampled":     {sdktrace.NeverSample(), "-01", true},
		"not sampled": {sdktrace.AlwaysSample(), "-00", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSampled(t, sdktrace.ParentBased(tc.root))
			traceparent := strings.TrimSuffix(sentBy, "-01") + tc.flags
			s.call(t, run{events: []string{event("ev1", `{"id":"o1","traceContext":{"traceparent":"`+traceparent+`"}}`)}})
			require.Equal(t, tc.sampled, len(s.spans.GetSpans()) > 0)
			for _, span := range append(s.seen, s.carried(t)) {
				require.Equal(t, sent.TraceID(), span.TraceID())
				require.Equal(t, tc.sampled, span.IsSampled())
			}
		})
	}
}

// A program that samples nothing passes on the trace and that it is not sampled, so that the
// next service does not begin another one.
func TestNothingSampled(t *testing.T) {
	t.Parallel()
	s := newSampled(t, sdktrace.NeverSample())
	for data, want := range map[string]trace.TraceID{
		`{"id":"o1"}`: traceOf(t, runID),
		`{"id":"o1","traceContext":{"traceparent":"` + sentBy + `"}}`: spanContext(t, sentBy).TraceID(),
	} {
		s.call(t, run{events: []string{event("ev1", data)}})
		require.Equal(t, want, s.carried(t).TraceID())
		require.False(t, s.carried(t).IsSampled())
		require.Empty(t, s.spans.GetSpans())
	}
}
