package workspace_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// small is a workspace with a core, an adapter, and tests that are not published.
var small = map[string]string{
	"go.work": `go 1.26.0

use (
	./adapters/gin
	./core
	./internal/tests
)

replace (
	github.com/inngestkit/inngestkit/adapters/gin v0.1.0 => ./adapters/gin
	github.com/inngestkit/inngestkit/core v0.1.0 => ./core
)
`,
	"core/go.mod": "module github.com/inngestkit/inngestkit/core\n\ngo 1.26.0\n",
	"core/app.go": "package inngestkit\n\nconst Version = \"0.1.0\"\n",
	"adapters/gin/go.mod": `module github.com/inngestkit/inngestkit/adapters/gin

go 1.26.0

require (
	github.com/gin-gonic/gin v1.9.1
	github.com/inngestkit/inngestkit/core v0.1.0
)
`,
	"adapters/gin/go.sum": "github.com/gin-gonic/gin v1.9.1 h1:4idEAncQnU5cB7BeOkPtxjfCSye0AAm1R0RVIqJ+Jmg=\n",
	"internal/tests/go.mod": `module github.com/inngestkit/inngestkit/internal/tests

go 1.26.0

require github.com/inngestkit/inngestkit/adapters/gin v0.1.0

require github.com/inngestkit/inngestkit/core v0.1.0 // indirect
`,
	"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- core: everything.\n",
}

// open writes the small workspace, with some files changed, and reads it.
func open(t *testing.T, changed map[string]string) *workspace.Workspace {
	t.Helper()
	root := t.TempDir()
	for _, files := range []map[string]string{small, changed} {
		for name, text := range files {
			file := filepath.Join(root, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		}
	}
	w, err := workspace.Open(root)
	require.NoError(t, err)
	return w
}

func read(t *testing.T, w *workspace.Workspace, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.Root, name))
	require.NoError(t, err)
	return string(text)
}

// Check reports what the workspace hides.
func TestCheck(t *testing.T) {
	t.Parallel()
	require.NoError(t, open(t, nil).Check())
	const ginModule = "module github.com/inngestkit/inngestkit/adapters/gin\n"
	for name, tc := range map[string]struct {
		file, text string
		want       string
	}{
		"a requirement of an older version": {
			"adapters/gin/go.mod", ginModule + "require github.com/inngestkit/inngestkit/core v0.0.9\n",
			"adapters/gin/go.mod requires core v0.0.9, but v0.1.0 is released",
		},
		"a replacement": {
			"adapters/gin/go.mod", ginModule + "require github.com/inngestkit/inngestkit/core v0.1.0\n" +
				"replace github.com/inngestkit/inngestkit/core => ../../core\n",
			"adapters/gin/go.mod replaces github.com/inngestkit/inngestkit/core; users would not have the replacement",
		},
		"a requirement of a module that is not published": {
			"adapters/gin/go.mod", ginModule + "require github.com/inngestkit/inngestkit/internal/tests v0.1.0\n",
			"adapters/gin/go.mod requires internal/tests, which is not published",
		},
		"a requirement of a module that does not exist": {
			"adapters/gin/go.mod", ginModule + "require github.com/inngestkit/inngestkit/adapters/gone v0.1.0\n",
			"adapters/gin/go.mod requires github.com/inngestkit/inngestkit/adapters/gone, which go.work does not use",
		},
		"a checksum of a sibling": {
			"adapters/gin/go.sum", "github.com/inngestkit/inngestkit/core v0.1.0 h1:4idEAncQnU5cB7BeOkPtxjfCSye0AAm1R0RVIqJ+Jmg=\n",
			"adapters/gin/go.sum has a checksum of a module of this repository",
		},
		"a constant that is older": {
			"core/app.go", "package inngestkit\n\nconst Version = \"0.0.9\"\n",
			"requires core v0.1.0, but v0.0.9 is released",
		},
		"no replacement in go.work": {
			"go.work", "go 1.26.0\nuse ./core\nuse ./adapters/gin\n",
			"go.work does not replace github.com/inngestkit/inngestkit/core, which adapters/gin/go.mod requires",
		},
		"a replacement in go.work by another directory": {
			"go.work", "go 1.26.0\nuse ./core\nreplace github.com/inngestkit/inngestkit/core v0.1.0 => ./other\n",
			"not github.com/inngestkit/inngestkit/core v0.1.0 by ./core",
		},
		"a replacement in go.work of another version": {
			"go.work", "go 1.26.0\nuse ./core\nreplace github.com/inngestkit/inngestkit/core v0.0.9 => ./core\n",
			"go.work replaces github.com/inngestkit/inngestkit/core v0.0.9",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, open(t, map[string]string{tc.file: tc.text}).Check(), tc.want)
		})
	}
}

// The path of a module follows from its directory.
func TestOpenRefusesAWrongPath(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	require.NoError(t, os.WriteFile(filepath.Join(w.Root, "core", "go.mod"), []byte("module example.com/core\n"), 0o644))
	_, err := workspace.Open(w.Root)
	require.EqualError(t, err, "core/go.mod: the module must be github.com/inngestkit/inngestkit/core")
}

// A tag comes after the tags of what its module requires. Modules of the repository alone
// have none.
func TestTags(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"core/v0.1.0", "adapters/gin/v0.1.0"}, open(t, nil).Tags())
}

// Bump changes all places that have a version, and keeps everything else.
func TestBump(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	require.ErrorContains(t, w.CheckChangelog(), "has entries below [Unreleased]")
	require.NoError(t, w.Bump("v0.2.0", time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)))

	require.Contains(t, read(t, w, "core/app.go"), `const Version = "0.2.0"`)
	require.Contains(t, read(t, w, "adapters/gin/go.mod"), "\tgithub.com/gin-gonic/gin v1.9.1\n\tgithub.com/inngestkit/inngestkit/core v0.2.0\n")
	require.Contains(t, read(t, w, "internal/tests/go.mod"), "core v0.2.0 // indirect")
	require.Contains(t, read(t, w, "go.work"), "\tgithub.com/inngestkit/inngestkit/core v0.2.0 => ./core\n")
	require.Equal(t, "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-11-29\n\n### Added\n\n- core: everything.\n", read(t, w, "CHANGELOG.md"))

	again, err := workspace.Open(w.Root)
	require.NoError(t, err)
	require.Equal(t, "v0.2.0", again.Version)
	require.NoError(t, again.Check())
	require.NoError(t, again.CheckChangelog())
	require.NoError(t, again.Bump("v0.2.0", time.Now()), "the same version again")
	require.NoError(t, again.CheckChangelog())
}

func TestBumpRefuses(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"0.2.0":  "is not a version such as v1.2.3",
		"v0.2":   "is not a version such as v1.2.3",
		"v2.0.0": "from v2 on, the paths of the modules end in /v2",
		"v0.0.9": "v0.0.9 is older than v0.1.0",
	} {
		require.ErrorContains(t, open(t, nil).Bump(version, time.Now()), want, version)
	}
	none := open(t, map[string]string{"CHANGELOG.md": "# Changelog\n"})
	require.ErrorContains(t, none.Bump("v0.2.0", time.Now()), "has no heading [Unreleased]")
	require.Contains(t, read(t, none, "core/app.go"), "0.1.0", "nothing is changed then")
}

// A release has entries of its own in the changelog.
func TestCheckChangelog(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		"## [0.1.0]\n\n- core: all.\n":                                       "has no heading [Unreleased]",
		"## [Unreleased]\n\n- core: more.\n\n## [0.1.0]\n\n- core: all.\n":   "has entries below [Unreleased]",
		"## [Unreleased]\n\n## [0.0.9]\n\n- core: all.\n":                    "has no heading for v0.1.0",
		"## [Unreleased]\n":                                                  "has no heading for v0.1.0",
		"## [Unreleased]\n\n## [0.1.0]\n\n## [0.0.9]\n\n- core: the rest.\n": "has no entries for v0.1.0",
	} {
		require.ErrorContains(t, open(t, map[string]string{"CHANGELOG.md": page}).CheckChangelog(), want, page)
	}
}
