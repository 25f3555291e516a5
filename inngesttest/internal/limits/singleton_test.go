package limits

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSingleton(t *testing.T) {
	t.Parallel()
	var s Singleton
	_, ok := s.Acquire("k", "1")
	require.True(t, ok)
	holder, ok := s.Acquire("k", "2")
	require.False(t, ok)
	require.Equal(t, "1", holder)
	_, ok = s.Acquire("other", "3")
	require.True(t, ok)
	_, ok = s.Acquire("k", "1")
	require.True(t, ok, "it has it already")

	s.Release("2") // holds nothing
	_, ok = s.Acquire("k", "2")
	require.False(t, ok)
	s.Release("1")
	s.Release("1")
	_, ok = s.Acquire("k", "2")
	require.True(t, ok)
	s.Release("1") // no longer holds it
	_, ok = s.Acquire("k", "4")
	require.False(t, ok)
}
