package expr

import (
	"slices"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/decls"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/stdlib"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/parser"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// environments has an environment for each version, made when it is first needed.
var environments = map[version.Version]func() (*cel.Env, error){
	version.Newest: sync.OnceValues(func() (*cel.Env, error) { return newEnv(version.Newest) }),
	version.Oldest: sync.OnceValues(func() (*cel.Env, error) { return newEnv(version.Oldest) }),
}

// environment returns the server's CEL environment (exprenv in its pkg/expressions).
func environment(v version.Version) (*cel.Env, error) { return environments[v]() }

func newEnv(v version.Version) (*cel.Env, error) {
	object := cel.MapType(cel.StringType, cel.DynType)
	options := []cel.EnvOption{
		cel.Macros(macros(v)...), cel.EnableHiddenAccumulatorName(v == version.Newest),
		cel.Variable("event", object), cel.Variable("async", object), cel.Variable("vars", object),
	}
	for _, f := range stdlib.Functions() {
		if operator, isLoose := loose[f.Name()]; isLoose {
			options = append(options, cel.Function(f.Name(), append(operator, decls.DisableTypeGuards(true))...))
			continue
		}
		options = append(options, cel.Function(f.Name(),
			func(*decls.FunctionDecl) (*decls.FunctionDecl, error) { return f, nil }))
	}
	return cel.NewCustomEnv(append(append(options, ownFunctions()...), logicFunctions()...)...)
}

// macros returns the macros of the server's cel-go: v0.27.0 has existsOne, v0.21.0 does not.
func macros(v version.Version) []cel.Macro {
	if v == version.Newest {
		return parser.AllMacros
	}
	return slices.DeleteFunc(slices.Clone(parser.AllMacros), func(m cel.Macro) bool { return m.Function() == "existsOne" })
}

// loose has the operators that the server declares for operands of any type.
var loose = map[string][]cel.FunctionOpt{
	operators.Add:           looseOperator(operators.Add, cel.AnyType, traits.AdderType, add),
	operators.Equals:        looseOperator(operators.Equals, cel.BoolType, 0, types.Equal),
	operators.NotEquals:     looseOperator(operators.NotEquals, cel.BoolType, 0, notEqual),
	operators.Less:          looseComparison(operators.Less, types.IntNegOne),
	operators.LessEquals:    looseComparison(operators.LessEquals, types.IntNegOne, types.IntZero),
	operators.Greater:       looseComparison(operators.Greater, types.IntOne),
	operators.GreaterEquals: looseComparison(operators.GreaterEquals, types.IntOne, types.IntZero),
}

func looseOperator(name string, result *cel.Type, trait int, binding func(_, _ ref.Val) ref.Val) []cel.FunctionOpt {
	return []cel.FunctionOpt{cel.Overload(name, []*cel.Type{cel.AnyType, cel.AnyType}, result,
		decls.OverloadOperandTrait(trait), cel.BinaryBinding(binding))}
}

func looseComparison(name string, isTrue ...ref.Val) []cel.FunctionOpt {
	return looseOperator(name, cel.BoolType, traits.ComparerType, comparison(isTrue...))
}

// comparison returns an operator that is true for some results of comparing its operands.
func comparison(isTrue ...ref.Val) func(_, _ ref.Val) ref.Val {
	return func(left, right ref.Val) ref.Val {
		order := left.(traits.Comparer).Compare(right)
		if types.IsUnknownOrError(order) {
			return order
		}
		return types.Bool(slices.Contains(isTrue, order))
	}
}

func add(left, right ref.Val) ref.Val { return left.(traits.Adder).Add(right) }

func notEqual(left, right ref.Val) ref.Val { return types.Bool(types.Equal(left, right) != types.True) }
