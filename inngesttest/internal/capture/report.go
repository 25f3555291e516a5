package capture

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
)

// finding returns the finding for a write that a read misses.
func (p *pkg) finding(w *write, readAt ast.Node) Finding {
	at, read := p.fset.Position(w.expr.Pos()), p.fset.Position(readAt.Pos())
	f := Finding{
		File: at.Filename, Line: at.Line, Column: at.Column, Variable: types.ExprString(w.expr),
		StepLine: p.fset.Position(w.step.Pos()).Line, ReadLine: read.Line,
	}
	verb := "reads"
	if _, ok := readAt.(*ast.ReturnStmt); ok {
		verb = "returns"
	}
	f.Text = fmt.Sprintf("%s:%d: step %s changes %s, which %s:%d %s: when the run goes on, the step's callback does not "+
		"run again and %s has its old value. Return the value from the step.",
		filepath.Base(at.Filename), at.Line, p.stepName(w.step), f.Variable, filepath.Base(read.Filename), read.Line, verb,
		f.Variable)
	return f
}

// stepName returns the ID of a step as the source has it.
func (p *pkg) stepName(call *ast.CallExpr) string {
	return types.ExprString(call.Args[idArgument])
}

// result returns what was found, in the order of the source.
func (c *checker) result() result {
	findings := slices.SortedFunc(maps.Values(c.findings), func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	hints := slices.SortedFunc(maps.Values(c.hints), func(a, b Hint) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	return result{findings: findings, hints: hints}
}
