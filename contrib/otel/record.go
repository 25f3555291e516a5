package inngestotel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

const (
	// maxName limits names and IDs from the program or the server, in bytes. Exporters
	// would drop all spans of a batch for one that is not valid UTF-8.
	maxName = 256
	// maxMessage limits the messages of errors, in bytes.
	maxMessage = 4 << 10
	// maxStack limits the stacks of panics, in bytes.
	maxStack = 16 << 10
	// minLimit is the smallest limit with room for cutSign.
	minLimit = len(cutSign) + 1

	cutSign = "…"
)

// end records how a call or a step ended.
func (t *telemetry) end(ctx context.Context, span trace.Span, outcome inngestkit.Outcome, err error, from Recorded) {
	t.guarded(func() {
		if span.IsRecording() {
			span.SetAttributes(OutcomeKey.String(string(outcome)))
			t.recordError(ctx, span, err, from)
		}
	})
	t.guarded(func() { span.End() })
}

// recordError records err on the span unless it is nil.
func (t *telemetry) recordError(ctx context.Context, span trace.Span, err error, from Recorded) {
	if err == nil || !span.IsRecording() {
		return
	}
	from.Attribute, from.Text = semconv.ExceptionMessageKey, message(err)
	text := cut(t.redacted(ctx, from), maxMessage)
	kind := cut(errorType(err), maxName)
	exception := []attribute.KeyValue{semconv.ExceptionType(kind)}
	if text != "" {
		exception = append(exception, semconv.ExceptionMessage(text))
	}
	if stack := stackOf(err); stack != "" {
		exception = append(exception, semconv.ExceptionStacktrace(cut(stack, maxStack)))
	}
	span.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(exception...))
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, text)
}

// stackOf returns the stack of a panic, "" for other errors.
func stackOf(err error) string {
	if panicked, ok := errors.AsType[*inngestkit.PanicError](err); ok {
		return string(panicked.Stack)
	}
	return ""
}

// recordEvents records the data of events on a span if [WithEventData] is set.
func (t *telemetry) recordEvents(ctx context.Context, span trace.Span, functionID string, events []inngestkit.RawEvent) {
	if t.eventData == 0 || len(events) == 0 {
		return
	}
	var texts []string
	for size, i := 0, 0; i < len(events) && size < t.eventData; i++ {
		text := t.redacted(ctx, Recorded{
			Attribute: EventDataKey, FunctionID: functionID, Event: events[i].Name, Text: string(events[i].Data),
		})
		if text != "" {
			texts = append(texts, text)
			size += len(text)
		}
	}
	text := strings.Join(texts, ",")
	if len(events) > 1 && text != "" {
		text = "[" + text + "]"
	}
	if text != "" {
		span.SetAttributes(EventDataKey.String(cut(text, t.eventData)))
	}
}

// record records text on a span, redacted and truncated.
func (t *telemetry) record(ctx context.Context, span trace.Span, text Recorded, limit int) {
	if kept := cut(t.redacted(ctx, text), limit); kept != "" {
		span.SetAttributes(text.Attribute.String(kept))
	}
}

// redacted returns text after the user's redaction.
func (t *telemetry) redacted(ctx context.Context, text Recorded) (kept string) {
	if t.redact == nil {
		return text.Text
	}
	defer func() {
		if r := recover(); r != nil {
			otel.Handle(fmt.Errorf("inngestotel: the function given to WithRedaction panicked, so %s is not recorded: %v",
				text.Attribute, r))
			kept = ""
		}
	}()
	return t.redact(ctx, text)
}

// cut returns text as valid UTF-8, which exporters require, truncated to limit bytes.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	end := limit - len(cutSign)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + cutSign
}
