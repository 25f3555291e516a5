package eventpath

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"
)

// Events are the events that start a function. They remember the conditions of waits
// that have been checked, since a function comes by its waits in each of its calls.
type Events struct {
	All []Shape

	// checked is never changed, only replaced, so that reading needs no lock.
	checked atomic.Pointer[map[waitKey]string]
}

// waitKey has of the awaited event what decides.
type waitKey struct {
	condition, event string
	data             reflect.Type
	isMatch, open    bool
}

// maxChecked bounds what is remembered: conditions can have values in them.
const maxChecked = 200

// WaitProblem tells what is wrong with a condition of a wait for event, "" if nothing
// can be seen. Without e, which may be nil, the events of the function are not known.
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

// remember adds to what is checked. If another call does at the same time, one of them
// is checked again.
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

// waitProblem is apart from WaitProblem because it allocates.
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

// missesAwaited tells that a condition looks at the event that triggered the run alone. It
// is the same for whatever event comes, which could be decided before the wait.
func missesAwaited(paths []Path) string {
	if len(paths) == 0 || slices.ContainsFunc(paths, func(p Path) bool { return p.Root == Async }) {
		return ""
	}
	return fmt.Sprintf("has %q but no async: event is the one that triggered the run, and async the one that is "+
		"waited for; write async.data.… for its data", paths[0])
}
