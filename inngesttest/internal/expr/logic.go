package expr

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/decls"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// The functions that replace && and || and surround the condition of ?: in v1.43.0, where
// they take values of any type. Expressions cannot name them.
const (
	truthyAnd = "@and"
	truthyOr  = "@or"
	truthy    = "@truthy"
)

func logicFunctions() []cel.EnvOption {
	nonStrict := decls.OverloadIsNonStrict()
	two := []*cel.Type{cel.DynType, cel.DynType}
	return []cel.EnvOption{
		cel.Function(truthyAnd, decls.DisableTypeGuards(true), cel.Overload(truthyAnd, two, cel.DynType,
			nonStrict, cel.BinaryBinding(and))),
		cel.Function(truthyOr, decls.DisableTypeGuards(true), cel.Overload(truthyOr, two, cel.DynType,
			nonStrict, cel.BinaryBinding(or))),
		cel.Function(truthy, decls.DisableTypeGuards(true), cel.Overload(truthy, two[:1], cel.BoolType,
			nonStrict, cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Bool(isTruthy(v)) }))),
	}
}

func isLogic(call interpreter.InterpretableCall) bool {
	return call.Function() == truthyAnd || call.Function() == truthyOr || call.Function() == truthy
}

// makeTruthy replaces the logical operators below an expression.
func makeTruthy(root ast.Expr) {
	factory := ast.NewExprFactory()
	next := maxID(root)
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.LogicalAnd:
			e.SetKindCase(factory.NewCall(e.ID(), truthyAnd, args...))
		case operators.LogicalOr:
			e.SetKindCase(factory.NewCall(e.ID(), truthyOr, args...))
		case operators.Conditional:
			next++
			condition := factory.NewCall(next, truthy, args[0])
			e.SetKindCase(factory.NewCall(e.ID(), operators.Conditional, condition, args[1], args[2]))
		}
	}))
}

func maxID(root ast.Expr) int64 {
	var highest int64
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) { highest = max(highest, e.ID()) }))
	return highest
}

// and returns the first operand that is not truthy, else the last, as JavaScript does.
func and(left, right ref.Val) ref.Val {
	if isTruthy(left) {
		return right
	}
	return left
}

// or returns the first operand that is truthy, else the last.
func or(left, right ref.Val) ref.Val {
	if isTruthy(left) {
		return left
	}
	return right
}

// isTruthy reports whether a value counts as true. Empty lists and maps do.
func isTruthy(v ref.Val) bool {
	if v == nil || types.IsUnknownOrError(v) {
		return false
	}
	switch v {
	case types.NullValue, types.False, types.String(""), types.Int(0), types.Uint(0), types.Double(0):
		return false
	}
	return true
}
