package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// A release from the bump to the tag, in a copy of the repository.
func TestRelease(t *testing.T) {
	t.Parallel()
	r := copyRepository(t)
	require.NoError(t, bump(t.Context(), r.open(), []string{"v0.2.0"}))
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", "v0.2.0")

	w := r.open()
	require.NoError(t, check(t.Context(), w, []string{"-tag", "release/v0.2.0"}))
	require.ErrorContains(t, check(t.Context(), w, []string{"-tag", "release/v0.1.0"}), "the modules are ready for release/v0.2.0")
	r.git("tag", "core/v0.2.0")
	require.ErrorContains(t, check(t.Context(), w, []string{"-tag", "release/v0.2.0"}), "modules are tagged already: core/v0.2.0")
	r.git("tag", "--delete", "core/v0.2.0")
	require.NoError(t, proveOnly(t, w, "core", "adapters/fiber"))
	for _, m := range w.Modules {
		for line := range strings.Lines(r.read(m.Dir + "/go.mod")) {
			require.False(t, strings.Contains(line, "/inngestkit/") && strings.Contains(line, "v0.1.0"), line)
		}
	}

	r.replace("core/app.go", "// Version is", "// Version, which is exported, is")
	require.ErrorContains(t, check(t.Context(), w, []string{"-tag", "release/v0.2.0"}), "not everything is committed:\nM core/app.go")
	r.replace("core/app.go", "const Version", "const Added = 1\n\nconst Version")
	require.NoError(t, check(t.Context(), w, nil), "additions break nothing")
	require.ErrorContains(t, check(t.Context(), w, []string{"-tag", "release/v0.2.0"}), "core: Added: added")
	r.replace("core/event.go", "func AdditionalProperties(", "func unexportedProperties(")
	require.ErrorContains(t, bump(t.Context(), w, []string{"v0.2.0"}), "core: AdditionalProperties: removed")
}

// The go command finds the candidate in the proxy that a newcomer's program may use.
func TestProxy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, proxy(t.Context(), copyRepository(t).open(), []string{dir}))
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "-versions", workspace.Repository+"/adapters/gin")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "GOMODCACHE="+t.TempDir(), "GOPROXY=file://"+dir, "GONOSUMDB="+workspace.Repository)
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, workspace.Repository+"/adapters/gin v0.1.0\n", string(out))
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"publish"}, {"bump"}, {"proxy"}} {
		require.ErrorIs(t, run(t.Context(), args), errUsage)
	}
}
