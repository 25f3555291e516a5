package expr

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// The cache of programs is bounded, and a program that it has is not compiled again.
func TestPrograms(t *testing.T) {
	t.Parallel()
	e := New(version.Newest, time.Now)
	for i := range maxPrograms + 10 {
		require.NoError(t, e.Value(fmt.Sprintf("event.data.n == %d", i), nil).Err)
	}
	programs.Lock()
	defer programs.Unlock()
	require.LessOrEqual(t, len(programs.byKey), maxPrograms)
	require.Contains(t, programs.byKey, programKey{version.Newest, fmt.Sprintf("event.data.n == %d", maxPrograms+9)})
}
