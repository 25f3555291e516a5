package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/release/candidate"
	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

const (
	adapter = "adapters/nethttp"
	echo    = "github.com/labstack/echo/v4"
)

// The proof finds what the workspace hides. Each mistake is made in a copy of the repository,
// in the smallest adapter.
func TestProofFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mistake func(r repository)
		prove   string // what is proved, the adapter by default
		want    []string
	}{
		"a file that is not committed": {
			mistake: func(r repository) { r.git("rm", "--quiet", "--cached", adapter+"/router.go") },
			want:    []string{"use " + adapter, "undefined: "},
		},
		"a requirement of a version that is not released": {
			mistake: func(r repository) { r.replace(adapter+"/go.mod", "/core v0.1.0", "/core v0.0.1") },
			want:    []string{"use " + adapter, "core@v0.0.1"},
		},
		"another framework": {
			mistake: func(r repository) {
				r.write(adapter+"/more.go", "package inngesthttp\n\nimport _ \""+echo+"\"\n")
				r.replace(adapter+"/go.mod", "require (", "require (\n\t"+echo+" v4.9.0")
				r.git("add", "--all")
			},
			want: []string{"testdata/modules/adapters_nethttp.txt", "+ linked " + echo + " v4.9.0"},
		},
		"another framework, only for tests": {
			mistake: func(r repository) { r.replace(adapter+"/go.mod", "require (", "require (\n\t"+echo+" v4.9.0") },
			want:    []string{"go.mod is not tidy", "+ required " + echo + " v4.9.0"},
		},
		"a checksum that is missing": {
			mistake: func(r repository) {
				sums := strings.Split(r.read(adapter+"/go.sum"), "\n")
				r.write(adapter+"/go.sum", strings.Join(sums[2:], "\n"))
			},
			want: []string{adapter + "/go.sum is not tidy; run .ci/tidy", "+ github.com/"},
		},
		"an example that prints something else": {
			mistake: func(r repository) { r.replace(adapter+"/example_test.go", "Output: 200", "Output: 404") },
			want:    []string{"the example prints\n200", "not\n404"},
		},
		"a README that gets too little": {
			mistake: func(r repository) {
				r.replace("README.md", "go get github.com/inngestkit/inngestkit/adapters/gin\n", "go get github.com/inngestkit/inngestkit/adapters/echo\n")
			},
			prove: "README.md",
			want:  []string{"build README.md", "cannot find module providing package github.com/inngestkit/inngestkit/adapters/gin"},
		},
		"a README that names what does not exist": {
			mistake: func(r repository) { r.replace("README.md", "inngestgin.Mount(r, app)", "inngestgin.Gone(r, app)") },
			prove:   "README.md",
			want:    []string{"build README.md", "undefined: inngestgin.Gone"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := copyRepository(t)
			tc.mistake(r)
			if tc.prove == "" {
				tc.prove = adapter
			}
			err := proveOnly(t, r.open(), tc.prove)
			for _, want := range tc.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// The proof uses the modules as they are now: neither those of an earlier proof, which have
// the same version, nor their traces in the module cache of the machine.
func TestProofAfterAChange(t *testing.T) {
	t.Parallel()
	cache, err := output(t.Context(), ".", "go", "env", "GOMODCACHE")
	require.NoError(t, err)
	traces := func() (found []string) {
		for _, dir := range []string{"", "cache/download"} {
			if entries, err := os.ReadDir(filepath.Join(cache, dir, workspace.Repository)); err == nil {
				found = append(found, fmt.Sprint(dir, entries))
			}
		}
		return found
	}
	before := traces() // a go command without the workspace leaves some, although it finds nothing
	r := copyRepository(t)
	require.NoError(t, proveOnly(t, r.open(), adapter))
	r.replace("core/app.go", "\nconst Version", "\nconst Broken int = \"\"\n\nconst Version")
	require.ErrorContains(t, proveOnly(t, r.open(), adapter), "core@v0.1.0/app.go")
	r.replace("core/app.go", "\nconst Broken int = \"\"\n", "")
	require.NoError(t, proveOnly(t, r.open(), adapter))
	require.Equal(t, before, traces())
}

func TestProofOfNothing(t *testing.T) {
	t.Parallel()
	err := prove(t.Context(), openHere(t), []string{"adapters/gone"})
	require.EqualError(t, err, "adapters/gone is neither a module of the workspace nor a page with a program")
}

// There is a list of what each published module brings along, and no other list.
func TestEachModuleHasARecord(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range openHere(t).Published() {
		want = append(want, "candidate/testdata/modules/"+strings.ReplaceAll(m.Dir, "/", "_")+".txt")
	}
	have, err := filepath.Glob("candidate/testdata/modules/*")
	require.NoError(t, err)
	require.ElementsMatch(t, want, have)
}

func openHere(t *testing.T) *workspace.Workspace {
	t.Helper()
	w, err := workspace.Open("../../..")
	require.NoError(t, err)
	return w
}

func proveOnly(t *testing.T, w *workspace.Workspace, dirs ...string) error {
	t.Helper()
	p, err := candidate.NewProver(t.Context(), w)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	return p.Prove(t.Context(), dirs...)
}
