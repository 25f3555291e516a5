//go:build unix

package devserver

import (
	"io"
	"os"
	"path/filepath"
	"strings"
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

// cli returns a script that reports a version like the Inngest CLI.
func cli(version string) string {
	return "#!/bin/sh\n[ \"$1\" = version ] && echo " + version + "\n"
}

// forgetServer clears the environment variables about the server.
func forgetServer(t *testing.T) {
	t.Helper()
	t.Setenv(PathEnv, "")
	t.Setenv(VersionEnv, "")
}

func TestFindServerOrder(t *testing.T) {
	forgetServer(t)
	explicit, first, second := t.TempDir(), t.TempDir(), t.TempDir()
	named := writeExecutable(t, explicit, "my-server", cli("1.45.0-abcdef012"))
	other := writeExecutable(t, first, "inngest-cli", cli("1.12.1-"))
	plain := writeExecutable(t, second, "inngest", cli("dev-"))

	t.Setenv("PATH", first+string(os.PathListSeparator)+second)
	t.Setenv(PathEnv, named)
	got, err := Find(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, Binary{Path: named, Source: SourceEnv, Version: "v1.45.0"}, got)
	require.Equal(t, "Inngest server v1.45.0, "+named+", named by INNGEST_CLI_PATH", got.String())

	t.Setenv(PathEnv, "")
	got, err = Find(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, Binary{Path: plain, Source: SourcePath, Version: "dev"}, got, "inngest goes before inngest-cli")

	require.NoError(t, os.Remove(plain))
	got, err = Find(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, Binary{Path: other, Source: SourcePath, Version: "v1.12.1"}, got)
	require.Contains(t, got.String(), "PATH")
}

func TestFindServerBuildsWhenThereIsNone(t *testing.T) {
	forgetServer(t)
	useFakeGo(t, t.TempDir(), fakeGoBuilds)
	got, err := Find(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, SourceBuilt, got.Source)
	require.Equal(t, DefaultVersion, got.Version)
	require.FileExists(t, got.Path)
	require.Contains(t, got.String(), "built by inngestkit")
}

// A named version is built, regardless of PATH.
func TestFindServerOfAVersion(t *testing.T) {
	forgetServer(t)
	bin := t.TempDir()
	useFakeGo(t, bin, fakeGoBuilds)
	writeExecutable(t, bin, "inngest", cli("1.12.1-"))
	for _, version := range []string{"v1.12.1", "1.12.1", "1.43.0"} {
		t.Setenv(VersionEnv, version)
		got, err := Find(t.Context(), io.Discard)
		require.NoError(t, err)
		require.Equal(t, SourceBuilt, got.Source)
		require.Equal(t, "v"+strings.TrimPrefix(version, "v"), got.Version)
	}
	t.Setenv(VersionEnv, "1.44")
	_, err := Find(t.Context(), io.Discard)
	require.ErrorContains(t, err, `version "1.44"`)
	require.ErrorContains(t, err, VersionEnv)
}

// An executable named by the environment must have the version named there, too.
func TestFindServerRefusesAContradiction(t *testing.T) {
	named := writeExecutable(t, t.TempDir(), "my-server", cli("1.43.0-e7b1e6e64"))
	t.Setenv(PathEnv, named)
	t.Setenv(VersionEnv, "1.43.0")
	got, err := Find(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, Binary{Path: named, Source: SourceEnv, Version: "v1.43.0"}, got)

	other := writeExecutable(t, t.TempDir(), "my-server", cli("1.44.0-abc"))
	t.Setenv(PathEnv, other)
	t.Setenv(VersionEnv, "v1.44.0")
	got, err = Find(t.Context(), io.Discard)
	require.NoError(t, err, "it need not be a version that can be built")
	require.Equal(t, "v1.44.0", got.Version)
	t.Setenv(PathEnv, named)
	t.Setenv(VersionEnv, "1.12.1")
	_, err = Find(t.Context(), io.Discard)
	for _, part := range []string{PathEnv, named, `"v1.43.0"`, VersionEnv, "1.12.1", "unset one of them"} {
		require.ErrorContains(t, err, part)
	}
}

func TestFindServerNamesTheVariable(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "not-executable")
	require.NoError(t, os.WriteFile(plain, nil, 0o600))
	for _, path := range []string{plain, t.TempDir(), filepath.Join(t.TempDir(), "missing")} {
		t.Setenv(PathEnv, path)
		_, err := Find(t.Context(), io.Discard)
		require.ErrorContains(t, err, PathEnv)
		require.ErrorContains(t, err, path)
	}
}

// A relative path becomes absolute, because servers run in their own directory.
func TestFindServerMakesThePathAbsolute(t *testing.T) {
	dir := t.TempDir()
	forgetServer(t)
	named := writeExecutable(t, dir, "my-server", "")
	t.Chdir(dir)
	t.Setenv(PathEnv, "my-server")
	got, err := Find(t.Context(), io.Discard)
	require.NoError(t, err)
	require.Equal(t, named, got.Path)
}
