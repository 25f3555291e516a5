package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A recorder keeps finished spans.
type recorder struct {
	mu      sync.Mutex
	spans   []sdktrace.ReadOnlySpan
	changed chan struct{} // closed and replaced at the end of each span
}

var _ sdktrace.SpanProcessor = (*recorder)(nil)

func newRecorder() *recorder { return &recorder{changed: make(chan struct{})} }

// OnStart implements [sdktrace.SpanProcessor].
func (*recorder) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements [sdktrace.SpanProcessor].
func (r *recorder) OnEnd(span sdktrace.ReadOnlySpan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = append(r.spans, span)
	close(r.changed)
	r.changed = make(chan struct{})
}

// Shutdown implements [sdktrace.SpanProcessor].
func (*recorder) Shutdown(context.Context) error { return nil }

// ForceFlush implements [sdktrace.SpanProcessor].
func (*recorder) ForceFlush(context.Context) error { return nil }

// all returns the spans so far, and a channel that is closed when more arrive.
func (r *recorder) all() ([]sdktrace.ReadOnlySpan, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans), r.changed
}

// await calls check for the spans until it returns nil. If ctx ends first, await returns
// its last error.
func (r *recorder) await(ctx context.Context, check func(spans []sdktrace.ReadOnlySpan) error) error {
	for {
		spans, changed := r.all()
		err := check(spans)
		if err == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// forget removes the spans of a trace, and those it links to.
func (r *recorder) forget(t *orderTrace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = slices.DeleteFunc(r.spans, func(span sdktrace.ReadOnlySpan) bool {
		return span.SpanContext().TraceID() == t.id || t.linked[span.SpanContext().SpanID()] != nil
	})
}

// logLines keeps the log of the services.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

// Write implements [io.Writer].
func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

// with returns the lines that contain text.
func (l *logLines) with(text string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found strings.Builder
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found.WriteString(line)
		}
	}
	return found.String()
}
