package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/tidwall/gjson"

	"github.com/inngestkit/inngestkit/core/internal/datacheck"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// reservedPrefix begins the names of the server's own events, in upper or lower case.
const reservedPrefix = "inngest/"

// The server refuses timestamps outside of these years; see Validate in its pkg/event.
var (
	minEventTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxEventTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// encodeEvents encodes events for the event API. It refuses all of them if the server would
// refuse one, since the server accepts those before that one.
func (a *App) encodeEvents(ctx context.Context, events []AnyEvent) ([][]byte, error) {
	encoded := make([][]byte, len(events))
	var errs []error
	for i, event := range events {
		raw, err := a.encodeEvent(ctx, event)
		if err != nil {
			errs = append(errs, fmt.Errorf("inngestkit: send: event %d: %w", i, err))
		}
		encoded[i] = raw
	}
	if len(errs) > 0 {
		return nil, inngestgo.NoRetryError(errors.Join(errs...)) // another attempt would send the same
	}
	return encoded, nil
}

func (a *App) encodeEvent(ctx context.Context, event AnyEvent) ([]byte, error) {
	raw, err := marshalEvent(event)
	if err != nil {
		return nil, fmt.Errorf("it cannot be encoded: %w", err)
	}
	e := gjson.ParseBytes(raw)
	if !e.IsObject() {
		return nil, errors.New("it is nil")
	}
	name, data, ts := e.Get("name").Str, e.Get("data"), e.Get("ts").Int()
	problem := eventpath.NameProblem(name)
	switch {
	case name == "":
		return nil, errors.New("it has no name")
	case len(name) > maxNameLength:
		return nil, fmt.Errorf("its name has %d bytes, at most %d are allowed", len(name), maxNameLength)
	case strings.HasPrefix(strings.ToLower(name), reservedPrefix):
		return nil, fmt.Errorf("the name %q begins with %s, which is reserved for Inngest", name, reservedPrefix)
	case problem != "":
		return nil, fmt.Errorf("its name %q %s", name, problem)
	case data.Exists() && data.Type != gjson.Null && !data.IsObject():
		return nil, fmt.Errorf("the data of %q is not a JSON object; use a struct or a map", name)
	case len(raw) > inngestapi.MaxEventBytes:
		return nil, fmt.Errorf("%q has %d bytes as JSON, at most %d are allowed; "+
			"keep large data elsewhere and send a reference to it", name, len(raw), inngestapi.MaxEventBytes)
	case ts != 0 && (ts < minEventTime || ts > maxEventTime):
		return nil, fmt.Errorf("the timestamp of %q is %d; it must be in milliseconds, between 1980 and 2100", name, ts)
	}
	return raw, a.checker.Check(ctx, datacheck.Place{What: "the data of event", Name: name}, raw)
}

// rawEvents encodes events and decodes everything but their data, for middleware.
func rawEvents(events []AnyEvent) ([]RawEvent, error) {
	raw := make([]RawEvent, len(events))
	for i, event := range events {
		encoded, err := marshalEvent(event)
		if err == nil {
			raw[i], err = decodeRawEvent(encoded)
		}
		if err != nil {
			return nil, fmt.Errorf("inngestkit: send: event %d: it cannot be encoded: %w", i, err)
		}
	}
	return raw, nil
}

// marshalEvent encodes an event. It refuses data of a type that JSON would lose entirely.
func marshalEvent(event AnyEvent) ([]byte, error) {
	if t := reflect.TypeOf(event); t != nil && t.Kind() == reflect.Struct {
		if data, ok := t.FieldByName("Data"); ok && jsontype.Of(data.Type).Empty != "" {
			return nil, errors.New(jsontype.Of(data.Type).Empty)
		}
	}
	return jsontype.Marshal(event)
}
