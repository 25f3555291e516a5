package codecs

import (
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"strings"
	"time"
)

type (
	inner  struct{ A, B int }
	tagged struct {
		A int `json:"a"`
		B int `json:"b,omitempty"`
	}
	embedding struct {
		inner
		*tagged

		C int
	}
	named struct {
		Inner inner `json:"inner"`
	}
	deeper struct{ embedding }
	asText struct {
		N int64 `json:",string"`
	}
	zeros struct {
		T time.Time `json:",omitzero"`
		S []string  `json:",omitempty"`
		M map[string]int
		P *int
	}
	cased   struct{ UserID, URL string }
	node    struct{ Next *node }
	level   int
	encoded struct{ text string }
	pointed struct{ text string }
	options struct {
		Ignored string `json:"-"`
		Dash    string `json:"-,"` //nolint:staticcheck // the name is a dash
		private int
	}
)

func (l level) MarshalText() ([]byte, error) { return []byte(strings.Repeat("+", int(l))), nil }
func (l *level) UnmarshalText(text []byte) error {
	*l = level(len(text))
	return nil
}

func (e encoded) MarshalJSON() ([]byte, error)    { return json.Marshal("<" + e.text + ">") }
func (e *encoded) UnmarshalJSON(raw []byte) error { return json.Unmarshal(raw, &e.text) }

func (p *pointed) MarshalJSON() ([]byte, error)   { return json.Marshal("*" + p.text) }
func (p *pointed) UnmarshalJSON(raw []byte) error { return json.Unmarshal(raw, &p.text) }

// values are what functions and steps return, by the name of their shape.
func values() map[string]any {
	cycle := &node{}
	cycle.Next = cycle
	return map[string]any{
		"nil": nil, "true": true, "int": -1, "largest int": int64(math.MaxInt64), "largest uint": uint64(math.MaxUint64),
		"float": 0.1, "large float": 1e21, "small float": 1e-7, "float32": float32(3.4), "minus zero": math.Copysign(0, -1),
		"infinity": math.Inf(1), "text": "text", "no text": "", "HTML": "<a href=\"x\">&amp;</a>", "line separator": "\u2028 \u2029",
		"control characters": "\x00\x1f\x7f", "emoji": "a😀", "invalid UTF-8": "a\xffb", "bytes": []byte{0, 255}, "no bytes": []byte(nil),
		"array of bytes": [2]byte{1, 2}, "named bytes": json.RawMessage(`{"a": 1}`), "invalid raw": json.RawMessage(`{`), "number": json.Number("12345678901234567890"),
		"no number": json.Number("x"), "big int": big.NewInt(0).Exp(big.NewInt(10), big.NewInt(30), nil), "time": time.Unix(1, 5).UTC(), "duration": time.Second,
		"address": netip.MustParseAddr("::1"), "slice": []int{1, 2}, "nil slice": []int(nil), "empty slice": []int{}, "slice of nil": []any{nil}, "array": [2]string{"a", "b"},
		"map": map[string]int{"b": 1, "a": 2}, "nil map": map[string]int(nil), "int keys": map[int]string{10: "x", 9: "y"}, "text keys": map[level]int{2: 1},
		"bool keys": map[bool]int{true: 1}, "struct": inner{1, 2}, "tags": tagged{A: 1}, "pointer": &tagged{1, 2}, "nil pointer": (*tagged)(nil),
		"embedded": embedding{inner: inner{1, 2}, tagged: &tagged{3, 4}, C: 5}, "embedded nil": embedding{}, "embedded twice": deeper{embedding{inner: inner{1, 2}}},
		"named field": named{inner{1, 2}}, "integer as text": asText{math.MaxInt64}, "zeros": zeros{}, "options": options{"a", "b", 1}, "method": encoded{"x"},
		"method of a pointer": &pointed{"x"}, "method of a pointer in a slice": []pointed{{"x"}}, "method of a pointer in a map": map[string]pointed{"a": {"x"}},
		"text method": level(3), "any": map[string]any{"a": []any{1.5, "x", nil, true, map[string]any{}}}, "channel": make(chan int), "function": func() {},
		"complex": complex(1, 1), "cycle": cycle, "error": errSome, "nested": nested(100),
	}
}

var errSome = json.Unmarshal([]byte("x"), new(int))

func nested(levels int) any {
	var value any = 1
	for range levels {
		value = []any{value}
	}
	return value
}

// document is JSON and the type that it is decoded into.
type document struct {
	raw  string
	into func() any
}

func into[T any]() any { return new(T) }

// documents are data that arrives, by the name of its shape.
var documents = map[string]document{
	"int":                      {`1`, into[int]},
	"integer with an exponent": {`1e3`, into[int]},
	"integer with a fraction":  {`1.0`, into[int]},
	"integer above int64":      {`9223372036854775808`, into[int64]},
	"largest int":              {`9223372036854775807`, into[int64]},
	"above 2^53 into any":      {`9007199254740993`, into[any]},
	"number":                   {`{"n":12345678901234567890123}`, into[map[string]json.Number]},
	"number from text":         {`"12"`, into[json.Number]},
	"number from other text":   {`"x"`, into[json.Number]},
	"raw":                      {`{"a": [1, 2] , "b":null}`, into[map[string]json.RawMessage]},
	"raw, invalid UTF-8":       {"[\"\xff\"]", into[json.RawMessage]},
	"keys with a zero":         {`{"01":"a"}`, into[map[int]string]},
	"big int":                  {`1000000000000000000000000000000`, into[big.Int]},
	"text":                     {`"a\u00e9\ud83d\ude00\n"`, into[string]},
	"lone surrogate":           {`"a\ud800b"`, into[string]},
	"invalid UTF-8":            {"\"a\xffb\"", into[string]},
	"invalid UTF-8 in a key":   {"{\"a\xff\":1}", into[map[string]int]},
	"text into int":            {`"1"`, into[int]},
	"integer as text":          {`{"N":"9223372036854775807"}`, into[asText]},
	"integer not as text":      {`{"N":1}`, into[asText]},
	"null":                     {`null`, into[tagged]},
	"null field":               {`{"a":null,"b":2}`, into[tagged]},
	"null in a slice":          {`[1,null,2]`, into[[]int]},
	"bytes":                    {`"AP8="`, into[[]byte]},
	"bytes from an array":      {`[0,255]`, into[[]byte]},
	"broken bytes":             {`"A"`, into[[]byte]},
	"short array":              {`[1]`, into[[2]int]},
	"long array":               {`[1,2,3]`, into[[2]int]},
	"case of keys":             {`{"userid":"u","Url":"x"}`, into[cased]},
	"duplicate keys":           {`{"a":1,"a":2}`, into[tagged]},
	"duplicate keys of a map":  {`{"a":1,"a":2}`, into[map[string]int]},
	"duplicate objects":        {`{"inner":{"A":1},"inner":{"B":2}}`, into[named]},
	"unknown fields":           {`{"a":1,"x":{"y":[1]}}`, into[tagged]},
	"embedded":                 {`{"A":1,"a":2,"C":3}`, into[embedding]},
	"embedded in embedded":     {`{"B":1,"C":3}`, into[struct{ Deeper deeper }]},
	"int keys":                 {`{"10":"x"}`, into[map[int]string]},
	"text keys":                {`{"++":1}`, into[map[level]int]},
	"key that is no int":       {`{"x":"y"}`, into[map[int]string]},
	"method":                   {`"x"`, into[encoded]},
	"method gets null":         {`null`, into[encoded]},
	"text method":              {`"+++"`, into[level]},
	"text method gets an int":  {`3`, into[level]},
	"time":                     {`"2026-01-02T03:04:05.000000006Z"`, into[time.Time]},
	"no time":                  {`"yesterday"`, into[time.Time]},
	"duration":                 {`1000`, into[time.Duration]},
	"pointer to pointer":       {`{"a":1}`, into[**tagged]},
	"any":                      {`{"a":[1.5,"x",null,true,{}]}`, into[any]},
	"object into a slice":      {`{}`, into[[]int]},
	"wrong field among others": {`{"a":"x","b":2}`, into[tagged]},
	"spaces":                   {" {\n\"a\" :\t1 }\r\n", into[tagged]},
	"behind the value":         {`1 x`, into[int]},
	"nothing":                  {``, into[int]},
	"half":                     {`{"a":`, into[tagged]},
	"comma at the end":         {`[1,]`, into[[]int]},
	"leading zero":             {`01`, into[int]},
	"NaN":                      {`NaN`, into[float64]},
	"float that overflows":     {`1e400`, into[float64]},
	"nested":                   {strings.Repeat("[", 5000) + strings.Repeat("]", 5000), into[any]},
	"nested too deeply":        {strings.Repeat("[", 10001) + strings.Repeat("]", 10001), into[any]},
	"interface":                {`{"a":1}`, into[error]},
}
