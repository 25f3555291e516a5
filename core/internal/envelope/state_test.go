package envelope

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The event of a call whose state was left out is the first of the batch
// (docs/SDK_SPEC.md, 4.4.2).
func TestSetState(t *testing.T) {
	t.Parallel()
	e, err := Parse([]byte(`{"event":{"name":"from the call"},"ctx":{"stack":{"stack":["a"]}},"use_api":true}`))
	require.NoError(t, err)
	require.NoError(t, e.setState([]byte(" [{\"name\":\"first\"},{}]\n"), []byte(`{"a":{}}`)))
	require.JSONEq(t, `{"name":"first"}`, string(e.Event))
	require.Len(t, e.Events, len(`[{"name":"first"},{}]`), "without the white space around it")
	require.False(t, e.UseAPI)
	require.Contains(t, string(e.WithoutEvents()), `"steps":{"a":{}}`)
}
