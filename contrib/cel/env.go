package inngestcel

import (
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/decls"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/stdlib"
)

// loose lists the operators, in addition to +, that the server declares for operands of
// any type (exprenv in its pkg/expressions).
var loose = []string{
	operators.Equals, operators.NotEquals,
	operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
}

// newEnv returns the server's environment for compiling expressions, without what only
// evaluation needs.
func newEnv() (*cel.Env, error) {
	object := cel.MapType(cel.StringType, cel.DynType)
	options := make([]cel.EnvOption, 0, 4+len(stdlib.Functions())+len(ownFunctions))
	options = append(options, cel.Macros(cel.StandardMacros...),
		cel.Variable("event", object), cel.Variable("async", object), cel.Variable("vars", object))
	operands := []*cel.Type{cel.AnyType, cel.AnyType}
	for _, f := range stdlib.Functions() {
		declare := func(*decls.FunctionDecl) (*decls.FunctionDecl, error) { return f, nil }
		switch {
		case f.Name() == operators.Add:
			declare = cel.Overload(f.Name(), operands, cel.AnyType)
		case slices.Contains(loose, f.Name()):
			declare = cel.Overload(f.Name(), operands, cel.BoolType)
		}
		options = append(options, cel.Function(f.Name(), declare))
	}
	for _, f := range ownFunctions {
		options = append(options, cel.Function(f.name, cel.Overload(f.name, f.args, f.result)))
	}
	return cel.NewCustomEnv(options...)
}

// ownFunctions lists the functions that the server adds to the standard ones.
var ownFunctions = []struct {
	name   string
	args   []*cel.Type
	result *cel.Type
}{
	{"lowercase", []*cel.Type{cel.StringType}, cel.StringType},
	{"uppercase", []*cel.Type{cel.StringType}, cel.StringType},
	{"b64decode", []*cel.Type{cel.StringType}, cel.StringType},
	{"json_parse", []*cel.Type{cel.StringType}, cel.AnyType},
	{"date", []*cel.Type{cel.AnyType}, cel.TimestampType},
	{"now", nil, cel.TimestampType},
	{"now_plus", []*cel.Type{cel.StringType}, cel.TimestampType},
	{"now_minus", []*cel.Type{cel.StringType}, cel.TimestampType},
}
