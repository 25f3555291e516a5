package inngesttest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Start starts a run of a registered function: it sends the event of the function's first
// trigger, with data. A function without such a trigger is invoked, as in the UI.
func Start[T, R any](target Target, function inngestkit.TypedFunction[T, R], data T) *TypedRun[R] {
	e := target.target()
	e.tb.Helper()
	f := e.lookUp(function)
	run := &FunctionRun{env: e, function: f.slug}
	e.backend.settle()
	i := slices.IndexFunc(f.triggers, func(t trigger) bool { return t.Event != "" })
	if i < 0 {
		e.invoke(run, data)
		return &TypedRun[R]{run}
	}
	name := f.triggers[i].Event
	if strings.HasSuffix(name, "*") {
		e.fatalf(nil, "the function %q is started by many events, %q; send one of them with Send and find the run with Runs",
			function.ID(), name)
	}
	ids, err := e.appOf(f.app).Send(e.context(), inngestkit.Event[T]{Name: name, Data: data})
	if err != nil {
		e.fatalf(nil, "%v", err)
	}
	run.cause = fmt.Sprintf("the event %q (%s)", name, ids[0])
	if condition := f.triggers[i].Expression; condition != "" {
		run.cause += " with the condition " + condition
	}
	run.find = func() handle { return e.backend.find(f.slug, ids[0]) }
	return &TypedRun[R]{run}
}

func (e *Env) invoke(run *FunctionRun, data any) {
	e.tb.Helper()
	raw, err := json.Marshal(data)
	if err != nil {
		e.fatalf(nil, "the data for %s cannot be encoded: %v", run.function, err)
	}
	run.cause = "the invocation"
	if run.find, err = e.backend.invoke(run.function, raw); err != nil {
		e.fatalf(nil, "%s cannot be invoked: %v", run.function, err)
	}
}

// Run runs a function on a virtual engine until it has ended: [Virtual], [Env.Register],
// [Start] and [FunctionRun.Wait] in one. A run that fails does not fail the test: call Output,
// Status or Err of the run.
func Run[T, R any](tb testing.TB, function inngestkit.TypedFunction[T, R], data T, options ...Option) *TypedRun[R] {
	tb.Helper()
	e := Virtual(tb, options...)
	e.Register(function)
	return Start(e, function, data).Wait()
}
