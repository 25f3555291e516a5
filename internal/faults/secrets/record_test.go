package secrets

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// record is everything that was written in one place. As a [slog.Handler] it keeps the
// records of all levels. The zero value is ready.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

// write adds values, printed in all ways.
func (r *record) write(values ...any) {
	for _, value := range values {
		text := printed(value) // it may log
		r.mu.Lock()
		r.text.WriteString(text + "\n")
		r.mu.Unlock()
	}
}

// absent fails the test if a secret was written.
func (r *record) absent(tb testing.TB, place string) {
	tb.Helper()
	finder.Absent(tb, place, r.String())
}

// String returns the text.
func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// Enabled implements [slog.Handler].
func (r *record) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (r *record) Handle(_ context.Context, logged slog.Record) error {
	r.write(logged.Message)
	logged.Attrs(func(attr slog.Attr) bool {
		r.write(attr.Key, attr.Value.Resolve().Any())
		return true
	})
	return nil
}

// WithAttrs implements [slog.Handler].
func (r *record) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, attr := range attrs {
		r.write(attr.Key, attr.Value.Resolve().Any())
	}
	return r
}

// WithGroup implements [slog.Handler].
func (r *record) WithGroup(name string) slog.Handler {
	r.write(name)
	return r
}

// printed returns a value printed in all ways. An error is followed by all that it wraps.
func printed(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		fmt.Fprintf(&b, verb+"\n", value)
	}
	for _, encode := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		encoded, err := encode(value)
		fmt.Fprintln(&b, string(encoded), err)
	}
	if err, ok := value.(error); ok {
		b.WriteString(chain(err))
	}
	return b.String()
}

// chain prints what an error wraps.
func chain(err error) string {
	if several, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // each layer is printed
		var all strings.Builder
		for _, wrapped := range several.Unwrap() {
			all.WriteString(printed(wrapped))
		}
		return all.String()
	}
	if wrapped := errors.Unwrap(err); wrapped != nil {
		return printed(wrapped)
	}
	return ""
}

// dumped returns all text that can be reached from an error, as some error trackers report it.
func dumped(err error) string {
	return strings.Join(deepText(reflect.ValueOf(err), map[any]bool{}), "\n")
}

// deepText returns all text that can be reached from a value, in unexported fields as well.
func deepText(v reflect.Value, seen map[any]bool) (texts []string) {
	switch v.Kind() {
	case reflect.String:
		return []string{v.String()}
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() || seen[v.Pointer()] && v.Kind() != reflect.Slice {
			return nil
		}
		seen[v.Pointer()] = true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return deepText(v.Elem(), seen)
	case reflect.Struct:
		for _, field := range v.Fields() {
			texts = append(texts, deepText(field, seen)...)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			return []string{string(v.Bytes())}
		}
		for i := range v.Len() {
			texts = append(texts, deepText(v.Index(i), seen)...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			texts = append(append(texts, deepText(key, seen)...), deepText(v.MapIndex(key), seen)...)
		}
	}
	return texts
}
