package limits

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

func TestSemaphores(t *testing.T) {
	t.Parallel()
	s := NewSemaphores(version.Newest)
	require.True(t, s.Acquire("1", "f", "a", 2, start))
	require.True(t, s.Acquire("2", "f", "a", 2, start))
	require.False(t, s.Acquire("3", "f", "a", 2, start))
	require.True(t, s.Acquire("4", "f", "b", 2, start), "another key")
	require.True(t, s.Acquire("5", "g", "a", 2, start), "another function")
	s.Release("3")
	require.False(t, s.Acquire("3", "f", "a", 2, start))
	s.Release("1")
	s.Release("1")
	require.True(t, s.Acquire("3", "f", "a", 2, start))
	require.False(t, s.Acquire("6", "f", "a", 2, start))
}

// Measured on v1.43.0: of functions whose first attempt fails, with limits of 1 and 2, all
// runs complete if the retry comes after 1 s. If it comes after 7 s, the retries never start,
// and neither do further runs.
func TestSemaphoresRetries(t *testing.T) {
	t.Parallel()
	soon := NewSemaphores(version.Newest)
	require.True(t, soon.Acquire("1", "f", "", 1, start))
	require.True(t, soon.Acquire("1", "f", "", 1, after(4.9)))
	soon.Release("1")
	require.False(t, soon.Holds("1"))
	require.True(t, soon.Acquire("2", "f", "", 1, after(6)))

	late := NewSemaphores(version.Newest)
	require.False(t, late.Holds("1"))
	require.True(t, late.Acquire("1", "f", "", 1, start))
	require.False(t, late.Acquire("1", "f", "", 1, after(5)))
	require.True(t, late.Holds("1"), "it waits for itself")
	require.False(t, late.Acquire("2", "f", "", 1, after(3600)))
	require.False(t, late.Holds("2"))

	// With room for the retry, a place is lost for good.
	lost := NewSemaphores(version.Newest)
	require.True(t, lost.Acquire("1", "f", "", 2, start))
	require.True(t, lost.Acquire("1", "f", "", 2, after(15)))
	lost.Release("1")
	require.True(t, lost.Acquire("2", "f", "", 2, after(3600)))
	require.False(t, lost.Acquire("3", "f", "", 2, after(3600)))
}

// Measured on v1.12.1: all runs start at once.
func TestSemaphoresOldest(t *testing.T) {
	t.Parallel()
	s := NewSemaphores(version.Oldest)
	for _, run := range []string{"1", "2", "3"} {
		require.True(t, s.Acquire(run, "f", "", 1, start))
	}
	s.Release("1")
}
