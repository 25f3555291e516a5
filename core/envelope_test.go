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
