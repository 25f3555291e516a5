package jsontype_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// oneWay encodes itself, but does not decode itself.
type oneWay struct{ n int }

func (o oneWay) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d", o.n), nil }

// bothWays has a pointer receiver for both directions.
type bothWays struct{ text string }

func (b *bothWays) MarshalJSON() ([]byte, error)   { return json.Marshal("<" + b.text + ">") }
func (b *bothWays) UnmarshalJSON(raw []byte) error { return json.Unmarshal(raw, &b.text) }

type (
	hidden   struct{ n int }
	embedded struct{ hidden } //nolint:unused // JSON is to find nothing in it
	node     struct {
		Next *node
		F    int
	}
	hasFunc struct{ Inner struct{ F func() } }
	// Its fields have one type, once in a map and once addressed.
	mapFirst struct {
		ByID map[string]bothWays
		One  bothWays
	}
	mapLast struct {
		One  bothWays
		ByID map[string]bothWays
	}
	leftOut struct {
		F    func() `json:"-"`
		Text string
	}
)

const lostInMap = "the JSON of each jsontype_test.bothWays in a map is empty, because encoding/json does not call " +
	"the methods of *jsontype_test.bothWays there; use a map of *jsontype_test.bothWays"

func TestOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		of   reflect.Type
		want jsontype.Facts
	}{
		"text":          {reflect.TypeFor[string](), jsontype.Facts{}},
		"time":          {reflect.TypeFor[time.Time](), jsontype.Facts{}},
		"any":           {reflect.TypeFor[any](), jsontype.Facts{}},
		"recursive":     {reflect.TypeFor[node](), jsontype.Facts{}},
		"empty struct":  {reflect.TypeFor[struct{}](), jsontype.Facts{}},
		"ignored field": {reflect.TypeFor[leftOut](), jsontype.Facts{}},
		"channel":       {reflect.TypeFor[chan int](), jsontype.Facts{Encoding: "JSON has no chan", Decoding: "JSON has no chan"}},
		"slice of functions": {
			reflect.TypeFor[[]func()](), jsontype.Facts{Encoding: "JSON has no func", Decoding: "JSON has no func"},
		},
		"function in a field": {reflect.TypeFor[*hasFunc](), jsontype.Facts{Encoding: "field Inner: field F: JSON has no func"}},
		"key": {
			reflect.TypeFor[map[float64]int](), jsontype.Facts{Encoding: "a key of a JSON object cannot be made of float64"},
		},
		"key as text": {reflect.TypeFor[map[oneWay]int](), jsontype.Facts{}},
		"unexported": {
			reflect.TypeFor[hidden](), jsontype.Facts{Empty: "jsontype_test.hidden has no exported field, so its JSON is empty"},
		},
		"unexported, embedded": {
			reflect.TypeFor[embedded](), jsontype.Facts{Empty: "jsontype_test.embedded has no exported field, so its JSON is empty"},
		},
		"error": {
			reflect.TypeFor[error](), jsontype.Facts{
				Empty:    "the JSON of an error does not have its message; return the text of it",
				Decoding: "JSON cannot be decoded into the interface error", Doubtful: true,
			},
		},
		"encoded only":         {reflect.TypeFor[oneWay](), jsontype.Facts{Doubtful: true}},
		"pointer receiver":     {reflect.TypeFor[bothWays](), jsontype.Facts{Pointed: true}},
		"pointer in a slice":   {reflect.TypeFor[[]bothWays](), jsontype.Facts{Pointed: true}},
		"first in a map":       {reflect.TypeFor[mapFirst](), jsontype.Facts{Pointed: true, Lost: "field ByID: " + lostInMap}},
		"last in a map":        {reflect.TypeFor[mapLast](), jsontype.Facts{Pointed: true, Lost: "field ByID: " + lostInMap}},
		"only in a map":        {reflect.TypeFor[map[string][1]bothWays](), jsontype.Facts{Lost: lostInMap}},
		"pointers in a map":    {reflect.TypeFor[map[string]*bothWays](), jsontype.Facts{}},
		"elements of a map":    {reflect.TypeFor[map[string]time.Duration](), jsontype.Facts{}},
		"a pointer to itself":  {reflect.TypeFor[*bothWays](), jsontype.Facts{}},
		"json.RawMessage":      {reflect.TypeFor[json.RawMessage](), jsontype.Facts{}},
		"interface in a field": {reflect.TypeFor[struct{ E fmt.Stringer }](), jsontype.Facts{Doubtful: true}},
	} {
		for range 2 { // the second time from the cache
			require.Equal(t, tc.want, jsontype.Of(tc.of), name)
		}
	}
}

// What the facts claim is what encoding/json does.
func TestFactsMatchEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		"text", time.Now(), node{}, struct{}{}, make(chan int), []func(){nil}, hasFunc{}, map[float64]int{1: 1}, map[oneWay]int{{1}: 1},
		hidden{1}, embedded{}, oneWay{1}, bothWays{"x"}, []bothWays{{"x"}}, errors.New("no"), leftOut{Text: "x"},
		map[string]bothWays{"a": {"x"}}, map[string]*bothWays{"a": {"x"}}, &mapFirst{ByID: map[string]bothWays{"a": {"x"}}},
	} {
		facts := jsontype.Of(reflect.TypeOf(value))
		raw, err := json.Marshal(value)
		require.Equal(t, facts.Encoding == "", err == nil, "%T", value)
		if facts.Empty != "" {
			require.Equal(t, "{}", string(raw), "%T", value)
		}
		require.Equal(t, facts.Lost != "", strings.Contains(string(raw), `{"a":{}}`), "%T", value)
	}
}

func TestAddressed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{1, `1`},
		{bothWays{"x"}, `"<x>"`},
		{&bothWays{"x"}, `"<x>"`},
		{[2]bothWays{{"x"}, {"y"}}, `["<x>","<y>"]`},
		{struct{ B bothWays }{bothWays{"x"}}, `{"B":"<x>"}`},
		{mapFirst{One: bothWays{"x"}}, `{"ByID":null,"One":"<x>"}`},
	} {
		raw, err := json.Marshal(jsontype.Addressed(tc.value))
		require.NoError(t, err)
		require.JSONEq(t, tc.want, string(raw))
	}
	value := struct{ N int }{1}
	require.Equal(t, any(value), jsontype.Addressed(value), "a value that needs no pointer stays as it is")
}
