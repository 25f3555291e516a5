package devserver

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/pinned"
)

// People maintain internal/devserver; the embedded copies must be equal.
func TestPinnedFilesAreThoseOfTheRepository(t *testing.T) {
	t.Parallel()
	goMod, goSum := pinned.Module(OldestVersion)
	for name, embedded := range map[string][]byte{"go.mod": goMod, "go.sum": goSum} {
		original, err := os.ReadFile("../../internal/devserver/" + name)
		require.NoError(t, err)
		// require.Equal would print the difference of two long files.
		require.True(t, bytes.Equal(original, embedded),
			"internal/devserver/%s has changed; run `go generate ./...` in inngesttest", name)
	}
	require.Contains(t, string(goMod), "\ntool "+serverModule+"/cmd\n")
}
