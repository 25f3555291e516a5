package capture

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// The packages whose functions are steps.
const (
	kitSteps  = "github.com/inngestkit/inngestkit/core/step"
	sdkSteps  = "github.com/inngest/inngestgo/step"
	sdkGroups = "github.com/inngest/inngestgo/group"
)

// idArgument is the position of a step's ID in every function that makes a step.
const idArgument = 1

// callbackArgument has the position of the callback in the functions that take one.
var callbackArgument = map[string]int{
	kitSteps + ".Run":  2,
	kitSteps + ".Into": 2,
	kitSteps + ".Map":  3,
	sdkSteps + ".Run":  2,
}

// firstBranch has the functions that run branches, with the position of the first branch.
var firstBranch = map[string]int{
	kitSteps + ".Parallel":          1,
	sdkGroups + ".Parallel":         1,
	sdkGroups + ".ParallelWithOpts": 2,
}

// withoutID has the functions of the step packages that make no step of their own.
var withoutID = []string{"Parallel", "ParallelWithOpts", "Timeout", "If", "Match", "Replace", "IsWithinStep", "SetTargetStepID"}

// imported returns the path and name of the function that a call calls, such as
// time.Now, and "" if it is not one of an imported package.
func imported(info *types.Info, call *ast.CallExpr) string {
	selector, ok := uninstantiated(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	name, ok := info.Uses[x].(*types.PkgName)
	if !ok {
		return ""
	}
	return name.Imported().Path() + "." + selector.Sel.Name
}

// uninstantiated returns a function without parentheses and type arguments.
func uninstantiated(fn ast.Expr) ast.Expr {
	switch e := fn.(type) {
	case *ast.ParenExpr:
		return uninstantiated(e.X)
	case *ast.IndexExpr:
		return e.X
	case *ast.IndexListExpr:
		return e.X
	}
	return fn
}

// callback returns the callback of a step, nil if the call has none.
func callback(info *types.Info, call *ast.CallExpr) ast.Expr {
	at, ok := callbackArgument[imported(info, call)]
	if !ok || at >= len(call.Args) {
		return nil
	}
	return ast.Unparen(call.Args[at])
}

// branches returns the arguments of a call that are branches of Parallel.
func branches(info *types.Info, call *ast.CallExpr) ([]ast.Expr, bool) {
	at, ok := firstBranch[imported(info, call)]
	if !ok || at > len(call.Args) {
		return nil, ok
	}
	return call.Args[at:], true
}

// stepID returns the expression of a step's ID, nil if the call is not a step.
func stepID(info *types.Info, call *ast.CallExpr) ast.Expr {
	name := imported(info, call)
	fn, ok := strings.CutPrefix(name, kitSteps+".")
	if !ok {
		fn, ok = strings.CutPrefix(name, sdkSteps+".")
	}
	if !ok || slices.Contains(withoutID, fn) || len(call.Args) <= idArgument {
		return nil
	}
	return call.Args[idArgument]
}

// importsSteps reports whether a file imports a package of steps.
func importsSteps(file *ast.File) bool {
	return slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
		return slices.Contains([]string{kitSteps, sdkSteps}, strings.Trim(spec.Path.Value, "`\""))
	})
}

// hasSteps reports whether a function contains calls of steps.
func hasSteps(info *types.Info, n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && stepID(info, call) != nil {
			found = true
		}
		return !found
	})
	return found
}
