package repository

import (
	"fmt"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/release/api"
	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// Users can name every type that they meet: no exported declaration of a public package
// mentions a type of an internal package.
func TestPublicPackagesShowNoInternalTypes(t *testing.T) {
	t.Parallel()
	w, err := workspace.Open(root)
	require.NoError(t, err)
	public, err := api.Load(t.Context(), w)
	require.NoError(t, err)
	require.Contains(t, paths(public), modules+"core/flow")
	for _, pkg := range public {
		for _, name := range pkg.Scope().Names() {
			object := pkg.Scope().Lookup(name)
			if object.Exported() {
				require.Empty(t, internalTypes(object), "%s.%s", pkg.Path(), name)
			}
		}
	}
}

// Package comments list the fields and methods of types that are only another name for a type
// of the SDK, because go doc does not show them.
func TestPublicPackagesListWhatAliasesHide(t *testing.T) {
	t.Parallel()
	w, err := workspace.Open(root)
	require.NoError(t, err)
	public, err := api.Load(t.Context(), w)
	require.NoError(t, err)
	count := 0
	for _, pkg := range public {
		for _, name := range pkg.Scope().Names() {
			object, isType := pkg.Scope().Lookup(name).(*types.TypeName)
			if !isType || !object.Exported() || !object.IsAlias() {
				continue
			}
			comment := packageComment(t, strings.TrimPrefix(pkg.Path(), modules))
			for _, hidden := range append(membersOf(object.Type()), name) {
				count++
				require.Regexp(t, `\b`+hidden+`\b`, comment, "%s.%s", pkg.Path(), name)
			}
		}
	}
	require.NotZero(t, count)
}

// packageComment returns the comment of the package in a directory of the repository.
func packageComment(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	require.NoError(t, err)
	var comment strings.Builder
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly|parser.ParseComments)
		require.NoError(t, err)
		comment.WriteString(file.Doc.Text())
	}
	return comment.String()
}

// membersOf returns the names of the exported fields and methods of a type.
func membersOf(of types.Type) []string {
	var names []string
	if fields, ok := of.Underlying().(*types.Struct); ok {
		for field := range fields.Fields() {
			if field.Exported() {
				names = append(names, field.Name())
			}
		}
	}
	for method := range types.NewMethodSet(types.NewPointer(of)).Methods() {
		if method.Obj().Exported() {
			names = append(names, method.Obj().Name())
		}
	}
	return names
}

// The search finds internal types.
func TestInternalTypes(t *testing.T) {
	t.Parallel()
	hidden := types.NewNamed(types.NewTypeName(token.NoPos, types.NewPackage(modules+"core/internal/p", "p"), "T", nil), types.Typ[types.Int], nil)
	pkg := types.NewPackage("m", "m")
	parameter := types.NewTuple(types.NewVar(token.NoPos, pkg, "v", types.NewSlice(types.NewPointer(hidden))))
	signature := types.NewSignatureType(nil, nil, nil, parameter, nil, false)
	embedded := types.NewStruct([]*types.Var{types.NewField(token.NoPos, pkg, "T", hidden, true)}, nil)
	private := types.NewStruct([]*types.Var{types.NewField(token.NoPos, pkg, "t", hidden, false)}, nil)
	method := types.NewInterfaceType([]*types.Func{types.NewFunc(token.NoPos, pkg, "M", signature)}, nil)
	for name, of := range map[string]types.Object{
		"a function":           types.NewFunc(token.NoPos, pkg, "F", signature),
		"a variable":           types.NewVar(token.NoPos, pkg, "V", types.NewMap(types.Typ[types.Int], hidden)),
		"a field":              types.NewVar(token.NoPos, pkg, "V", embedded),
		"a method":             types.NewVar(token.NoPos, pkg, "V", method),
		"an alias":             types.NewTypeName(token.NoPos, pkg, "A", types.NewAlias(types.NewTypeName(token.NoPos, pkg, "A", nil), hidden)),
		"a function of a chan": types.NewVar(token.NoPos, pkg, "V", types.NewChan(types.SendRecv, hidden)),
	} {
		require.Equal(t, []string{modules + "core/internal/p.T"}, internalTypes(of), name)
	}
	require.Empty(t, internalTypes(types.NewVar(token.NoPos, pkg, "V", private)))
}

func paths(packages []*types.Package) []string {
	var all []string
	for _, p := range packages {
		all = append(all, p.Path())
	}
	return all
}

// internalTypes returns the types of internal packages that the exported part of an object
// mentions.
func internalTypes(object types.Object) []string {
	f := finder{seen: map[types.Type]bool{}}
	if name, ok := object.(*types.TypeName); ok && !name.IsAlias() {
		f.definition(object.Type())
	} else {
		f.find(object.Type())
	}
	return f.found
}

// A finder collects types of internal packages.
type finder struct {
	seen  map[types.Type]bool
	found []string
}

// definition searches what a type consists of: its type parameters, its exported methods,
// promoted ones too, and its exported fields.
func (f *finder) definition(t types.Type) {
	if named, ok := t.(*types.Named); ok {
		for parameter := range named.TypeParams().TypeParams() {
			f.find(parameter.Constraint())
		}
	}
	for selection := range types.NewMethodSet(types.NewPointer(t)).Methods() {
		if selection.Obj().Exported() {
			f.find(selection.Type())
		}
	}
	f.find(t.Underlying())
}

// find searches a type where it is used.
func (f *finder) find(t types.Type) {
	if f.seen[t] {
		return
	}
	f.seen[t] = true
	switch t := t.(type) {
	case *types.Alias:
		f.find(t.Rhs())
	case *types.Named:
		if pkg := t.Obj().Pkg(); pkg != nil && api.IsInternal(pkg.Path()) {
			f.found = append(f.found, fmt.Sprint(t))
		}
		for argument := range t.TypeArgs().Types() {
			f.find(argument)
		}
	case *types.Struct:
		for field := range t.Fields() {
			if field.Exported() {
				f.find(field.Type())
			}
		}
	case *types.Interface:
		for method := range t.Methods() {
			if method.Exported() {
				f.find(method.Type())
			}
		}
		for embedded := range t.EmbeddedTypes() {
			f.find(embedded)
		}
	case *types.Signature:
		for parameter := range t.TypeParams().TypeParams() {
			f.find(parameter.Constraint())
		}
		f.find(t.Params())
		f.find(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			f.find(v.Type())
		}
	case *types.Map:
		f.find(t.Key())
		f.find(t.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		f.find(t.Elem())
	}
}
