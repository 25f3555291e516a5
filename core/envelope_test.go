package inngestkit

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// The SDK gets the context and the steps as the server sent them, whatever they
// hold, and no events.
func TestEnvelopeForSDK(t *testing.T) {
	t.Parallel()
	body := ` {"ctx":{"run_id":"r","attempt":3,"stack":{"stack":["a"],"current":1},"new":true}, "event" : {"name":"e","data":{"n":1}},` +
		`"events":[{"name":"e"}],"steps":{"a":{"data":1}},"version":2,"use_api":false} `
	e, err := parseEnvelope([]byte(body))
	require.NoError(t, err)
	require.Equal(t, "r", e.RunID)
	require.Equal(t, 3, e.Attempt)
	require.JSONEq(t, `{"name":"e","data":{"n":1}}`, string(e.Event))
	require.False(t, e.UseAPI)
	sdk := e.forSDK()
	require.True(t, json.Valid(sdk))
	require.JSONEq(t, `{"event":{},"events":[],"steps":{"a":{"data":1}},
		"ctx":{"run_id":"r","attempt":3,"stack":{"stack":["a"],"current":1},"new":true}}`, string(sdk))
}

// The event of a call whose state was left out is the first of the batch
// (docs/SDK_SPEC.md, 4.4.2).
func TestSetState(t *testing.T) {
	t.Parallel()
	e, err := parseEnvelope([]byte(`{"event":{"name":"from the call"},"ctx":{"stack":{"stack":["a"]}},"use_api":true}`))
	require.NoError(t, err)
	require.NoError(t, e.setState([]byte(" [{\"name\":\"first\"},{}]\n"), []byte(`{"a":{}}`)))
	require.JSONEq(t, `{"name":"first"}`, string(e.Event))
	require.Len(t, e.Events, len(`[{"name":"first"},{}]`), "without the white space around it")
	require.False(t, e.UseAPI)
	require.Contains(t, string(e.forSDK()), `"steps":{"a":{}}`)
}
