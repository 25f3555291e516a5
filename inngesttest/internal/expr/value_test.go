package expr_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func evaluators() map[string]*expr.Evaluator {
	clock := func() time.Time { return noon }
	return map[string]*expr.Evaluator{
		"newest": expr.New(version.Newest, clock), "oldest": expr.New(version.Oldest, clock),
	}
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var decoded map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &decoded))
	return decoded
}

const valueEvent = `{"name":"a/b","ts":1700000000000,"data":{
	"s":"hello","e":"","q":"a\"b","n":7,"zero":0,"yes":true,"no":false,"nil":null,"list":[1,null,"x"],"none":[],
	"o":{"k":"v","n":1},"empty":{},"date":"2026-03-01T11:00:00Z","sec":1700000000}}`

// isError is the value of an expression with an error.
const isError = "error"

var values = []struct {
	text   string
	newest any
	oldest any // as newest if nil
}{
	// A missing operand.
	{"event.data.missing == null", true, nil},
	{"event.data.missing != null", false, nil},
	{"event.data.missing == 1", false, nil},
	{"event.data.missing != 1", true, nil},
	{"event.data.missing == event.data.other", false, nil},
	{"event.data.missing != event.data.other", true, nil},
	{"event.data.missing < 1", true, nil},
	{"event.data.missing <= 1", true, nil},
	{"event.data.missing > 1", false, nil},
	{"event.data.missing >= 1", false, nil},
	{"1 < event.data.missing", false, nil},
	{"1 > event.data.missing", true, nil},
	{"event.data.missing < event.data.other", true, nil},
	{"event.data.missing > event.data.other", false, nil},
	{"event.data.missing + 'x'", "x", nil},
	{"'x' + event.data.missing", "x", nil},
	{"event.data.missing + event.data.other", false, nil},
	{"size(event.data.missing)", int64(0), nil},
	{"event.data.missing.size()", int64(0), nil},
	{"event.data.missing - 1", false, nil},
	{"!event.data.missing", false, nil},
	{"event.data.missing.contains('x')", false, nil},
	{"event.data.missing in ['x']", false, nil},
	{"event.data.missing.exists(x, x == 1)", false, nil},
	{"event.data.missing", false, nil},
	{"event.data.missing.deep", false, nil},
	{"has(event.data.missing)", false, nil},
	{"event.data.s.deep == null", true, nil},
	// A missing path makes the objects above it missing too, where they are used as a whole.
	{"event.data.o == {'k': 'v', 'n': 1}", true, nil},
	{"event.data.o == {'k': 'v', 'n': 1} && event.data.o.missing == null", false, nil},
	{"event.data.o.k == 'v' && event.data.o.missing == null", true, nil},
	// An error counts as a missing operand, except for + beside another type.
	{"event.data.list[9] == null", true, nil},
	{"event.data.list[9] < 1", true, nil},
	{"event.data.list[9] + 'x'", "index out of bounds: 9x", nil},
	{"event.data.list[9]", isError, nil},
	{"unknown == 1", isError, nil},
	{"lower(event.data.s)", isError, nil},
	// Null and another type.
	{"event.data.nil == null", true, nil},
	{"event.data.nil == 0", false, nil},
	{"event.data.nil != 0", true, nil},
	{"event.data.nil < 1", true, nil},
	{"event.data.nil >= 0", true, nil},
	{"event.data.nil < 'a'", true, nil},
	{"event.data.nil + 'x'", "NULL_VALUEx", nil},
	{"event.data.nil < event.data.list", isError, nil},
	// Operands of two types.
	{"event.data.n == 7", true, nil},
	{"event.data.n == 7u", true, nil},
	{"event.data.n < 7.5", true, nil},
	{"event.data.n == '7'", false, nil},
	{"event.data.n != '7'", true, nil},
	{"event.data.s < 5", isError, nil},
	{"event.data.s + event.data.n", "hello7", nil},
	{"event.data.n + event.data.s", "7hello", nil},
	{"event.data.n + 1", "71", nil},
	{"event.data.n + 1.0", 8.0, nil},
	{"event.data.n - 1", isError, nil},
	// Text is not unescaped.
	{`event.data.q == "a\"b"`, false, nil},
	{`event.data.q == 'a"b'`, true, nil},
	{`size("a\"b")`, int64(4), nil},
	{`"a\"b" == vars.a`, false, nil},
	{"event.data.s == 'hello' // a comment", true, nil},
	{"'\\\\'", `\\`, isError}, // v1.12.1 takes the second backslash for an escape
	// Truthiness.
	{"event.data.s || false", "hello", isError},
	{"event.data.e || 'other'", "other", isError},
	{"event.data.zero || event.data.n", 7.0, isError},
	{"event.data.s && event.data.n", 7.0, isError},
	{"event.data.missing && true", false, nil},
	{"event.data.missing || true", true, nil},
	{"event.data.none && true", true, isError},
	{"event.data.empty && true", true, isError},
	{"event.data.nil || true", true, nil},
	{"event.data.list[9] || false", false, isError},
	{"event.data.s ? 'yes' : 'no'", "yes", isError},
	{"event.data.e ? 'yes' : 'no'", "no", isError},
	{"event.data.missing ? 'yes' : 'no'", "no", false},
	{"event.data.yes && event.data.no", false, nil},
	// Macros. v1.12.1 has no rules for mixed types inside of them.
	{"event.data.list.exists(x, x == null)", true, nil},
	{"event.data.list.exists(x, x == 'x')", true, nil},
	{"event.data.list.existsOne(x, x == 'x')", true, isError},
	{"event.data.list.all(x, x != 5)", true, nil},
	{"event.data.list.exists(x, x > 'w')", isError, true}, // v1.43.0 stops at 1 > 'w', which is an error
	// Functions of the server.
	{"lowercase('AB') + uppercase('c') + lowercase(5)", "abC", nil},
	{"b64decode('aGk=')", "hi", nil},
	{"b64decode(5)", "", nil},
	{`json_parse('{"x":1}').x`, 1.0, nil},
	{"size(json_parse('[1]'))", int64(0), nil},
	{"date(event.data.date) == now_minus('1h')", true, nil},
	{"date('2026-03-01') < now() && now() < now_plus('1h')", true, nil},
	{"date(1700000000) == date(1700000000000)", true, nil},
	{"date('Mon, 02 Jan 2006 15:04:05 MST') < now()", true, nil},
	{"date(5) == null", false, isError},
	{"date(event.ts) < now()", isError, nil},
	{"date(event.data.sec) < now()", isError, nil},
	{"date(int(event.data.sec)) < now()", true, nil},
	{"date('soon') < now()", isError, nil},
	{"now_plus('soon') > now()", isError, nil},
	{"date(event.data.missing) == false", true, isError},
	{"now_plus(event.data.missing) == false", true, isError},
	// Brackets are not paths, hence errors instead of missing values.
	{`event.data["s"]`, "hello", nil},
	{`event["data"].s`, "hello", nil},
	{`event.data["missing"]`, isError, nil},
	{`event.data["missing"] == null`, true, nil},
	// Expressions that cannot be parsed.
	{"event.data.s ==", isError, nil},
	{"", isError, nil},
	{"'open", "open", isError},
}

// Value follows the rules of the server for missing, null and mixed operands.
func TestValue(t *testing.T) {
	t.Parallel()
	vars := expr.Vars{"event": object(t, valueEvent)}
	for _, tc := range values {
		for name, e := range evaluators() {
			want := tc.newest
			if name == "oldest" && tc.oldest != nil {
				want = tc.oldest
			}
			got := e.Value(tc.text, vars)
			if want == isError {
				require.Error(t, got.Err, "%s: %s is %v", name, tc.text, got.Value)
				require.Equal(t, false, got.Value, "%s: %s", name, tc.text)
				require.False(t, got.OK)
				continue
			}
			require.NoError(t, got.Err, "%s: %s", name, tc.text)
			require.Equal(t, want, got.Value, "%s: %s", name, tc.text)
			require.Equal(t, want == true, got.OK, "%s: %s", name, tc.text)
		}
	}
}

// A condition that is not a boolean is an error.
func TestBool(t *testing.T) {
	t.Parallel()
	vars := expr.Vars{"event": object(t, valueEvent)}
	for name, e := range evaluators() {
		require.True(t, e.Bool("event.data.yes", vars).OK, name)
		require.NoError(t, e.Bool("event.data.missing", vars).Err, name)
		text := e.Bool("event.data.s", vars)
		require.ErrorIs(t, text.Err, expr.ErrNotBool, name)
		require.ErrorContains(t, text.Err, "it is hello (string)", name)
		require.False(t, text.OK, name)
		var compile *expr.CompileError
		require.ErrorAs(t, e.Bool("event.data.s ==", vars).Err, &compile, name)
	}
}

// Keys share a limit by their text.
func TestKeyText(t *testing.T) {
	t.Parallel()
	vars := expr.Vars{"event": object(t, `{"data":{"s":"x","n":7,"big":1000000,"f":1.5,"yes":true,"nil":null,"list":[1,"a",null],"o":{"b":1,"a":[2]}}}`)}
	for text, want := range map[string]string{
		"event.data.s": "x", "event.data.n": "7", "event.data.big": "1e+06", "event.data.f": "1.5", "event.data.yes": "true",
		"event.data.missing": "false", "event.data.nil": "NULL_VALUE", "event.data.list": "[1 a <nil>]",
		"event.data.o": "map[a:[2] b:1]", "event.data.list[9]": "false", "event.data.s + '-' + event.data.n": "x-7",
		"[event.data.s, event.data.n]": "[x 7]", "int(event.data.n)": "7",
	} {
		for name, e := range evaluators() {
			require.Equal(t, want, expr.KeyText(e.Value(text, vars).Value), "%s: %s", name, text)
		}
	}
}

// Why names the missing paths that were compared.
func TestWhy(t *testing.T) {
	t.Parallel()
	vars := expr.Vars{"event": object(t, valueEvent), "async": object(t, `{"data":{}}`)}
	for text, want := range map[string][]string{
		"async.data.userId == null":                    {"async.data.userId is missing: null == null is true"},
		"async.data.a == event.data.s":                 {`async.data.a is missing: null == "hello" is false`},
		"async.data.a == event.data.b":                 {"async.data.a is missing and event.data.b is missing: missing == missing is false"},
		"async.data.a < 5":                             {"async.data.a is missing: null < 5 is true"},
		"!async.data.a":                                {"async.data.a is missing: !null is false"},
		"async.data.a":                                 {"async.data.a is missing: the expression is false"},
		"size(async.data.a) == 0":                      {"async.data.a is missing: size(null) is 0"},
		"event.data.list[9] == 1":                      {"index out of bounds: 9 counts as missing: null == 1 is false"},
		"event.data.s == 'hello'":                      nil,
		"async.data.a == null && async.data.a == null": {"async.data.a is missing: null == null is true"},
	} {
		for name, e := range evaluators() {
			require.Equal(t, want, e.Value(text, vars).Why, "%s: %s", name, text)
		}
	}
}

// Expressions whose value is random on the server are refused.
func TestUnfaithful(t *testing.T) {
	t.Parallel()
	vars := expr.Vars{"event": object(t, valueEvent)}
	for name, e := range evaluators() {
		var unfaithful *expr.UnfaithfulError
		for _, text := range []string{
			"event.data.o.filter(k, true) == ['k', 'n']", "[event.data.o]", "event.data.s + [event.data.o]",
		} {
			require.ErrorAs(t, e.Value(text, vars).Err, &unfaithful, "%s: %s", name, text)
			require.ErrorContains(t, unfaithful, "Compare the fields of the object instead")
		}
		for _, text := range []string{
			"event.data.o.exists(k, k == 'n')", "event.data.list.filter(k, true)", "[event.data.empty]", "event.data.s + event.data.o",
		} {
			require.NoError(t, e.Value(text, vars).Err, "%s: %s", name, text)
		}
	}
}

// A wait fails the run if its condition does not compile. Types are checked loosely.
func TestCheckWait(t *testing.T) {
	t.Parallel()
	for name, e := range evaluators() {
		for _, text := range []string{
			"event.data.a == async.data.b", "'a' == 1", "1 < 'b'", "event.data.a + 1 == 'a1'", "async.data.l.exists(x, x == 1)",
			"date(event.ts) < now()", "lowercase(async.data.s) == 'x'", "1",
		} {
			require.NoError(t, e.CheckWait(text), "%s: %s", name, text)
		}
		for _, text := range []string{
			"", "event.data.a ==", "event.data.a = async.data.a", "lower(async.data.s) == 'x'", "other.data.a == 1", "1 - 'x'",
			"lowercase(1) == 'x'", "async.data.a in [pro]",
		} {
			var compile *expr.CompileError
			require.ErrorAs(t, e.CheckWait(text), &compile, "%s: %s", name, text)
			require.ErrorContains(t, compile, "error compiling expression: ")
		}
	}
}
