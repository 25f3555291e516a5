package adaptertest_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/adaptertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReference(t *testing.T) { adaptertest.Run(t, newReference().adapter()) }

// mutantVariable is the environment variable with the mutant for a child process.
const mutantVariable = "ADAPTERTEST_MUTANT"

// Each case finds at least one mistake.
func TestMistakesAreFound(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, m := range mutants {
		found[m.foundBy] = true
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			name := strings.ReplaceAll(m.foundBy, " ", "_")
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutant$/^"+regexp.QuoteMeta(name)+"$", "-test.count=1", "-test.timeout=2m")
			child.Env = append(os.Environ(), mutantVariable+"="+m.name)
			out, err := child.CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(out), "--- FAIL: TestMutant/"+name+" ")
			require.NotContains(t, string(out), "panic: test timed out")
		})
	}
	for _, name := range adaptertest.Cases() {
		require.True(t, found[name], "no mutant for case %q", name)
	}
}

// TestMutant runs the suite on a mutant, in a child process.
func TestMutant(t *testing.T) {
	for _, m := range mutants {
		if m.name == os.Getenv(mutantVariable) {
			adaptertest.HurryUp()
			ref := newReference()
			m.mutate(ref)
			adaptertest.Run(t, ref.adapter())
		}
	}
}
