package tracing

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
)

// A forest is spans as text: the spans of a trace below each other, in the order in which they
// began. A line is
//
//	name: outcome <- what it links to
//
// and the attempt follows the outcome unless it is the first.
type forest struct {
	t     *testing.T
	spans tracetest.SpanStubs
	// plain omits attempts, where they depend on timing.
	plain bool
}

// newForest returns the spans of all apps.
func newForest(t *testing.T, apps ...*instance) *forest {
	t.Helper()
	f := &forest{t: t}
	for _, app := range apps {
		f.spans = append(f.spans, app.spans.GetSpans()...)
	}
	slices.SortStableFunc(f.spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	return f
}

// only returns the only span of a name.
func (f *forest) only(name string) tracetest.SpanStub {
	f.t.Helper()
	var found tracetest.SpanStubs
	for _, span := range f.spans {
		if span.Name == name {
			found = append(found, span)
		}
	}
	require.Len(f.t, found, 1, name)
	return found[0]
}

// trees returns the texts of all traces, by their IDs.
func (f *forest) trees() map[trace.TraceID]string {
	f.t.Helper()
	texts := map[trace.TraceID]string{}
	for _, span := range f.spans {
		id := span.SpanContext.TraceID()
		texts[id] = f.tree(id)
	}
	return texts
}

// tree returns the text of a trace.
func (f *forest) tree(id trace.TraceID) string {
	f.t.Helper()
	var text strings.Builder
	text.WriteString("\n")
	for _, span := range f.spans {
		if _, below := f.find(span.Parent); span.SpanContext.TraceID() == id && !below {
			f.write(&text, span, 0)
		}
	}
	return text.String()
}

func (f *forest) write(text *strings.Builder, span tracetest.SpanStub, depth int) {
	text.WriteString(strings.Repeat("  ", depth) + f.line(span) + "\n")
	for _, child := range f.spans {
		if child.Parent.SpanID() == span.SpanContext.SpanID() {
			require.Equal(f.t, span.SpanContext.TraceID(), child.SpanContext.TraceID(), child.Name)
			f.write(text, child, depth+1)
		}
	}
}

func (f *forest) line(span tracetest.SpanStub) string {
	line, about := span.Name, attributes(span)
	if outcome, ok := about[inngestotel.OutcomeKey].(string); ok {
		line += ": " + outcome
	}
	if attempt, _ := about[inngestotel.AttemptKey].(int64); attempt > 0 && !f.plain {
		line += ", attempt " + strconv.FormatInt(attempt, 10)
	}
	var links []string
	for _, link := range span.Links {
		name := "a span elsewhere"
		if to, ok := f.find(link.SpanContext); ok {
			name = to.Name
		}
		links = append(links, name)
	}
	if len(links) > 0 {
		line += " <- " + strings.Join(links, ", ")
	}
	return line
}

// find returns the span of a parent or a link.
func (f *forest) find(is trace.SpanContext) (tracetest.SpanStub, bool) {
	i := slices.IndexFunc(f.spans, func(span tracetest.SpanStub) bool {
		return span.SpanContext.SpanID() == is.SpanID() && span.SpanContext.TraceID() == is.TraceID()
	})
	if i < 0 {
		return tracetest.SpanStub{}, false
	}
	return f.spans[i], true
}
