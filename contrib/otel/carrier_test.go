package inngestotel

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
)

var span = trace.NewSpanContext(trace.SpanContextConfig{
	TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, Remote: true,
})

func carrying(t testing.TB, options ...Option) *telemetry {
	t.Helper()
	c, err := newConfig(options)
	require.NoError(t, err)
	return &telemetry{config: c}
}

// Any event data stays JSON and keeps its members and their digits, and the trace
// context added to it is found again.
func FuzzCarrier(f *testing.F) {
	for _, data := range []string{
		``, `null`, `{}`, ` { } `, `{"a":1}`, "{\n\t\"a\" : 9007199254740993}", `[]`, `[1]`, `"text"`, `7`, `{`, `}`, `{"traceContext"`,
		`{"traceContext":1}`, `{"trace\u0043ontext":{}}`, `{"a":{"traceContext":1}}`, `{"":""}`, `{"a":"}"}`, `{"a":1,"a":2}`,
	} {
		f.Add(data, "traceContext")
	}
	f.Add(`{"a.b":1}`, "a.b")
	f.Add(`{"a":{"b":1}}`, "a.b")
	f.Add(`{"a*":1}`, "a?")
	f.Add(`{"@this":1}`, "@this")
	f.Add(`{"#":1}`, `"#`)
	f.Add(`{"A":0}`, "a")
	f.Fuzz(func(t *testing.T, data, field string) {
		if field == "" || field == serverField || !json.Valid([]byte(`{"x":`+data+`}`)) && data != "" {
			return
		}
		name, err := json.Marshal(field)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(name, &field)) // as valid UTF-8
		if len(field) > maxField {
			return
		}
		c := carrying(t, WithField(field))
		ctx := trace.ContextWithSpanContext(context.Background(), span)
		before := map[string]json.RawMessage{}
		isObject := data == "" || json.Unmarshal([]byte(data), &before) == nil
		had := false // encoding/json ignores case, too
		for key := range before {
			had = had || strings.EqualFold(key, field)
		}

		got := c.withField(json.RawMessage(data), c.newField(ctx))
		after := map[string]json.RawMessage{}
		if !isObject {
			require.Equal(t, strings.Trim(data, " \t\r\n"), strings.Trim(string(got), " \t\r\n"))
			return
		}
		require.NoError(t, json.Unmarshal(got, &after), "%q from %q", got, data)
		if had {
			require.Equal(t, before, after)
			return
		}
		require.Len(t, after, len(before)+1)
		for key, value := range before {
			require.Equal(t, string(value), string(after[key]))
		}
		require.Equal(t, span, trace.SpanContextFromContext(c.extract(context.Background(), got)))
		require.Equal(t, string(got), string(c.withField(got, c.newField(ctx))), "once")
	})
}

// Other middleware may pass on invalid JSON. It stays invalid, and the encoder reports it.
func TestInvalidDataStaysInvalid(t *testing.T) {
	t.Parallel()
	c := carrying(t)
	field := c.newField(trace.ContextWithSpanContext(t.Context(), span))
	for _, data := range []string{"{", "{ ", "{]", "}", "x", `"{`} {
		require.False(t, json.Valid(c.withField(json.RawMessage(data), field)), data)
	}
}

// Arbitrary data from strangers does not make extract panic.
func FuzzExtract(f *testing.F) {
	f.Add([]byte(`{"traceContext":{"traceparent":"00-01000000000000000000000000000000-0200000000000000-01"}}`))
	f.Add([]byte(`{"traceContext":{"traceparent":1,"tracestate":[],"baggage":{}}}`))
	f.Add([]byte(`{"traceContext":`))
	f.Add([]byte(`{"traceContext":[{"traceparent":"x"}]}`))
	f.Add([]byte(`[[[[[[[`))
	c := carrying(f, WithBaggage())
	f.Fuzz(func(_ *testing.T, data []byte) {
		c.extract(context.Background(), data)
	})
}

// Names that cannot carry a trace context are refused.
func TestFieldsThatAreRefused(t *testing.T) {
	t.Parallel()
	for field, reason := range map[string]string{
		serverField:                       "the server deletes this field",
		"a\xff":                           "valid UTF-8",
		strings.Repeat("x", maxField+1):   "has 1025 bytes; use at most 1024",
		strings.Repeat("\x15", maxField):  "",
		strings.Repeat("x", maxField/2+1): "",
	} {
		_, err := newConfig([]Option{WithField(field)})
		if reason == "" {
			require.NoError(t, err)
			c := carrying(t, WithField(field))
			require.NotEmpty(t, c.newField(trace.ContextWithSpanContext(t.Context(), span)))
			continue
		}
		require.ErrorContains(t, err, reason)
	}
}
