package inngestkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"
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
func encodeEvents(events []AnyEvent) ([]byte, error) {
	encoded := make([]json.RawMessage, len(events))
	var errs []error
	for i, event := range events {
		raw, err := encodeEvent(event)
		if err != nil {
			errs = append(errs, fmt.Errorf("inngestkit: send: event %d: %w", i, err))
		}
		encoded[i] = raw
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return json.Marshal(encoded)
}

func encodeEvent(event AnyEvent) (json.RawMessage, error) {
	raw, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("it cannot be encoded: %w", err)
	}
	e := gjson.ParseBytes(raw)
	if !e.IsObject() {
		return nil, errors.New("it is nil")
	}
	name, data, ts := e.Get("name").Str, e.Get("data"), e.Get("ts").Int()
	switch {
	case name == "":
		return nil, errors.New("it has no name")
	case len(name) > maxNameLength:
		return nil, fmt.Errorf("its name has %d bytes, at most %d are allowed", len(name), maxNameLength)
	case strings.HasPrefix(strings.ToLower(name), reservedPrefix):
		return nil, fmt.Errorf("the name %q begins with %s, which is reserved for Inngest", name, reservedPrefix)
	case data.Exists() && data.Type != gjson.Null && !data.IsObject():
		return nil, fmt.Errorf("the data of %q is not a JSON object; use a struct or a map", name)
	case ts != 0 && (ts < minEventTime || ts > maxEventTime):
		return nil, fmt.Errorf("the timestamp of %q is %d; it is in milliseconds, and between 1980 and 2100", name, ts)
	}
	return raw, nil
}
