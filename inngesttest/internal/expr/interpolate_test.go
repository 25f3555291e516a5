package expr_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
)

const interpolatedEvent = `{"name":"a/b","ts":1700000000000,"data":{
	"s":"x","q":"a\"b","n":7,"million":1000000,"nil":null,"yes":true,"list":[1,"a"],"o":{"k":"v"},"dots":"event.x","user-id":"h"}}`

var residues = []struct{ text, residue string }{
	// Values become literals.
	{"event.data.s == async.data.s", `"x" == async.data.s`},
	{"async.data.n > event.data.n", "async.data.n > 7.0"},
	{`event.data.q == async.data.q`, `"a\"b" == async.data.q`},
	{"event.data.nil == async.data.nil", "null == async.data.nil"},
	{"event.data.list == async.data.list", `[1.0, "a"] == async.data.list`},
	{"event.data.o == async.data.o", `{"k": "v"} == async.data.o`},
	{"event.data.n + 1.0 == async.data.n", "8.0 == async.data.n"},
	{"event.data.s == 'x' && async.data.n == 7", "async.data.n == 7"},
	{"event.data.s == 'y' && async.data.n == 7", "false"},
	{"event.data.s == 'x' || async.data.n == 7", "true"},
	{"date('2026-03-01') < now() && event.data.s == async.data.s", `"x" == async.data.s`},
	{"now_plus('1h') > async.data.at && event.data.yes", `timestamp("2026-03-01T13:00:00Z") > async.data.at`},
	// Without "event." nothing is interpolated.
	{`event["data"]["s"] == async.data.s`, `event["data"]["s"] == async.data.s`},
	{"async.data.s == 'x'", "async.data.s == 'x'"},
	// Missing paths become null, and the comparison is not mirrored.
	{"event.data.missing == async.data.missing", "async.data.missing == null"},
	{"event.data.missing < async.data.n", "async.data.n < null"},
	{"async.data.n > event.data.missing", "async.data.n > event.data.missing"},
	{"event.data.missing == 'x' || async.data.s == 'x'", `null == "x" || async.data.s == "x"`},
	{"!(event.data.missing == async.data.s)", "async.data.s != null"},
	{"!(event.data.missing < async.data.s)", "async.data.s >= null"},
	{"(event.data.missing == async.data.s || async.data.n > 7) && async.data.s == 'x'",
		`async.data.s == "x" && (async.data.s == null || async.data.n > 7)`},
	{"(event.data.missing == async.data.a || async.data.b == 1) && (async.data.c == 2 || async.data.d == 3)",
		"async.data.a == null || async.data.b == 1 || async.data.c == 2 || async.data.d == 3"},
	// Text is quoted twice beside a missing path.
	{`event.data.missing == async.data.missing && event.data.q == async.data.q`,
		`async.data.missing == null && async.data.q == "a\\\"b"`},
	// What the server's parser cannot read is lost, or does not compile.
	{"event.data.missing == async.data.missing && async.data.s.contains('x')", "async.data.missing == null"},
	{"event.data.missing == async.data.missing ? true : false", ""},
	{"event.data.missing == async.data.missing && async.data.yes", "async.data.missing == null && yes select null"},
	{"event.data.missing == async.data.missing && 'x' in async.data.l", `async.data.missing == null && async.data.l @in "x"`},
	{"event.data.missing == async.data.missing && event.data.o == async.data.o", "async.data.missing == null && async.data.o == &{}"},
	{"event.data.missing == async.data.list[0]", "async.data.list[0] == null"},
	// A text with "event." is taken for a path, too.
	{"event.data.dots == async.data.dots", `async.data.dots == "event.x"`},
}

// Interpolate leaves what depends on the awaited event.
func TestInterpolate(t *testing.T) {
	t.Parallel()
	event := object(t, interpolatedEvent)
	for _, tc := range residues {
		for name, e := range evaluators() {
			got, err := e.Interpolate(tc.text, event)
			require.NoError(t, err, "%s: %s", name, tc.text)
			require.Equal(t, tc.residue, got, "%s: %s", name, tc.text)
		}
	}
}

// v1.43.0 lifts numbers, which makes it forget that they stood first.
func TestInterpolateMirrors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"newest": "async.data.n < 7 && async.data.missing == null", "oldest": "async.data.n > 7 && async.data.missing == null",
	} {
		got, err := evaluators()[name].Interpolate("7 < async.data.n && event.data.missing == async.data.missing", object(t, interpolatedEvent))
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
}

// Errors of Interpolate say whether the run fails, or the server cannot go on.
func TestInterpolateErrors(t *testing.T) {
	t.Parallel()
	event := object(t, interpolatedEvent)
	for name, e := range evaluators() {
		var compile *expr.CompileError
		_, err := e.Interpolate("event.data.s ==", event)
		require.ErrorAs(t, err, &compile, name)
		for _, text := range []string{
			"event.data.million == async.data.million", // it becomes 1e+06.0
			"event.data.list[9] == async.data.s",
			"event.data.s - 1.0 == async.data.n",
			"event.data.s == 'x' && async.data.l.exists(x, x == 1)", // macros cannot be written as text
		} {
			residue, err := e.Interpolate(text, event)
			require.Error(t, err, "%s: %s", name, text)
			require.NotErrorAs(t, err, &compile, "%s: %s", name, text)
			require.Equal(t, text, residue)
		}
	}
}

// A residue whose value is random on the server is refused.
func TestInterpolateUnfaithful(t *testing.T) {
	t.Parallel()
	event := object(t, `{"data":{"o":{"a":1,"b":2},"s":"x"}}`)
	letters := "[" + strings.TrimSuffix(strings.Repeat("'a', ", 26), ", ") + "]"
	for name, e := range evaluators() {
		var unfaithful *expr.UnfaithfulError
		for _, text := range []string{
			"event.data.o == async.data.o && async.data.s in " + letters, "event.data.o.filter(k, true) == async.data.keys",
		} {
			_, err := e.Interpolate(text, event)
			require.ErrorAs(t, err, &unfaithful, "%s: %s", name, text)
		}
		for _, text := range []string{"event.data.o == async.data.o", "event.data.s == async.data.s && async.data.s in " + letters} {
			_, err := e.Interpolate(text, event)
			require.NoError(t, err, "%s: %s", name, text)
		}
	}
}

// Index in brackets beside a missing path: v1.12.1 panics.
func TestInterpolateBrackets(t *testing.T) {
	t.Parallel()
	const text = `event.data.missing == async.data.missing && async.data["user-id"] == 'h'`
	got, err := evaluators()["newest"].Interpolate(text, object(t, interpolatedEvent))
	require.NoError(t, err)
	require.Equal(t, "async.data.missing == null", got)
	_, err = evaluators()["oldest"].Interpolate(text, object(t, interpolatedEvent))
	require.ErrorContains(t, err, "the server panics")
}

// Evaluators share programs, also between goroutines.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	event := object(t, valueEvent)
	var wg sync.WaitGroup
	for range 8 {
		for _, e := range evaluators() {
			wg.Go(func() {
				for _, tc := range values {
					e.Value(tc.text, expr.Vars{"event": event})
				}
				for _, tc := range residues {
					_, _ = e.Interpolate(tc.text, event)
				}
			})
		}
	}
	wg.Wait()
}
