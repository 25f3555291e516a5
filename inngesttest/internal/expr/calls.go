package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// decideAtEval decorates calls such that the server's rules for missing and mixed operands
// come before CEL's, each time the call is evaluated (v1.43.0).
func decideAtEval(i interpreter.Interpretable) (interpreter.Interpretable, error) {
	if call, ok := i.(interpreter.InterpretableCall); ok && !isLogic(call) {
		return decidedCall{call}, nil
	}
	return i, nil
}

type decidedCall struct{ interpreter.InterpretableCall }

func (c decidedCall) Eval(act interpreter.Activation) ref.Val {
	if value, decided := decide(c.InterpretableCall, act); decided {
		return value
	}
	return c.InterpretableCall.Eval(act)
}

// decideAtPlan applies the same rules once, with the data of act, when the call is planned
// (v1.12.1).
func decideAtPlan(act interpreter.Activation) interpreter.InterpretableDecorator {
	return func(i interpreter.Interpretable) (interpreter.Interpretable, error) {
		call, ok := i.(interpreter.InterpretableCall)
		if !ok {
			return i, nil
		}
		if value, decided := decide(call, act); decided {
			return constantCall{call, value}, nil
		}
		return i, nil
	}
}

type constantCall struct {
	interpreter.InterpretableCall

	value ref.Val
}

func (c constantCall) Eval(interpreter.Activation) ref.Val { return c.value }

// decide applies the server's rules to a call. If decided is false, CEL evaluates it.
func decide(call interpreter.InterpretableCall, act interpreter.Activation) (value ref.Val, decided bool) {
	args := evalArgs(call, act)
	kinds := kindsOf(args)
	absent := kinds[types.UnknownType] || kinds[types.ErrType]
	if len(kinds) == 1 && !absent {
		return nil, false
	}
	if len(kinds) == 2 && !kinds[types.UnknownType] {
		value := call.Eval(act)
		if !types.IsUnknownOrError(value) {
			return value, true
		}
		if call.Function() == operators.Add {
			if slices.ContainsFunc(args, hasRandomText) {
				evaluationOf(act).random = randomText
			}
			return types.String(fmt.Sprintf("%v%v", args[0].Value(), args[1].Value())), true
		}
	}
	switch {
	case absent && !seesMacro(args):
		value := decideAbsent(call.Function(), args, kinds)
		evaluationOf(act).noteCall(call.Function(), args, value)
		return value, true
	case !absent && kinds[types.NullType] && len(args) == 2:
		return decideNull(call.Function(), args)
	default:
		return nil, false
	}
}

func evalArgs(call interpreter.InterpretableCall, act interpreter.Activation) []ref.Val {
	args := call.Args()
	values := make([]ref.Val, len(args))
	for i, arg := range args {
		values[i] = arg.Eval(act)
	}
	return values
}

func kindsOf(args []ref.Val) map[ref.Type]bool {
	kinds := make(map[ref.Type]bool, 2)
	for _, arg := range args {
		if arg != nil {
			kinds[arg.Type()] = true
		}
	}
	return kinds
}

// seesMacro reports whether an operand is a variable that does not exist. Variables of
// macros do not when the call is planned.
func seesMacro(args []ref.Val) bool {
	for _, arg := range args {
		if err, isErr := arg.(*types.Err); isErr && strings.HasPrefix(err.Error(), "no such attribute") {
			return true
		}
	}
	return false
}

// decideAbsent returns the value of a call with an operand that is missing. An operand that
// is an error counts as missing.
func decideAbsent(function string, args []ref.Val, kinds map[ref.Type]bool) ref.Val {
	switch function {
	case operators.Equals:
		return types.Bool(kinds[types.NullType])
	case operators.NotEquals:
		return types.Bool(!kinds[types.NullType])
	case operators.Less, operators.LessEquals:
		return types.Bool(isAbsent(args[0]))
	case operators.Greater, operators.GreaterEquals:
		return types.Bool(!isAbsent(args[0]))
	case operators.Add:
		for _, arg := range args {
			if !types.IsUnknown(arg) {
				return arg
			}
		}
		return types.False
	case "size":
		return types.IntZero
	default:
		return types.False
	}
}

// isAbsent panics if v is nil, the value of a date that cannot be read. The expression then
// has no value on the server either.
func isAbsent(v ref.Val) bool { return v.Type() == types.UnknownType || v.Type() == types.ErrType }

// decideNull returns the value of a call with null and a value of another type. In
// comparisons of order and in sums, null counts as the zero value of that type.
func decideNull(function string, args []ref.Val) (value ref.Val, decided bool) {
	binding := map[string]func(_, _ ref.Val) ref.Val{
		operators.Add:           add,
		operators.Less:          comparison(types.IntNegOne),
		operators.LessEquals:    comparison(types.IntNegOne, types.IntZero),
		operators.Greater:       comparison(types.IntOne),
		operators.GreaterEquals: comparison(types.IntOne, types.IntZero),
	}[function]
	switch {
	case function == operators.Equals:
		return types.False, true
	case function == operators.NotEquals:
		return types.True, true
	case binding == nil:
		return nil, false
	}
	return binding(zeroIfNull(args[0], args[1]), zeroIfNull(args[1], args[0])), true
}

func zeroIfNull(v, other ref.Val) ref.Val {
	if v.Type() != types.NullType {
		return v
	}
	switch other.Type() {
	case types.IntType:
		return types.IntZero
	case types.UintType:
		return types.Uint(0)
	case types.DoubleType:
		return types.Double(0)
	case types.StringType:
		return types.String("")
	default:
		return types.NullValue
	}
}
