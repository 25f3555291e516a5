package capture

import (
	"fmt"
	"go/ast"
	"go/types"
	"path/filepath"
	"regexp"
	"strings"
)

// hint notes what may change the order or the IDs of a function's steps.
func (c *checker) hint(f *facts) {
	f.inspect(func(n ast.Node, stack []ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || !f.inFlow(stack) {
			return
		}
		id := stepID(f.info, call)
		if id == nil {
			return
		}
		if source := f.changing(id); source != "" {
			c.addHint(id, "the ID of this step depends on "+source+
				", which differs from call to call. Use a value of the event or of a step.", f.callsChanging(id))
		}
		for _, around := range stack {
			if loop, ok := around.(*ast.RangeStmt); ok && f.isUnordered(loop.X) {
				c.addHint(loop, "the steps in this loop have the order of a map, which differs from call to call. "+
					"Range over sorted keys.", f.mentions(call, loop.Key) || f.mentions(call, loop.Value))
			}
		}
	})
}

func (c *checker) addHint(n ast.Node, text string, certain bool) {
	at := c.pkg.fset.Position(n.Pos())
	c.hints[n.Pos()] = Hint{
		File: at.Filename, Line: at.Line, Column: at.Column,
		Certain: certain,
		Text:    fmt.Sprintf("%s:%d: %s", filepath.Base(at.Filename), at.Line, text),
	}
}

// isUnordered reports whether an expression is known to be a map, or an iterator of one.
func (f *facts) isUnordered(e ast.Expr) bool {
	if call, ok := e.(*ast.CallExpr); ok {
		switch imported(f.info, call) {
		case "maps.All", "maps.Keys", "maps.Values":
			return true
		}
	}
	return isMap(f.info.TypeOf(e))
}

var (
	changingFunctions = regexp.MustCompile(`^time\.(Now|Since|Until)$|^os\.(Getpid|Hostname)$|/rand(/v2)?\.\w+$`)
	newIDs            = regexp.MustCompile(`(^|/)(uuid|ulid|xid|ksuid|(go-)?nanoid)(/v\d+)?\.` +
		`(New|NewString|NewRandom|NewUUID|NewV[1467]|Make|MustNew|Generate|Nanoid)$`)
)

// mentions reports whether a call has the loop variable v in its arguments, or in a callback
// among them.
func (f *facts) mentions(call *ast.CallExpr, v ast.Expr) bool {
	loopVariable, ok := v.(*ast.Ident)
	if !ok || f.variable(loopVariable) == nil {
		return false
	}
	found := false
	for _, arg := range call.Args {
		ast.Inspect(arg, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && f.variable(id) == f.variable(loopVariable) {
				found = true
			}
			return !found
		})
	}
	return found
}

// callsChanging reports whether a step's ID itself calls a function that gives another value
// each time. Generators with a seed, from rand.New, may give the same.
func (f *facts) callsChanging(id ast.Expr) bool {
	found := false
	ast.Inspect(id, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			name := imported(f.info, n)
			found = found || newIDs.MatchString(name) ||
				changingFunctions.MatchString(name) && !strings.Contains(name, ".New")
		}
		return !found
	})
	return found
}

// changing returns the call in a step's ID that gives another value each time, "" if there
// is none.
func (f *facts) changing(e ast.Expr) string {
	found := ""
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit: // the callback of a step, whose result is memoized
			return false
		case *ast.CallExpr:
			if name := imported(f.info, n); changingFunctions.MatchString(name) || newIDs.MatchString(name) {
				found = types.ExprString(n.Fun)
			}
		case *ast.Ident:
			if call := f.changingValues[f.variable(n)]; call != "" {
				found = call
			}
		}
		return found == ""
	})
	return found
}
