package eventpath

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type Deep struct {
	Deepest string `json:"deepest"`
	Same    string
	Tagged  string
}

type Inner struct {
	*Deep

	Shadow string `json:"same"`
	Same   int
	Tagged string `json:"tagged,omitempty"`
}

type twin struct{ Twice, Once string }

type Twin2 struct{ Twice string }

type low struct{ Twice, Low string }

type mid struct{ low }

type tagged struct {
	A string `json:"Name"`
}

type untagged struct{ Name int }

type item struct {
	ID   string `json:"id"`
	Tags []string
}

type wide struct {
	Inner
	twin
	Twin2

	Named Inner `json:"named"`

	UserID    string
	AccountID int             `json:"account_id,string"`
	Hyphen    string          `json:"user-id,omitempty"`
	Dash      string          `json:"-,"` //nolint:staticcheck // on purpose
	Out       string          `json:"-"`
	Quoted    string          `json:"a'b"` //nolint:staticcheck // on purpose
	Items     []item          `json:"items"`
	Array     [2]*item        `json:"array"`
	Bytes     []byte          `json:"bytes"`
	ByName    map[string]item `json:"byName"`
	Free      any             `json:"free"`
	Raw       json.RawMessage `json:"raw"`
	At        time.Time       `json:"at"`
	Self      *wide           `json:"self"`
	hidden    string
}

// fieldsOf returns the names that encoding/json writes.
func TestFieldsAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	type cycle struct {
		*wide

		X string `json:"Twice"`
	}
	for _, v := range []any{
		wide{Inner: Inner{Deep: &Deep{}}, hidden: ""}, Inner{Deep: &Deep{}}, cycle{wide: &wide{Inner: Inner{Deep: &Deep{}}}},
		struct{ twin }{}, struct{ *Twin2 }{&Twin2{}}, struct{}{},
		struct {
			twin
			Twin2
			mid
		}{}, struct {
			tagged
			untagged
		}{}, struct {
			low
			untagged

			Low int
		}{},
	} {
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		var all map[string]any
		require.NoError(t, json.Unmarshal(raw, &all))
		got := slices.Sorted(maps.Keys(fieldsOf(reflect.TypeOf(v))))
		for _, omitted := range []string{"user-id", "tagged"} {
			if _, ok := all[omitted]; !ok && slices.Contains(got, omitted) {
				all[omitted] = nil
			}
		}
		require.Equal(t, slices.Sorted(maps.Keys(all)), got, "%T", v)
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	shape := Shape{Event: "e", Type: reflect.TypeFor[*wide]()}
	for _, text := range []string{
		"event", "event.id", "event.name", "event.ts", "event.v", "event.user", "event.user.anything", "event.meta.sessions",
		"event.data", `event["data"]["user-id"]`, "event.data.UserID", "event.data.account_id", `event.data["user-id"]`, `event.data["-"]`,
		"event.data.deepest", "event.data.same", "event.data.Same", "event.data.tagged", "event.data.Tagged", "event.data.Once",
		"event.data.named.deepest", "event.data.items", "event.data.items[0]", "event.data.items[0].id", "event.data.items[12].Tags[0]",
		"event.data.array[1].id", "event.data.byName.anybody.id", `event.data.byName["any body"].id`, "event.data.free.any.thing[0].x",
		"event.data.raw.any", "event.data.at.year", "event.data.self.self.UserID",
	} {
		require.Empty(t, shape.Problem(parsed(t, text)), text)
	}
	for text, want := range map[string]string{
		"event.dta":                   `an event has no "dta"; it has data, id, meta, name, ts, user, v`,
		"event.Data.UserID":           `write event.data`,
		"event[0]":                    `an event has no "0"`,
		"event.id.x":                  "the id of an event has no fields",
		"event.data.userId":           `eventpath.wide, the type of event "e", has no "userId"; write event.data.UserID`,
		"event.data.user_ID":          "write event.data.UserID",
		"event.data.accountId":        "write event.data.account_id",
		"event.data.hidden":           `has no "hidden"; it has -, Once, Quoted, Same, Tagged, UserID, account_id, array and`,
		"event.data.Out":              `has no "Out"`,
		"event.data.Twice":            `has no "Twice"`,
		"event.data.Items[0].id":      "write event.data.items",
		"event.data.items.id":         "event.data.items is a list; name an element, as in event.data.items[0]",
		"event.data.items[0].ID":      "write event.data.items[0].id",
		"event.data.items[0].id.x":    "event.data.items[0].id is string and has no fields",
		"event.data.account_id[0]":    "event.data.account_id is not a list, but int",
		"event.data.bytes[0]":         "event.data.bytes is not a list",
		"event.data.byName.x.nothing": `eventpath.item, the type of event "e", has no "nothing"; it has Tags, id`,
		"event.data.userid":           "define the event with inngestkit.AdditionalProperties()",
	} {
		require.Contains(t, shape.Problem(parsed(t, text)), want, text)
	}
	shape.Open = true
	require.Empty(t, shape.Problem(parsed(t, "event.data.unknown.deeply")))
	require.Empty(t, shape.Problem(parsed(t, "event.data.items[0].unknown")))
	require.NotEmpty(t, shape.Problem(parsed(t, "event.dta")))
	require.NotEmpty(t, shape.Problem(parsed(t, "event.data.items.id")))
	require.Empty(t, Shape{}.Problem(parsed(t, "event.data.anything")))
	require.Contains(t, Shape{Event: "e", Type: reflect.TypeFor[struct{ A string }]()}.Problem(parsed(t, "event.data.b")), `: the type of event "e" has no "b"; it has A`)
	require.Contains(t, Shape{Event: "e", Type: reflect.TypeFor[twin]()}.Problem(parsed(t, `event.data["o-nce"]`)), "write event.data.Once")
}

func parsed(t *testing.T, text string) Path {
	t.Helper()
	path, ok := Parse(text)
	require.True(t, ok, text)
	return path
}
