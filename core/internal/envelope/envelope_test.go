package envelope

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The SDK gets the context and the steps exactly as the server sent them. It gets events
// only for adopted functions.
func TestBodyForTheSDK(t *testing.T) {
	t.Parallel()
	body := ` {"ctx":{"run_id":"r","attempt":3,"stack":{"stack":["a"],"current":1},"new":true}, "event" : {"name":"e","data":{"n":1}},` +
		`"events":[{"name":"e"}],"steps":{"a":{"data":1}},"version":2,"use_api":false} `
	e, err := Parse([]byte(body))
	require.NoError(t, err)
	require.Equal(t, "r", e.RunID)
	require.Equal(t, 3, e.Attempt)
	require.JSONEq(t, `{"name":"e","data":{"n":1}}`, string(e.Event))
	require.False(t, e.UseAPI)
	require.Equal(t, `{"stack":["a"],"current":1}`, string(e.Stack())) //nolint:testifylint // byte for byte
	require.JSONEq(t, `{"event":{},"events":[],"ctx":{"run_id":"r","attempt":3,"stack":null,"new":true}}`, string(e.ForSDK()))
	require.JSONEq(t, `{"event":{"name":"e","data":{"n":1}},"events":[{"name":"e"}],"steps":{"a":{"data":1}},
		"ctx":{"run_id":"r","attempt":3,"stack":{"stack":["a"],"current":1},"new":true}}`, string(e.Whole()))
}

// The parts of an envelope are slices of the body, and equal what encoding/json decodes.
func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"event":{"data":{}},"events":[{}],"steps":{"a":{"data":1}},"ctx":{"run_id":"r","attempt":2,"use_api":false},"use_api":true}`,
		" \n{ \"ctx\" : { } , \"event\" : null } \t", `{"event":1,"ctx":{},"event":[2,"\u0000"]}`, `{"EVENT":1,"ctx":{}}`,
		`{"\u0065vent":1,"c\u0074x":{"run_id":"\ud800"}}`, `{"event":{},"steps":null,"ctx":{}}`, `{"event":{},"ctx":[]}`, `{"event":{},"ctx":null}`, `[]`, `{}`, ``,
		`{"event":{},"ctx":{},"use_api":"true"}`, `{"event":{},"ctx":{"attempt":1.5}}`, `{"event":{},"ctx":{}} x`, "{\"event\":\"\xff\",\"ctx\":{}}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		e, err := Parse(body)
		require.Equal(t, before, body)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &want))
		for key, part := range map[string][]byte{"event": e.Event, "events": e.Events, "steps": e.Steps, "ctx": e.Context} {
			if key == "steps" && string(want[key]) == "null" {
				want[key] = nil
			}
			require.Equal(t, string(want[key]), string(part), key)
			require.True(t, len(part) == 0 || inside(part, body), "%s is not a slice of the body", key)
		}
		for _, sdk := range [][]byte{e.ForSDK(), e.Whole()} {
			require.True(t, json.Valid(sdk), "%q", sdk)
		}
	})
}

func inside(part, whole []byte) bool {
	for i := 0; i+len(part) <= len(whole); i++ {
		if &whole[i] == &part[0] {
			return true
		}
	}
	return false
}

// What is appended to a part of the body does not overwrite the next one.
func TestPartsHaveNoRoom(t *testing.T) {
	t.Parallel()
	e, err := Parse([]byte(`{"event":{"a":1},"events":[{"a":1}],"steps":{"a":{"data":{"b":1}},"b":{"error":{}},"c":1},"ctx":{"stack":{}}}`))
	require.NoError(t, err)
	parts := [][]byte{e.Event, e.Events, e.Steps, e.Context}
	for _, r := range e.Results {
		parts = append(parts, r.Raw, r.Data, r.Error)
	}
	for _, part := range parts {
		require.Equal(t, len(part), cap(part), string(part))
	}
}
