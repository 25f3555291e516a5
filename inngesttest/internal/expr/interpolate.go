package expr

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// eventPrefix begins the paths that are interpolated.
const eventPrefix = "event."

// Interpolate returns what is left of the condition of a wait or a cancellation when the
// event that triggered the run is known. Only async is left in it; a path that the event
// lacks becomes null. If text does not contain "event.", it is returned as it is. An
// empty residue does not compile, hence it matches no event.
//
// A wait with a *[CompileError] fails the run. With other errors, except [*UnfaithfulError],
// the server cannot handle the response: the run stays as it is while the server tries again.
// v1.12.1 crashes if the expression cannot be evaluated.
func (e *Evaluator) Interpolate(text string, event map[string]any) (residue string, err error) {
	if !strings.Contains(text, eventPrefix) {
		return text, nil
	}
	residue, err = e.residue(text, event)
	if err != nil || !strings.Contains(residue, eventPrefix) {
		return residue, err
	}
	return nullEventPaths(e.version, residue)
}

// residue evaluates an expression without async and returns the part whose value depends
// on it, or the value.
func (e *Evaluator) residue(text string, event map[string]any) (residue string, err error) {
	defer func() {
		if r := recover(); r != nil {
			residue, err = text, fmt.Errorf("the server panics: %v", r)
		}
	}()
	env, err := environment(e.version)
	if err != nil {
		return text, err
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return text, &CompileError{issues.Err()}
	}
	run := &evaluation{now: e.now()}
	data := map[string]any{"event": event, evaluationName: run}
	act, err := partial(data, paths(parsed.NativeRep().Expr()))
	if err != nil {
		return text, err
	}
	options := []cel.ProgramOption{exhaustive, cel.CustomDecorator(withClock)}
	attributes := map[int64]ref.Val{}
	if e.version == version.Oldest {
		options = append(options, cel.CustomDecorator(needTimes(act)), cel.CustomDecorator(remember(attributes, act)))
	}
	options = append(options, cel.CustomDecorator(watchRanges(parsed.NativeRep().Expr())))
	planned, err := env.Program(parsed, options...)
	if err != nil {
		return text, err
	}
	_, details, err := planned.Eval(act)
	if err != nil {
		return text, err
	}
	addSkipped(details.State(), parsed, attributes)
	residual, err := env.ResidualAst(parsed, details)
	switch {
	case err != nil:
		return text, err
	case run.random != "":
		return text, &UnfaithfulError{text, run.random}
	case isLiftedAtRandom(e.version, residual):
		return text, &UnfaithfulError{text, randomLift}
	}
	return residual.Source().Content(), nil
}

// remember collects the values of all attributes when they are planned, as v1.12.1 does.
func remember(values map[int64]ref.Val, act interpreter.Activation) interpreter.InterpretableDecorator {
	return func(i interpreter.Interpretable) (interpreter.Interpretable, error) {
		if attribute, ok := i.(interpreter.InterpretableAttribute); ok {
			values[attribute.ID()] = attribute.Eval(act)
		}
		return i, nil
	}
}

// addSkipped adds the values of attributes that the evaluation skipped, for example those
// that follow an unknown in a list. Variables without a field are not added.
func addSkipped(state interpreter.EvalState, parsed *cel.Ast, values map[int64]ref.Val) {
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		value, planned := values[e.ID()]
		if _, evaluated := state.Value(e.ID()); planned && !evaluated && e.Kind() != ast.IdentKind {
			state.SetValue(e.ID(), value)
		}
	}))
}
