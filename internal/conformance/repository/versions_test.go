package repository

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// chosenByUsers lists the libraries, besides the frameworks of adapters, whose version
// programs choose.
var chosenByUsers = map[string][]string{
	"contrib/otel": {"go.opentelemetry.io/otel"},
	"contrib/cel":  {"github.com/google/cel-go/cel"},
}

// oneVersion lists the modules that are tested with only one version, and the reasons.
var oneVersion = map[string]string{
	"github.com/valyala/fasthttp": "v1.78.0 is the newest, and older ones allow request smuggling",
	"github.com/google/cel-go":    "the Inngest server v1.43.0 has v0.27.0, so both accept the same expressions",
}

// library is a module whose version programs choose.
type library struct {
	// name is the path of the library, and user the directory of our module that uses it.
	name, user string
	// oldest is required by the go.mod of the user, and newest is selected in the workspace.
	oldest, newest string
}

// The workspace tests a newer version of each library than our modules require: go get of
// an adapter does not force the newest framework on a program, and the newest is tested.
func TestWorkspaceTestsNewerVersions(t *testing.T) {
	t.Parallel()
	for _, lib := range libraries(t) {
		t.Run(lib.name, func(t *testing.T) {
			t.Parallel()
			if oneVersion[lib.name] != "" {
				require.Equal(t, lib.oldest, lib.newest, "is tested with two versions; remove it from oneVersion")
				return
			}
			require.NotEqual(t, lib.oldest, lib.newest, "%[1]s/go.mod requires the newest version: "+
				"require the oldest that passes .ci/minimum %[1]s, and the newest in internal/conformance/go.mod", lib.user)
		})
	}
}

// docs/versions.md lists the versions that are tested, and README.md those of the libraries that
// programs choose.
func TestVersionsAreDocumented(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	var rows strings.Builder
	for _, lib := range libraries(t) {
		if oneVersion[lib.name] == "" {
			require.Contains(t, string(readme), fmt.Sprintf(" | %s | %s |\n", lib.oldest, lib.newest), lib.name)
		}
		fmt.Fprintf(&rows, "| `%s` | `%s` | %s | %s |\n", lib.user, lib.name, lib.oldest, lib.newest)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "versions.md"))
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "|---|---|---|---|\n")
	require.True(t, found, "the page has no table of four columns")
	table, _, _ = strings.Cut(table, "\n\n")
	require.Equal(t, rows.String(), table+"\n", "the first table of docs/versions.md")

	versions := list(t, "-m", "-f", "{{.GoVersion}}") // of each module in the workspace
	for _, version := range versions {
		require.Contains(t, string(page), "`go "+version+"`")
	}
}

// libraries returns the libraries of adapters and of modules in contrib.
func libraries(t *testing.T) []library {
	t.Helper()
	var all []library
	for _, user := range append(adapterModules(t), "contrib/cel", "contrib/otel") {
		packages := slices.Concat(frameworkOf[user], chosenByUsers[user])
		if len(packages) == 0 {
			continue
		}
		required := testsite.Requirements(t, filepath.Join(root, user))
		modules := list(t, append([]string{"-f", "{{.Module.Path}} {{.Module.Version}}"}, packages...)...)
		for _, line := range slices.Compact(modules) { // several packages of one module
			name, newest, _ := strings.Cut(line, " ")
			require.Contains(t, required, name, "%s/go.mod", user)
			all = append(all, library{name: name, user: user, oldest: required[name], newest: newest})
		}
	}
	return all
}
