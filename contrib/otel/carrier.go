package inngestotel

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// maxData is the size of an event's data above which it gets no trace context: the
// server takes events of up to 3 MiB (AbsoluteMaxEventSize in its pkg/consts), and
// an event must not become too large by what is added here.
const maxData = 3<<20 - 64<<10

// maxCarrier is the size above which what is in the field is not taken for a trace
// context. W3C allows 8 KiB of baggage.
const maxCarrier = 16 << 10

// inject returns the events with the trace context of ctx in their data. Those given
// are not changed.
func (t *telemetry) inject(ctx context.Context, events []inngestkit.RawEvent) []inngestkit.RawEvent {
	field := t.newField(ctx)
	if field == nil {
		return events
	}
	events = slices.Clone(events)
	for i := range events {
		events[i].Data = t.withField(events[i].Data, field)
	}
	return events
}

// invoke puts the trace context into the event that runs an invoked function.
func (t *telemetry) invoke(
	ctx context.Context, _ *inngestkit.StepCall, data json.RawMessage,
) (json.RawMessage, error) {
	if field := t.newField(ctx); field != nil {
		return t.withField(data, field), nil
	}
	return data, nil
}

// newField is the field with the trace context as a member of a JSON object, nil if
// there is nothing to write.
func (t *telemetry) newField(ctx context.Context) []byte {
	if t.field == "" {
		return nil
	}
	if !t.baggage {
		ctx = baggage.ContextWithoutBaggage(ctx)
	}
	carrier := propagation.MapCarrier{}
	t.propagator.Inject(ctx, carrier)
	if len(carrier) == 0 {
		return nil
	}
	member, err := json.Marshal(map[string]propagation.MapCarrier{t.field: carrier})
	if err != nil || len(member) > maxCarrier {
		return nil
	}
	return member[1 : len(member)-1]
}

// withField is the data of an event with field in front, where readers find it first.
// Data that has the field, is too large, or is no object stays as it is.
func (t *telemetry) withField(data json.RawMessage, field []byte) json.RawMessage {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || bytes.Equal(data, []byte("null")) {
		data = json.RawMessage("{}")
	}
	if data[0] != '{' || len(data) > maxData || t.find(data).Exists() {
		return data
	}
	rest := bytes.TrimSpace(data[1:])
	if bytes.HasPrefix(rest, []byte("}")) {
		return slices.Concat([]byte("{"), field, rest)
	}
	return slices.Concat([]byte("{"), field, []byte(","), rest)
}

// find is the value of the field in the data of an event. It does not copy the data,
// which may be large.
func (t *telemetry) find(data []byte) gjson.Result {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return gjson.Result{}
	}
	return gjson.GetBytes(data, t.path)
}

// extract returns ctx with the span, and the baggage if it is wanted, that the data
// of an event carries. Without one there is no span in the context.
func (t *telemetry) extract(ctx context.Context, data []byte) context.Context {
	if t.field == "" {
		return ctx
	}
	field := t.find(data)
	if !field.IsObject() || len(field.Raw) > maxCarrier {
		return ctx
	}
	carrier := propagation.MapCarrier{}
	field.ForEach(func(key, value gjson.Result) bool {
		carrier[key.String()] = value.String()
		return true
	})
	extracted := t.propagator.Extract(ctx, carrier)
	if !t.baggage {
		extracted = baggage.ContextWithBaggage(extracted, baggage.FromContext(ctx))
	}
	return extracted
}
