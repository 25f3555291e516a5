package inngestkit

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever the data of an event is, it is still JSON without the field, and the rest does not
// change.
func FuzzHide(f *testing.F) {
	for _, data := range []string{
		`{}`, `{"trace":{}}`, ` { "trace" : { } , "a" : 1 } `, `{"a":9007199254740993,"trace":{"b":{}}}`, "{\n\"a\":1\n,\n\"trace\":{}\n,\"b\":[{}]}",
		`{"trace":1}`, `{"a":{"trace":{}}}`, `{"a":"\"trace\":{},"}`, `{"tr\u0061ce":{},"trace":{}}`, `[]`, `"trace"`, `null`, `{"a":1,"trace":{"}":"{"}}`,
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		raw := []byte(`{"name":"e","data":` + data + `,"ts":1}`)
		if !json.Valid(raw) {
			return // the gate has refused it
		}
		given := bytes.Clone(raw)
		got := eventFields{"trace"}.hide(raw)
		require.Equal(t, given, raw, "it is not changed in place")
		var before, after struct {
			Data map[string]json.RawMessage `json:"data"`
		}
		if json.Unmarshal(raw, &before) != nil || strings.Contains(data, `\`) {
			require.True(t, json.Valid(got), "%s", got)
			return // not an object, or its names contain escapes
		}
		require.NoError(t, json.Unmarshal(got, &after), "%s", got)
		if bytes.HasPrefix(before.Data["trace"], []byte("{")) && strings.Count(data, `"trace"`) == 1 {
			delete(before.Data, "trace")
			require.Equal(t, before, after)
		}
		require.True(t, json.Valid(got), "%s", got)
	})
}
