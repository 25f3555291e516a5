package demo

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
)

// writeTo writes the trace as a tree, with children in order of their start.
func (t *orderTrace) writeTo(out io.Writer) {
	var text bytes.Buffer
	_, _ = fmt.Fprintf(&text, "trace %s: %d spans of %s\n\n", t.id, len(t.spans), strings.Join(t.services(), " and "))
	tree := &tree{
		orderTrace: t,
		children:   map[trace.SpanID][]sdktrace.ReadOnlySpan{},
		table:      tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0),
	}
	known := map[trace.SpanID]bool{}
	for _, span := range t.spans {
		known[span.SpanContext().SpanID()] = true
	}
	var roots []sdktrace.ReadOnlySpan
	for _, span := range t.spans {
		if parent := span.Parent().SpanID(); known[parent] {
			tree.children[parent] = append(tree.children[parent], span)
		} else {
			roots = append(roots, span)
		}
	}
	tree.row("span", "service", "kind", "   start", "    took", "outcome", "attempt", "")
	for _, root := range roots {
		tree.add(root, "", "")
	}
	_ = tree.table.Flush() // writes to memory
	for line := range strings.Lines(text.String()) {
		_, _ = fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
}

// A tree formats a trace.
type tree struct {
	*orderTrace

	children map[trace.SpanID][]sdktrace.ReadOnlySpan
	table    *tabwriter.Writer
}

func (t *tree) row(cells ...string) { _, _ = fmt.Fprintln(t.table, strings.Join(cells, "\t")) }

// add adds a span and its descendants. branch is the prefix of its own line, trunk the
// prefix of its descendants.
func (t *tree) add(span sdktrace.ReadOnlySpan, branch, trunk string) {
	t.row(
		branch+span.Name(),
		serviceOf(span),
		span.SpanKind().String(),
		fmt.Sprintf("%7.3fs", span.StartTime().Sub(t.spans[0].StartTime()).Seconds()),
		fmt.Sprintf("%8s", span.EndTime().Sub(span.StartTime()).Round(10*time.Microsecond)),
		outcomeOf(span),
		attributeOf(span, inngestotel.AttemptKey),
		strings.Join(t.remarks(span), "; "),
	)
	children := t.children[span.SpanContext().SpanID()]
	for i, child := range children {
		if i < len(children)-1 {
			t.add(child, trunk+"├─ ", trunk+"│  ")
		} else {
			t.add(child, trunk+"└─ ", trunk+"   ")
		}
	}
}

// remarks returns errors and links, which only a few spans have.
func (t *tree) remarks(span sdktrace.ReadOnlySpan) []string {
	var remarks []string
	if parent := span.Parent(); parent.IsValid() && !slices.ContainsFunc(t.spans, func(s sdktrace.ReadOnlySpan) bool {
		return s.SpanContext().SpanID() == parent.SpanID()
	}) {
		remarks = append(remarks, fmt.Sprintf("its parent %s was not seen", parent.SpanID()))
	}
	if status := span.Status(); status.Code == codes.Error {
		remarks = append(remarks, strings.TrimSpace("error: "+status.Description))
	}
	for _, call := range t.calls(span) {
		arrow := "→" // only this span links
		if linksTo(call, span) {
			arrow = "⇄"
		}
		remarks = append(remarks, fmt.Sprintf("%s %s of %s in trace %.8s",
			arrow, call.Name(), serviceOf(call), call.SpanContext().TraceID()))
	}
	return remarks
}

func linksTo(from, to sdktrace.ReadOnlySpan) bool {
	return slices.ContainsFunc(from.Links(), func(link sdktrace.Link) bool {
		return link.SpanContext.SpanID() == to.SpanContext().SpanID()
	})
}

// outcomeOf returns the outcome of a call or a step, or the status of an HTTP response.
func outcomeOf(span sdktrace.ReadOnlySpan) string {
	// The last key is the old name of the one before it.
	for _, key := range []string{string(inngestotel.OutcomeKey), string(semconv.HTTPResponseStatusCodeKey), "http.status_code"} {
		for _, a := range span.Attributes() {
			if string(a.Key) == key {
				return a.Value.String()
			}
		}
	}
	return ""
}

// services returns the names of the services of the spans, in order.
func (t *orderTrace) services() []string {
	var services []string
	for _, span := range t.spans {
		if service := serviceOf(span); !slices.Contains(services, service) {
			services = append(services, service)
		}
	}
	return services
}

func serviceOf(span sdktrace.ReadOnlySpan) string {
	name, _ := span.Resource().Set().Value(semconv.ServiceNameKey)
	return name.AsString()
}
