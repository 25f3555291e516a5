package eventpath

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"
)

// Events are the events that start a function. They remember which conditions of
// step.WaitForEvent were checked, because a function reaches its waits in each call.
type Events struct {
	All []Shape

	// checked has the problems by condition. The map is replaced and never changed, so
	// reading needs no lock.
	checked atomic.Pointer[map[waitKey]string]
}

// waitKey identifies a condition and what matters of the awaited event.
type waitKey struct {
	condition, event string
	data             reflect.Type
	isMatch, open    bool
}

// maxChecked limits what is remembered, because conditions can contain changing values.
const maxChecked = 200

// WaitProblem returns what is wrong with a condition of a wait for event, "" if it finds
// nothing. If e is nil, the events of the function are not known.
func (e *Events) WaitProblem(condition string, isMatch bool, event Shape) string {
	if e == nil {
		return waitProblem(condition, isMatch, event, nil)
	}
	key := waitKey{condition, event.Event, event.Type, isMatch, event.Open}
	checked := e.checked.Load()
	if checked != nil {
		if problem, ok := (*checked)[key]; ok {
			return problem
		}
	}
	problem := waitProblem(condition, isMatch, event, e.All)
	e.remember(checked, key, problem)
	return problem
}

// remember adds a problem to checked. If another call does so at the same time, one of the
// two is lost, and its condition is checked again.
func (e *Events) remember(checked *map[waitKey]string, key waitKey, problem string) {
	next := map[waitKey]string{}
	if checked != nil {
		if len(*checked) >= maxChecked {
			return
		}
		next = maps.Clone(*checked)
	}
	next[key] = problem
	e.checked.CompareAndSwap(checked, &next)
}

// waitProblem is not part of WaitProblem because it allocates.
func waitProblem(condition string, isMatch bool, event Shape, events []Shape) string {
	if condition == "" {
		return "is empty; give an expression, or leave it out"
	}
	e := Expression{Text: condition, IsMatch: isMatch, Events: events, Async: &event}
	if problem := e.Problem(); problem != "" || isMatch {
		return problem
	}
	return missesAwaited(scan(condition).paths)
}

// missesAwaited returns a problem if a condition only has paths of the event that triggered
// the run. Its value is then the same for every awaited event.
func missesAwaited(paths []Path) string {
	if len(paths) == 0 || slices.ContainsFunc(paths, func(p Path) bool { return p.Root == Async }) {
		return ""
	}
	return fmt.Sprintf("has %q but no async: event is the event that triggered the run, and async the awaited "+
		"one; write async.data.… for its data", paths[0])
}
