package envelope

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzState reads the memoized results of a call and of the API. They stay JSON, and no
// step that has a result loses it: it would run again.
func FuzzState(f *testing.F) {
	for _, steps := range []string{
		`{}`, `null`, `{"a":{"data":1}}`, `{"a":{"error":{"name":"E"}}}`, `{"a":{"error":null,"data":1}}`, `{"a":{"error":null}}`, `{"a":{"input":[1]}}`,
		`{"a":"eyJpbnB1dCI6"}`, `{"a":{"input":1,"data":2},"a":null}`, `{"\u0061":{"\u0065rror":{}}}`, `[]`, `{"a":`, "{\"a\":{\"error\":\"\xff\"}}",
	} {
		f.Add([]byte(`[{"name":"e"}]`), []byte(steps))
	}
	for _, events := range []string{`[]`, `{"0":{}}`, ` [ {} , 5 ] `, `null`, `[[]]`, `[{"a":1}`} {
		f.Add([]byte(events), []byte(`{"a":{"data":1}}`))
	}
	f.Fuzz(func(t *testing.T, events, steps []byte) {
		if !json.Valid(events) || !json.Valid(steps) {
			return // Get returns JSON
		}
		e, err := Parse([]byte(`{"event":{},"ctx":{"stack":{"stack":["a"]}},"use_api":true}`))
		require.NoError(t, err)
		var results map[string]json.RawMessage
		isObject := json.Unmarshal(steps, &results) == nil
		_, has := results["a"]
		err = e.setState(events, steps)
		var list []json.RawMessage
		_ = json.Unmarshal(events, &list)
		if err != nil {
			require.True(t, e.UseAPI, "nothing is set")
			return
		}
		require.True(t, isObject && has, "a step that has run has a result")
		require.NotEmpty(t, list)
		require.JSONEq(t, string(list[0]), string(e.Event))
		var normalized map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(e.SDKSteps(), &normalized))
		for id, result := range results {
			if strings.ContainsRune(id, utf8.RuneError) {
				continue // encoding/json has replaced something in it
			}
			found := e.Results.Find([]byte(id))
			if isInput(result) {
				require.Nil(t, found)
				continue
			}
			require.Contains(t, normalized, id)
			require.Equal(t, string(result), string(found.Raw))
		}
	})
}
