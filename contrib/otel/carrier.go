package inngestotel

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// maxEvent is the size in bytes of the largest event that the server accepts
// (AbsoluteMaxEventSize in its pkg/consts). Adding the trace context must not make an
// event larger.
const maxEvent = 3 << 20

// maxCarrier is the maximum size in bytes of the field. A larger value is not treated
// as a trace context. W3C allows 8 KiB of baggage.
const maxCarrier = 16 << 10

// maxField is the maximum size in bytes of the field's name, so that it fits into maxCarrier.
const maxField = 1024

// inject returns the events with the trace context of ctx in their data. It does not
// change its argument.
func (t *telemetry) inject(ctx context.Context, events []inngestkit.RawEvent) []inngestkit.RawEvent {
	field := t.newField(ctx)
	if field == nil {
		return events
	}
	events = slices.Clone(events)
	for i := range events {
		if fits(events[i], field) {
			events[i].Data = t.withField(events[i].Data, field)
		}
	}
	return events
}

// fits reports whether the event stays within the server's limit with the field added.
func fits(event inngestkit.RawEvent, field []byte) bool {
	if event.User == nil && len(event.Data) < maxEvent/2 {
		return true // the name and the ID do not fill the other half
	}
	encoded, err := json.Marshal(event)
	return err == nil && len(encoded)+len(field)+len(`{},`) <= maxEvent
}

// invoke adds the trace context to the event that starts an invoked function.
func (t *telemetry) invoke(
	ctx context.Context, _ *inngestkit.StepCall, data json.RawMessage,
) (json.RawMessage, error) {
	if field := t.newField(ctx); field != nil {
		return t.withField(data, field), nil
	}
	return data, nil
}

// newField returns the trace context as a member of a JSON object, or nil if nothing is
// to be written.
func (t *telemetry) newField(ctx context.Context) []byte {
	if t.field == "" {
		return nil
	}
	defer t.guard()
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

// withField returns the data of an event with field as its first member. It does not
// change data that already has the field or is not an object.
func (t *telemetry) withField(data json.RawMessage, field []byte) json.RawMessage {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || bytes.Equal(data, []byte("null")) {
		data = json.RawMessage("{}")
	}
	if data[0] != '{' || t.taken(data) {
		return data
	}
	rest := bytes.TrimSpace(data[1:])
	if bytes.HasPrefix(rest, []byte("}")) {
		return slices.Concat([]byte("{"), field, rest)
	}
	return slices.Concat([]byte("{"), field, []byte(","), rest)
}

// taken reports whether the data has the field. Case does not matter, because Go
// ignores it when it decodes.
func (t *telemetry) taken(data []byte) (taken bool) {
	gjson.ParseBytes(data).ForEach(func(key, _ gjson.Result) bool {
		taken = strings.EqualFold(key.String(), t.field)
		return !taken
	})
	return taken
}

// find returns the value of the field in the data of an event. It does not copy the
// data, which may be large.
func (t *telemetry) find(data []byte) gjson.Result {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return gjson.Result{}
	}
	return gjson.GetBytes(data, t.path)
}

// extract returns ctx with the span that the data of an event carries, and with the
// baggage if [WithBaggage] is set. It returns ctx unchanged if the data carries none.
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
