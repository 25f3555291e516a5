package candidate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The shared cache has the modules of the machine, but not ours. What is downloaded arrives
// in the machine's, except ours.
func TestShareCache(t *testing.T) {
	t.Parallel()
	machine, shared := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	for _, name := range []string{
		"github.com/gin-gonic/gin@v1.9.1/gin.go",
		"github.com/inngestkit/inngestkit/core@v0.1.0/app.go",
		"golang.org/x/mod@v0.41.0/doc.go",
		"cache/lock",
		"cache/download/github.com/gin-gonic/gin/@v/v1.9.1.zip",
		"cache/download/github.com/inngestkit/inngestkit/core/@v/v0.1.0.zip",
		"cache/download/sumdb/sum.golang.org/latest",
	} {
		require.NoError(t, write(filepath.Join(machine, filepath.Dir(name)), filepath.Base(name), name))
	}
	require.NoError(t, shareCache(shared, machine))

	for name, has := range map[string]bool{
		"github.com/gin-gonic/gin@v1.9.1/gin.go":                true,
		"golang.org/x/mod@v0.41.0/doc.go":                       true,
		"cache/download/github.com/gin-gonic/gin/@v/v1.9.1.zip": true,
		"cache/download/sumdb/sum.golang.org/latest":            true,
		"github.com/inngestkit":                                 false,
		"cache/download/github.com/inngestkit":                  false,
		"cache/lock":                                            false,
	} {
		_, err := os.Stat(filepath.Join(shared, name))
		require.Equal(t, has, err == nil, name)
	}

	require.NoError(t, write(filepath.Join(shared, "golang.org/x/sync@v0.24.0"), "go.mod", "module golang.org/x/sync"))
	require.FileExists(t, filepath.Join(machine, "golang.org/x/sync@v0.24.0/go.mod"))
	require.NoError(t, write(filepath.Join(shared, "github.com/inngestkit/inngestkit/core@v0.1.0"), "go.mod", "module core"))
	require.NoFileExists(t, filepath.Join(machine, "github.com/inngestkit/inngestkit/core@v0.1.0/go.mod"))
	require.NoError(t, os.RemoveAll(shared))
	require.FileExists(t, filepath.Join(machine, "github.com/gin-gonic/gin@v1.9.1/gin.go"), "removing it removes only links")
}

// A machine without a cache gets an empty one.
func TestShareCacheOfNothing(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	require.NoError(t, shareCache(shared, filepath.Join(t.TempDir(), "gone")))
	require.DirExists(t, filepath.Join(shared, "cache", "download", "github.com"))
}
