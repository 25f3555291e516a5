package github_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// Dependabot knows each module of the workspace. It does not raise what adapters and modules
// in contrib require, which is the oldest version that works.
func TestDependabotKnowsEveryModule(t *testing.T) {
	t.Parallel()
	config := parse[struct {
		Updates []struct {
			Ecosystem   string   `yaml:"package-ecosystem"`
			Directories []string `yaml:"directories"`
			Limit       *int     `yaml:"open-pull-requests-limit"`
		} `yaml:"updates"`
	}](t, root+"/.github/dependabot.yml")
	w, err := workspace.Open(root)
	require.NoError(t, err)

	var raised, kept []string
	for _, update := range config.Updates {
		switch {
		case update.Ecosystem != "gomod":
		case update.Limit == nil:
			raised = append(raised, update.Directories...)
		default:
			require.Zero(t, *update.Limit)
			kept = append(kept, update.Directories...)
		}
	}
	var wantRaised, wantKept []string
	for _, m := range w.Modules {
		if strings.HasPrefix(m.Dir, "adapters/") || strings.HasPrefix(m.Dir, "contrib/") {
			wantKept = append(wantKept, "/"+m.Dir)
		} else {
			wantRaised = append(wantRaised, "/"+m.Dir)
		}
	}
	require.ElementsMatch(t, wantRaised, raised)
	require.ElementsMatch(t, wantKept, kept)
	require.True(t, slices.IsSorted(raised) && slices.IsSorted(kept), "in alphabetical order")
}
