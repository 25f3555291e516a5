package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"

	"github.com/inngestkit/inngestkit/internal/conformance/release/api"
	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

const core = workspace.Repository + "/core"

var modules = []workspace.Module{{Dir: "core", File: &modfile.File{}}}

// Check reports changes that break programs, unless they are allowed with a reason.
func TestCheck(t *testing.T) {
	t.Parallel()
	const before = "package p\n\nfunc F() {}\n\ntype T struct{ A int }"
	for name, tc := range map[string]struct {
		after, allowed string
		want           string // "" if the change is accepted
	}{
		"no change":            {after: before},
		"an addition":          {after: before + "\n\nfunc G() {}"},
		"a removal":            {after: "package p\n\ntype T struct{ A int }", want: "core: F: removed"},
		"a new parameter":      {after: "package p\n\nfunc F(int) {}\n\ntype T struct{ A int }", want: "core: F: changed from func() to func(int)"},
		"a field's type":       {after: "package p\n\nfunc F() {}\n\ntype T struct{ A string }", want: "core: T.A: changed from int to string"},
		"an allowed removal":   {after: "package p\n\ntype T struct{ A int }", allowed: "core: F: removed -- nobody could call it\n"},
		"an allowance alone":   {after: before, allowed: "core: F: removed -- nobody could call it\n", want: "allowed.txt allows a change that was not made: core: F: removed"},
		"no reason":            {after: "package p\n\ntype T struct{ A int }", allowed: "core: F: removed\n", want: "no reason, after two hyphens, for: core: F: removed"},
		"an allowed and other": {after: "package p\n\ntype T struct{}", allowed: "core: F: removed -- x\n", want: "core: T.A: removed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			record := api.Record(dir)
			require.NoError(t, record.Write([]*types.Package{compile(t, core, before)}))
			require.NoError(t, record.CheckCurrent(modules, []*types.Package{compile(t, core, before)}))
			if tc.allowed != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "allowed.txt"), []byte("# why\n\n"+tc.allowed), 0o644))
			}
			packages := []*types.Package{compile(t, core, tc.after)}
			err := record.Check(modules, packages)
			if tc.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.want)
			}
			if tc.after != before {
				require.ErrorContains(t, record.CheckCurrent(modules, packages), "the API has changed since it was recorded")
			}
		})
	}
}

// A package that is removed breaks programs, one that is added does not.
func TestPackages(t *testing.T) {
	t.Parallel()
	record := api.Record(t.TempDir())
	one, two := compile(t, core, "package p"), compile(t, core+"/step", "package step")
	require.NoError(t, record.Write([]*types.Package{one}))
	require.NoError(t, record.Check(modules, []*types.Package{one, two}))
	require.NoError(t, record.Write([]*types.Package{one, two}))
	require.ErrorContains(t, record.Check(modules, []*types.Package{one}), "core: package core/step: removed")
}

// A record that was written for a release allows nothing.
func TestWriteForgetsAllowedChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := api.Record(dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "allowed.txt"), []byte("core: F: removed -- x\n"), 0o644))
	packages := []*types.Package{compile(t, core, "package p")}
	require.NoError(t, record.Write(packages))
	require.NoError(t, record.Check(modules, packages))
}

func TestIsInternal(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		core:                    false,
		core + "/step":          false,
		core + "/internal/call": true,
		workspace.Repository + "/adapters/internal/onfasthttp": true,
		"github.com/inngest/inngestgo/internal/fn":             false,
	} {
		require.Equal(t, want, api.IsInternal(path), path)
	}
}

func compile(t *testing.T, path, source string) *types.Package {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, 0)
	require.NoError(t, err)
	compiled, err := new(types.Config).Check(path, fset, []*ast.File{file}, nil)
	require.NoError(t, err)
	return compiled
}
