package inngestkit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/inngest/inngestgo"

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
func (a *App) encodeEvents(ctx context.Context, events []RawEvent) (*inngestapi.Events, error) {
	size := 0
	for _, event := range events {
		size += len(event.Data) + len(event.Name) + aroundData
	}
	encoded := inngestapi.NewEvents(size)
	var errs []error
	for i, event := range events {
		if err := a.encodeEvent(ctx, encoded, event); err != nil {
			errs = append(errs, fmt.Errorf("inngestkit: send: event %d: %w", i, err))
		}
	}
	if len(errs) > 0 {
		return nil, inngestgo.NoRetryError(errors.Join(errs...)) // another attempt would send the same
	}
	return encoded, nil
}

// aroundData is about the size of an event without its data and name.
const aroundData = 100

// encodeEvent adds an event to those encoded.
func (a *App) encodeEvent(ctx context.Context, to *inngestapi.Events, event RawEvent) error {
	problem := eventpath.NameProblem(event.Name)
	switch name, ts := event.Name, event.Timestamp; {
	case name == "":
		return errors.New("it has no name")
	case len(name) > maxNameLength:
		return fmt.Errorf("its name has %d bytes, at most %d are allowed", len(name), maxNameLength)
	case strings.HasPrefix(strings.ToLower(name), reservedPrefix):
		return fmt.Errorf("the name %q begins with %s, which is reserved for Inngest", name, reservedPrefix)
	case problem != "":
		return fmt.Errorf("its name %q %s", name, problem)
	case !isObjectOrNull(event.Data):
		return fmt.Errorf("the data of %q is not a JSON object; use a struct or a map", name)
	case ts != 0 && (ts < minEventTime || ts > maxEventTime):
		return fmt.Errorf("the timestamp of %q is %d; it must be in milliseconds, between 1980 and 2100", name, ts)
	}
	raw, err := joinEvent(to, event)
	switch {
	case err != nil:
		return fmt.Errorf("it cannot be encoded: %w", err)
	case len(raw) > inngestapi.MaxEventBytes:
		return fmt.Errorf("%q has %d bytes as JSON, at most %d are allowed; "+
			"keep large data elsewhere and send a reference to it", event.Name, len(raw), inngestapi.MaxEventBytes)
	}
	return a.checker.Check(ctx, datacheck.Place{What: "the data of event", Name: event.Name}, raw)
}

// isObjectOrNull reports whether data, which is JSON or empty, is an object or null.
func isObjectOrNull(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) == 0 || data[0] == '{' || data[0] == 'n'
}

// joinEvent adds an event to others, and returns its JSON. It copies the data, which is JSON.
func joinEvent(to *inngestapi.Events, event RawEvent) ([]byte, error) {
	head, err := json.Marshal(struct {
		ID        *string        `json:"id,omitempty"`
		Name      string         `json:"name"`
		User      map[string]any `json:"user,omitempty"`
		Timestamp int64          `json:"ts,omitempty"`
		Version   string         `json:"v,omitempty"`
	}{event.ID, event.Name, event.User, event.Timestamp, event.Version})
	if err != nil {
		return nil, err
	}
	data := event.Data
	if len(data) == 0 {
		data = json.RawMessage("null")
	}
	return to.Add(head[:len(head)-len("}")], []byte(`,"data":`), data, []byte("}")), nil
}

// rawEvents encodes the data of events.
func (a *App) rawEvents(events []AnyEvent) ([]RawEvent, error) {
	raw := make([]RawEvent, len(events))
	var errs []error
	for i, event := range events {
		var err error
		if raw[i], err = a.rawEvent(event); err != nil {
			errs = append(errs, fmt.Errorf("inngestkit: send: event %d: %w", i, err))
		}
	}
	if len(errs) > 0 {
		return nil, inngestgo.NoRetryError(errors.Join(errs...)) // another attempt would send the same
	}
	return raw, nil
}

func (a *App) rawEvent(event AnyEvent) (RawEvent, error) {
	v := reflect.ValueOf(event)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if !v.IsValid() {
		return RawEvent{}, errors.New("it is nil")
	}
	raw, err := a.encodeData(event, v)
	if err != nil {
		return RawEvent{}, fmt.Errorf("it cannot be encoded: %w", err)
	}
	return raw, nil
}

var (
	rawEventType = reflect.TypeFor[RawEvent]()
	// eventTypeName begins the names of the types of all events.
	eventTypeName = rawEventType.Name()[:strings.IndexByte(rawEventType.Name(), '[')+1]
	// dataField is the index of the data in an [Event], whatever its type.
	dataField = func() int {
		field, _ := rawEventType.FieldByName("Data")
		return field.Index[0]
	}()
)

// encodeData encodes the data of event, whose value is v.
func (a *App) encodeData(event AnyEvent, v reflect.Value) (raw RawEvent, err error) {
	if !isEvent(v.Type()) {
		return a.encodeOther(event)
	}
	facts := jsontype.Of(v.Field(dataField).Type())
	if reason := cmp.Or(facts.Empty, facts.Lost); reason != "" {
		return raw, errors.New(reason)
	}
	to := reflect.ValueOf(&raw).Elem()
	for i := range v.NumField() {
		if i != dataField {
			to.Field(i).Set(v.Field(i))
		}
	}
	if raw.User != nil {
		return a.encodeOther(event) // middleware gets it as JSON
	}
	raw.Data, err = a.codec.Marshal(v.Field(dataField).Interface())
	return raw, err
}

// isEvent reports whether t is an [Event] of any data type.
func isEvent(t reflect.Type) bool {
	return t.PkgPath() == rawEventType.PkgPath() && strings.HasPrefix(t.Name(), eventTypeName)
}

// encodeOther encodes an event of another type, for example one that embeds [Event].
func (a *App) encodeOther(event AnyEvent) (raw RawEvent, err error) {
	encoded, err := a.codec.Marshal(event)
	if err == nil {
		raw, err = decodeRawEvent(encoded)
	}
	return raw, err
}
