package expr

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

var (
	errNoResult     = errors.New("the expression has no value")
	errUnterminated = errors.New("a text in quotes does not end")
)

// A program is an expression that is ready to be evaluated, as often as needed.
type program struct {
	version version.Version
	text    string
	ast     *cel.Ast
	paths   []path
	lifted  map[string]any
	// planned is nil for version.Oldest, whose plan depends on the data.
	planned cel.Program
}

// An evaluation is what the nodes of a program find in their activation, in addition to the data.
type evaluation struct {
	now    time.Time
	why    []string
	random string // the reason of an UnfaithfulError
}

// evaluationName is the variable of the evaluation. No expression can name it.
const evaluationName = "@evaluation"

func evaluationOf(act interpreter.Activation) *evaluation {
	v, _ := act.ResolveName(evaluationName)
	return v.(*evaluation)
}

// maxPrograms limits the cache of programs. If it is full, it is emptied.
const maxPrograms = 1000

type programKey struct {
	version version.Version
	text    string
}

var programs = struct {
	sync.Mutex

	byKey map[programKey]*program
}{byKey: map[programKey]*program{}}

// compile returns the program of an expression, from the cache if it has it.
func compile(v version.Version, text string) (*program, error) {
	key := programKey{v, text}
	programs.Lock()
	p := programs.byKey[key]
	programs.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := newProgram(v, text)
	if err != nil {
		return nil, err
	}
	programs.Lock()
	defer programs.Unlock()
	if len(programs.byKey) >= maxPrograms {
		clear(programs.byKey)
	}
	programs.byKey[key] = p
	return p, nil
}

func newProgram(v version.Version, text string) (*program, error) {
	env, err := environment(v)
	if err != nil {
		return nil, err
	}
	lifted, vars, err := lift(v, text)
	if err != nil {
		return nil, err
	}
	parsed, issues := env.Parse(lifted)
	if issues.Err() != nil {
		return nil, &CompileError{issues.Err()}
	}
	p := &program{version: v, text: text, ast: parsed, paths: paths(parsed.NativeRep().Expr()), lifted: vars}
	if v == version.Oldest {
		return p, nil
	}
	makeTruthy(parsed.NativeRep().Expr())
	p.planned, err = env.Program(parsed, cel.EvalOptions(cel.OptPartialEval), cel.CustomDecorator(withClock),
		cel.CustomDecorator(decideAtEval), cel.CustomDecorator(watchRanges(parsed.NativeRep().Expr())))
	return p, err
}

// eval returns the value, false with an error.
func (p *program) eval(vars Vars, run *evaluation) (any, error) {
	data := map[string]any{evaluationName: run}
	for name, value := range vars {
		data[name] = value
	}
	if len(p.lifted) > 0 {
		data[liftedRoot] = p.lifted
	}
	act, err := partial(data, p.paths)
	if err != nil {
		return false, err
	}
	result, err := p.run(act)
	if hasRandomText(result) {
		run.random = randomText
	}
	switch {
	case run.random != "":
		return false, &UnfaithfulError{p.text, run.random}
	case err != nil && !types.IsError(result):
		return false, fmt.Errorf("%w: %w", errNoResult, err)
	case result == nil:
		return false, errNoResult
	case types.IsUnknown(result):
		run.notef("%s: the expression is false", missing(result))
		return false, nil
	case types.IsError(result):
		return false, err
	}
	return result.Value(), nil
}

// run plans the program if that needs the data, and evaluates it.
func (p *program) run(act interpreter.PartialActivation) (_ ref.Val, err error) {
	planned := p.planned
	if planned == nil {
		env, err := environment(p.version)
		if err != nil {
			return nil, err
		}
		if planned, err = plan(env, p.ast, act); err != nil {
			return nil, err
		}
	}
	result, _, err := planned.Eval(act)
	return result, err
}

// exhaustive evaluates all operands of && || ?:, and keeps their values.
var exhaustive = cel.EvalOptions(cel.OptExhaustiveEval, cel.OptTrackState, cel.OptPartialEval)

// plan plans a program whose calls are decided by the data of act, as v1.12.1 does. Calls
// that see a variable of a macro are not decided.
func plan(env *cel.Env, parsed *cel.Ast, act interpreter.PartialActivation) (_ cel.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the server panics: %v", r)
		}
	}()
	return env.Program(parsed, exhaustive, cel.CustomDecorator(withClock), cel.CustomDecorator(needTimes(act)),
		cel.CustomDecorator(decideAtPlan(act)), cel.CustomDecorator(watchRanges(parsed.NativeRep().Expr())))
}
