// Package capture finds functions that pass a value out of a step's callback in a captured
// variable.
//
// When the run continues, the server has memoized the step's result: the callback does not
// run again, and the variable has the value from before the step. The package finds this in
// the source, because a call that runs the step does not show it. When in doubt, the check
// is silent.
//
// Check finds the function of a program counter (locate.go) in its parsed package
// (source.go), knows which calls are steps (steps.go), collects facts about the function's
// literals and variables (facts.go, roles.go, origin.go, place.go), and follows the control
// flow from each callback to the reads behind it (walk.go, inline.go, expr.go, callback.go).
package capture

import (
	"errors"
	"fmt"
	"sync"
)

// ErrNoSource is the error of [Check] for a function whose source is not on this machine:
// the binary was built with -trimpath or elsewhere.
var ErrNoSource = errors.New("the source of the function is not available")

// A Finding is a variable that a step's callback changes and that the function reads later.
type Finding struct {
	File     string // the path of the file
	Line     int    // where the callback changes the variable
	Column   int
	Variable string // as in the source, for example order.Status
	StepLine int    // where the step is called
	ReadLine int    // where the variable is read
	Text     string // the whole message, which begins with the file's base name and the line
}

// A Hint is code that may give a step another ID or another place in the next call. Unless it
// is certain, it explains a failure and is not one.
type Hint struct {
	File   string
	Line   int
	Column int
	// Certain reports that the step surely depends on the clock, on a random value or on the
	// order of a map. The next call may still be the same by chance: an ID from the date, until
	// midnight.
	Certain bool
	Text    string
}

type result struct {
	findings []Finding
	hints    []Hint
	err      error
}

// results has the outcome of Check by program counter.
var results sync.Map // of func() result

// Check checks the function whose code starts at handlerPC, as [reflect.Value.Pointer]
// returns it, and the functions and methods of its package that it calls, up to five calls
// deep. Functions, literals, methods, method values and instances of generic functions are
// supported. Check is safe for concurrent use and keeps its results.
//
// A finding is a change, in the callback of a step, to a variable that the function
// declares, if the function reads the variable after the step and does not assign it
// in between. A read in the callback of a later step counts, unless that callback assigns
// the variable or tests it. Check ignores variables that are declared outside the function,
// fields of receivers, and what pointers and maps from outside refer to. It does not follow
// function values from other functions, pointers that are stored, methods that change their
// receiver, and goto.
func Check(handlerPC uintptr) ([]Finding, []Hint, error) {
	check, _ := results.LoadOrStore(handlerPC, sync.OnceValue(func() result { return checkPC(handlerPC) }))
	r := check.(func() result)()
	return r.findings, r.hints, r.err
}

func checkPC(pc uintptr) result {
	at, err := locate(pc)
	if err != nil {
		return result{err: err}
	}
	return checkAt(at)
}

// checkAt checks the function at a location.
func checkAt(at location) result {
	pkg, err := loadFor(at.file)
	if err != nil {
		return result{err: fmt.Errorf("%s: %w: %w", at.name, ErrNoSource, err)}
	}
	c := newChecker(pkg)
	if fn, ok := pkg.find(at); ok {
		c.check(fn, isHandler)
		c.followCalls()
	}
	return c.result()
}

// CheckSource checks all functions in the files of a directory, without running them. A
// function literal or declaration with the parameters of a handler counts as one.
func CheckSource(dir string) ([]Finding, []Hint, error) {
	packages, err := loadAll(dir)
	if err != nil {
		return nil, nil, err
	}
	var all result
	for _, pkg := range packages {
		c := newChecker(pkg)
		pkg.eachFunction(func(fn function) {
			if fn.looksLikeHandler() {
				c.check(fn, isHandler)
			} else {
				c.check(fn, isHelper)
			}
		})
		r := c.result()
		all.findings = append(all.findings, r.findings...)
		all.hints = append(all.hints, r.hints...)
	}
	return all.findings, all.hints, nil
}
