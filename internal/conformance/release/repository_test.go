package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// A repository is a copy of this one, for tests that change it.
type repository struct {
	*testing.T

	root string
}

// copyRepository copies the files that Git tracks, as they are now.
func copyRepository(t *testing.T) repository {
	t.Helper()
	here, err := output(t.Context(), ".", "git", "rev-parse", "--show-toplevel")
	require.NoError(t, err)
	names, err := output(t.Context(), here, "git", "ls-files", "-z")
	require.NoError(t, err)
	r := repository{T: t, root: t.TempDir()}
	for name := range strings.SplitSeq(strings.Trim(names, "\x00"), "\x00") {
		if text, err := os.ReadFile(filepath.Join(here, name)); !os.IsNotExist(err) {
			require.NoError(t, err)
			r.write(name, string(text))
		}
	}
	r.git("init", "--quiet")
	r.git("add", "--all")
	return r
}

func (r repository) read(name string) string {
	r.Helper()
	text, err := os.ReadFile(filepath.Join(r.root, name))
	require.NoError(r, err)
	return string(text)
}

func (r repository) write(name, text string) {
	r.Helper()
	file := filepath.Join(r.root, name)
	require.NoError(r, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(r, os.WriteFile(file, []byte(text), 0o644))
}

// replace changes a file, which contains the old text.
func (r repository) replace(name, before, after string) {
	r.Helper()
	text := r.read(name)
	require.Contains(r, text, before, name)
	r.write(name, strings.Replace(text, before, after, 1))
}

func (r repository) git(args ...string) {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), "git", args...)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com")
	out, err := cmd.CombinedOutput()
	require.NoError(r, err, "git %s: %s", args[0], out)
}

func (r repository) open() *workspace.Workspace {
	r.Helper()
	w, err := workspace.Open(r.root)
	require.NoError(r, err)
	return w
}
