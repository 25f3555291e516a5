package snippets

import (
	"go/ast"
	"strings"
)

// An Example is a part of a page that runs.
type Example struct {
	Name string
	// Call is the code of a call that runs it, with t, a *testing.T.
	Call string
}

// Examples changes the file of a block so that its code can be called, and returns the calls.
// Statements become a function called name. The harness has the functions execute,
// executeHandler and inFunction.
func Examples(file *ast.File, name string) []Example {
	var examples []Example
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			switch {
			case declaration.Name.Name == "_":
				examples = append(examples, Example{name, statements(declaration, name)})
			case isHandler(declaration):
				handler := declaration.Name.Name
				examples = append(examples, Example{handler, "executeHandler(t, " + handler + ")"})
			}
		case *ast.GenDecl:
			for _, spec := range declaration.Specs {
				value, ok := spec.(*ast.ValueSpec)
				if ok && len(value.Values) == 1 && definesFunction(value.Values[0]) {
					function := value.Names[0].Name
					examples = append(examples, Example{function, "execute(t, " + function + ")"})
				}
			}
		}
	}
	return examples
}

// statements names the function of statements, lets it execute the functions that it defines
// and require that errors are nil that it does not look at, and returns a call of it.
func statements(function *ast.FuncDecl, name string) string {
	function.Name.Name = name
	function.Type.Params = &ast.FieldList{List: []*ast.Field{
		parameter("t", &ast.StarExpr{X: selector("testing", "T")}), parameter("ctx", selector("context", "Context")),
	}}
	var list []ast.Stmt
	for i, statement := range function.Body.List {
		if expression, ok := statement.(*ast.ExprStmt); ok && definesFunction(expression.X) {
			statement = &ast.ExprStmt{X: call(ast.NewIdent("execute"), expression.X)}
		}
		list = append(list, statement)
		assigned, ok := statement.(*ast.AssignStmt)
		if ok && isUnchecked(assigned, function.Body.List[i+1:]) {
			list = append(list, &ast.ExprStmt{X: call(selector("require", "NoError"), ast.NewIdent("err"))})
		}
	}
	hasSteps := callsSteps(function.Body)
	function.Body.List = list
	if hasSteps {
		return "inFunction(t, " + name + ")"
	}
	return name + "(t, ctx)"
}

func parameter(name string, typ ast.Expr) *ast.Field {
	return &ast.Field{Names: []*ast.Ident{ast.NewIdent(name)}, Type: typ}
}

func selector(from, name string) ast.Expr {
	return &ast.SelectorExpr{X: ast.NewIdent(from), Sel: ast.NewIdent(name)}
}

// call returns a call of a function with t and another argument.
func call(function, argument ast.Expr) ast.Expr {
	return &ast.CallExpr{Fun: function, Args: []ast.Expr{ast.NewIdent("t"), argument}}
}

// isUnchecked reports whether a statement assigns an error of something other than a step,
// whose error an example may expect, and the next statement does not look at it.
func isUnchecked(statement *ast.AssignStmt, next []ast.Stmt) bool {
	last, ok := statement.Lhs[len(statement.Lhs)-1].(*ast.Ident)
	if !ok || last.Name != "err" || packageOf(statement.Rhs[0]) == "step" {
		return false
	}
	if len(next) == 0 {
		return true
	}
	_, looks := next[0].(*ast.IfStmt)
	return !looks
}

// callsSteps reports whether statements call steps themselves, and not in a function literal.
func callsSteps(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		if x, ok := n.(*ast.CallExpr); ok && packageOf(x) == "step" {
			found = true
		}
		return !found
	})
	return found
}

// definesFunction reports whether an expression is a call of OnEvent or OnCron.
func definesFunction(x ast.Expr) bool {
	function, ok := calledFunction(x).(*ast.SelectorExpr)
	return ok && packageOf(x) == "inngestkit" && strings.HasPrefix(function.Sel.Name, "On") && function.Sel.Name != "OnFailure"
}

// isHandler reports whether a declaration is a handler of a function: its second parameter is
// an Input.
func isHandler(function *ast.FuncDecl) bool {
	parameters := function.Type.Params.List
	if function.Recv != nil || len(parameters) != 2 {
		return false
	}
	index, ok := parameters[1].Type.(*ast.IndexExpr)
	if !ok {
		return false
	}
	of, ok := index.X.(*ast.SelectorExpr)
	return ok && of.Sel.Name == "Input"
}

// packageOf returns the package whose function is called, "" if none is.
func packageOf(x ast.Expr) string {
	function, ok := calledFunction(x).(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	name, ok := function.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return name.Name
}

// calledFunction returns the function of a call, without its type arguments, nil if x is not a
// call.
func calledFunction(x ast.Expr) ast.Expr {
	called, ok := x.(*ast.CallExpr)
	if !ok {
		return nil
	}
	if generic, ok := called.Fun.(*ast.IndexExpr); ok {
		return generic.X
	}
	return called.Fun
}
