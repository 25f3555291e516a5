package inngesttest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/pinned"
)

// internal/devserver is what people maintain; what is embedded must be the same.
func TestPinnedFilesAreThoseOfTheRepository(t *testing.T) {
	t.Parallel()
	for name, embedded := range map[string][]byte{"go.mod": pinned.GoMod, "go.sum": pinned.GoSum} {
		original, err := os.ReadFile("../internal/devserver/" + name)
		require.NoError(t, err)
		require.True(t, string(original) == string(embedded),
			"internal/devserver/%s has changed; run `go generate ./...` in inngesttest", name)
	}
	require.Contains(t, string(pinned.GoMod), "\ntool "+serverPackage+"\n")
}
