package inngestkit

import (
	"bytes"
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
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// Limits of the event API, from the server's source (pkg/consts and pkg/api).
const (
	// maxRequestEvents is MaxEvents: a request with more is refused when that many
	// have been taken.
	maxRequestEvents = 5_000
	// maxEventBytes is AbsoluteMaxEventSize, what the server takes at most on any
	// plan, of an event as JSON. Plans may have a lower limit, which the server
	// tells.
	maxEventBytes = 3 << 20
	// maxRequestBytes is when a request with more than one event is split. The
	// server's /e/ reads any number of bytes, but its newer API bounds the whole
	// body by AbsoluteMaxEventSize (pkg/api/v2), and the documentation of usage
	// limits speaks of the size of the request.
	maxRequestBytes = maxEventBytes
)

// reservedPrefix begins the names of the server's own events, in any case.
const reservedPrefix = "inngest/"

// The server refuses other times; see Validate in its pkg/event.
var (
	minEventTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxEventTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// encodeEvents encodes events as the event API takes them, and refuses all of
// them if it would refuse one: it takes those before that one.
func (s *sender) encodeEvents(ctx context.Context, events []AnyEvent) ([][]byte, error) {
	encoded := make([][]byte, len(events))
	var errs []error
	for i, event := range events {
		raw, err := s.encodeEvent(ctx, event)
		if err != nil {
			errs = append(errs, fmt.Errorf("inngestkit: send: event %d: %w", i, err))
		}
		encoded[i] = raw
	}
	if len(errs) > 0 {
		return nil, inngestgo.NoRetryError(errors.Join(errs...)) // another try would send the same
	}
	return encoded, nil
}

// fitting is how many of the events, from the first on, make the next request.
func fitting(events [][]byte) int {
	size := len("[")
	for n, event := range events {
		size += len(event) + len(",") // or the bracket at the end
		if n > 0 && (n == maxRequestEvents || size > maxRequestBytes) {
			return n
		}
	}
	return len(events)
}

// requestBody is the JSON array of the events.
func requestBody(events [][]byte) []byte {
	var b bytes.Buffer
	for i, event := range events {
		b.WriteByte("[,"[min(i, 1)])
		b.Write(event)
	}
	b.WriteByte(']')
	return b.Bytes()
}

func (s *sender) encodeEvent(ctx context.Context, event AnyEvent) ([]byte, error) {
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
	case len(raw) > maxEventBytes:
		return nil, fmt.Errorf("%q has %d bytes as JSON, at most %d are allowed; "+
			"keep large data elsewhere and send a reference to it", name, len(raw), maxEventBytes)
	case ts != 0 && (ts < minEventTime || ts > maxEventTime):
		return nil, fmt.Errorf("the timestamp of %q is %d; it is in milliseconds, and between 1980 and 2100", name, ts)
	}
	return raw, s.checker.Check(ctx, datacheck.Place{What: "the data of event", Name: name}, raw)
}

// marshalEvent encodes an event, unless nothing would be left of its data.
func marshalEvent(event AnyEvent) ([]byte, error) {
	if t := reflect.TypeOf(event); t != nil && t.Kind() == reflect.Struct {
		if data, ok := t.FieldByName("Data"); ok && jsontype.Of(data.Type).Empty != "" {
			return nil, errors.New(jsontype.Of(data.Type).Empty)
		}
	}
	return jsontype.Marshal(event)
}
