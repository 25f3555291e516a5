package limits

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIdempotency(t *testing.T) {
	t.Parallel()
	var i Idempotency
	const day = 24 * 3600
	require.True(t, i.Start("f", "id", start))
	require.False(t, i.Start("f", "id", after(1)))
	require.True(t, i.Start("g", "id", after(1)), "another function")
	require.True(t, i.Start("f", "other", after(1)))
	require.False(t, i.Start("f", "id", after(day-1)))
	require.True(t, i.Start("f", "id", after(day)))
	require.False(t, i.Start("f", "id", after(2*day-1)))
}

// Texts that look alike when joined stay apart.
func TestJoinKey(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, texts := range [][]string{{"a", "b"}, {"ab"}, {"ab", ""}, {"", "ab"}, {`a""b`}, {`a" "b`}, {`a`, `"b`}, {}} {
		keys[joinKey(texts...)] = true
	}
	require.Len(t, keys, 8)
}
