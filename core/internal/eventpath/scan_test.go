package eventpath

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScanFindsPaths(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"event.data.id":                                {"event.data.id"},
		" event . data\n.id ":                          {"event.data.id"},
		`event.data["user-id"].x == async['data'].x`:   {`event.data["user-id"].x`, "async.data.x"},
		"event.data.items[ 0 ].id > .5":                {"event.data.items[0].id"},
		"event.data.m[event.data.k].x":                 {"event.data.m", "event.data.k"},
		"event.data.name.startsWith('event.data.x')":   {"event.data.name"},
		"size(event.data.list) > 2u":                   {"event.data.list"},
		"event.data.tags.exists(t, t == event.data.t)": {"event.data.tags", "event.data.t"},
		"x.event.data.id, {'a': 1}":                    nil,
		"'event.data.x' + \"async.data.y\"":            nil,
		"event.data.a // event.data.b\n+ event.data.c": {"event.data.a", "event.data.c"},
		"event.data.a // event.data.b":                 {"event.data.a"},
		"!(event.data.a in [1, 2]) ? 1e5 : -3":         {"event.data.a"},
		"event":                                        {"event"},
		"json_parse(event.data.text).event.data":       {"event.data.text"},
		"vars.a":                                       nil,
		"":                                             nil,
	} {
		found := scan(text)
		require.Empty(t, found.problem, text)
		require.Empty(t, found.unknown, text)
		var paths []string
		for _, p := range found.paths {
			paths = append(paths, p.String())
		}
		require.Equal(t, want, paths, text)
	}
}

func TestScanFindsMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`event.data.id == "a\"b"`:   "has a backslash in text",
		`event.data.id == 'a\'b'`:   "has a backslash in text",
		`event.data.id == "a\\b"`:   "has a backslash in text",
		`event.data["a\\b"]`:        "has a backslash in text",
		`event.data.id == 'a`:       "has text without its closing quote '",
		`event.data["id`:            `has text without its closing quote "`,
		`event.data.id == r'a'`:     `has "r" before text in quotes`,
		`event.data.id == """a"""`:  "has three quotes in a row",
		"(event.data.a":             `has a '(' that is not closed`,
		"event.data.a)":             `has a ')' without the opening bracket`,
		"(event.data.a]":            `has a ']' without the opening bracket`,
		"event.data.list[0 == 1":    `has a '[' that is not closed`,
		"data.id":                   `has "data.id", which does not begin with event: write event.data.…`,
		"data.id == 'a'":            `has "data.id"`,
		"event.data.plan == pro":    `has "pro", which is not known in expressions: begin paths with event, and put text in quotes`,
		"event.data.user-id":        `has "id"`,
		"event.id == async.id":      "has async, but this expression has only the triggering event",
		"event.data.id.x == 'a'":    "event.data.id is string and has no fields",
		"has(event.data.nothing)":   `has no "nothing"`,
		"event.data.Tags == ev.Tgs": `has "ev.Tgs"`,
	} {
		e := Expression{Text: text, Events: []Shape{{Event: "e", Type: reflect.TypeFor[item]()}}}
		require.Contains(t, e.Problem(), want, text)
	}
}

func TestExpressionsOverTwoEvents(t *testing.T) {
	t.Parallel()
	e := Expression{
		Events: []Shape{{Event: "first", Type: reflect.TypeFor[item]()}, {Event: "second", Type: reflect.TypeFor[wide](), Open: true}},
		Async:  &Shape{Event: "other", Type: reflect.TypeFor[wide]()},
	}
	for _, tc := range []struct {
		text    string
		isMatch bool
		want    string
	}{
		{"event.data.id == async.data.UserID", false, ""},
		{"event.data.items == async.data.UserID", false, `type of event "first"`},
		{"event.data.id == async.data.id", false, `type of event "other"`},
		{`event["data"].id == async.data.UserID`, false, "has event[…], which the server does not recognize here; write event.data"},
		{`event.data.id == async["data"].UserID`, false, "write async.data"},
		{"async.data.items[0].id == 'x'", false, ""},
		{"async.data.items[0].id == event.data.id", false, "cannot compare an element of a list"},
		{"data.id == async.data.UserID", false, "does not begin with event or async"},
		{"ts", true, ""},
		{"data.id", true, `type of event "other"`},
		{"data.Tags", true, `type of event "other"`},
		{"data.UserID", true, `type of event "first"`},
		{"data.items[0].id", true, "type of event \"first\""},
		{"data.Tags[0]", true, "cannot compare an element of a list"},
		{"event.data.id", true, `leave out "event."`},
		{"async.data.id", true, `leave out "async."`},
		{"dta.id", true, `an event has no "dta"`},
		{"data.user-id", true, "is not a path in both events"},
		{"data.id == 'x'", true, "is not a path in both events"},
		{".data", true, "is not a path in both events"},
		{`data["x\"]`, true, "is not a path in both events"},
		{"data.size()", true, "is not a path in both events"},
	} {
		e.Text, e.IsMatch = tc.text, tc.isMatch
		if tc.want == "" {
			require.Empty(t, e.Problem(), tc.text)
			continue
		}
		require.Contains(t, e.Problem(), tc.want, tc.text)
	}
	require.Equal(t, "event.data.id == async.data.id", Expression{Text: "data.id", IsMatch: true}.Full())
}

// The number of remembered conditions is limited. The awaited event is part of their key.
func TestWaitProblem(t *testing.T) {
	t.Parallel()
	events := &Events{All: []Shape{{Event: "e", Type: reflect.TypeFor[item]()}}}
	one, other := Shape{Event: "a", Type: reflect.TypeFor[item]()}, Shape{Event: "a", Type: reflect.TypeFor[twin]()}
	for range 2 {
		require.Empty(t, events.WaitProblem("data.id", true, one))
		require.Contains(t, events.WaitProblem("data.id", true, other), `has no "id"`)
		require.NotEmpty(t, events.WaitProblem("data.id", false, one))
		require.Contains(t, events.WaitProblem("", true, one), "is empty")
	}
	for i := range 2 * maxChecked {
		require.Empty(t, events.WaitProblem("async.data.id == '"+string(rune('a'+i))+"'", false, one))
	}
	require.Len(t, *events.checked.Load(), maxChecked)
	var unknown *Events
	require.Empty(t, unknown.WaitProblem("event.data.x == async.data.id", false, one))
	require.NotEmpty(t, unknown.WaitProblem("data.x", true, one))
}

func TestWaitProblemAllocatesNothing(t *testing.T) {
	events := &Events{}
	shape := Shape{Event: "order/paid", Type: reflect.TypeFor[item]()}
	require.Zero(t, testing.AllocsPerRun(100, func() { events.WaitProblem("data.id", true, shape) }))
}

func BenchmarkWaitProblem(b *testing.B) {
	events := &Events{All: []Shape{{Event: "order/placed", Type: reflect.TypeFor[item]()}}}
	shape := Shape{Event: "order/paid", Type: reflect.TypeFor[item]()}
	for b.Loop() {
		events.WaitProblem("data.id", true, shape)
	}
}
