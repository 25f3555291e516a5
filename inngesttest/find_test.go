//go:build unix

package inngesttest

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// writeExecutable writes an executable file and returns its path.
func writeExecutable(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o755))
	return path
}

func TestFindServerOrder(t *testing.T) {
	explicit, first, second := t.TempDir(), t.TempDir(), t.TempDir()
	named := writeExecutable(t, explicit, "my-server", "")
	cli := writeExecutable(t, first, "inngest-cli", "")
	plain := writeExecutable(t, second, "inngest", "")

	t.Setenv("PATH", first+string(os.PathListSeparator)+second)
	t.Setenv(PathEnv, named)
	got, err := FindServer(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, ServerBinary{Path: named, Source: SourceEnv}, got)
	require.Contains(t, got.String(), PathEnv)

	t.Setenv(PathEnv, "")
	got, err = FindServer(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, ServerBinary{Path: plain, Source: SourcePath}, got, "inngest goes before inngest-cli")

	require.NoError(t, os.Remove(plain))
	got, err = FindServer(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, ServerBinary{Path: cli, Source: SourcePath}, got)
	require.Contains(t, got.String(), "PATH")
}

func TestFindServerBuildsWhenThereIsNone(t *testing.T) {
	bin := t.TempDir()
	useFakeGo(t, bin, fakeGoBuilds)
	t.Setenv(PathEnv, "")
	got, err := FindServer(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, SourceBuilt, got.Source)
	require.FileExists(t, got.Path)
	require.Contains(t, got.String(), "built from the pinned version")
}

func TestFindServerNamesTheVariable(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "not-executable")
	require.NoError(t, os.WriteFile(plain, nil, 0o600))
	for _, path := range []string{plain, t.TempDir(), filepath.Join(t.TempDir(), "missing")} {
		t.Setenv(PathEnv, path)
		_, err := FindServer(t.Context(), io.Discard)
		require.ErrorContains(t, err, PathEnv)
		require.ErrorContains(t, err, path)
	}
}

// The path may be relative: servers run in a directory of their own.
func TestFindServerMakesThePathAbsolute(t *testing.T) {
	dir := t.TempDir()
	named := writeExecutable(t, dir, "my-server", "")
	t.Chdir(dir)
	t.Setenv(PathEnv, "my-server")
	got, err := FindServer(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, named, got.Path)
}
