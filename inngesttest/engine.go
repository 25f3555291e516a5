package inngesttest

import (
	"context"
	"encoding/json"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
)

// An Engine runs functions in virtual time, as the Inngest server does. Time passes only when
// the test says so, with Advance, AdvanceTo, Drain, and with Wait of a run. [Virtual] makes it.
type Engine struct {
	*Env

	v *virtual
}

// Now returns the virtual time.
func (e *Engine) Now() time.Time { return e.v.engine.Now() }

// Elapsed returns how much virtual time has passed since the test began.
func (e *Engine) Elapsed() time.Duration { return e.v.engine.Now().Sub(e.v.start) }

// Advance lets d of virtual time pass: sleeps end, waits time out, schedules fire.
func (e *Engine) Advance(d time.Duration) {
	e.tb.Helper()
	if d < 0 {
		e.fatalf(nil, "Advance has the negative duration %s", d)
	}
	e.v.advanceTo(e.v.engine.Now().Add(d))
}

// AdvanceTo lets virtual time pass until t.
func (e *Engine) AdvanceTo(t time.Time) {
	e.tb.Helper()
	if now := e.v.engine.Now(); t.Before(now) {
		e.fatalf(nil, "AdvanceTo has the time %s, which is past; it is %s", t.Round(0), now.Round(0))
	}
	e.v.advanceTo(t)
}

// Drain lets time pass until all runs have ended and nothing is scheduled except the functions'
// own schedules.
func (e *Engine) Drain() {
	e.tb.Helper()
	if err := e.v.await(func() bool { return e.v.engine.Idle() }); err != nil {
		e.fatalf(nil, "%v", err)
	}
}

// NextWake returns the virtual time at which something happens next, and false if nothing is
// scheduled.
func (e *Engine) NextWake() (time.Time, bool) {
	e.tb.Helper()
	e.v.settle()
	return e.v.engine.Next()
}

// Failed returns the runs that have failed.
func (e *Engine) Failed() []*FunctionRun {
	e.tb.Helper()
	var runs []*FunctionRun
	for _, run := range e.Runs(nil) {
		if run.Status() == RunFailed {
			runs = append(runs, run)
		}
	}
	return runs
}

// Context returns a context for code of an app that is not part of a function, such as one that
// sends: app.Send(e.Context(), event). Requests to the server reach the engine.
func (e *Engine) Context() context.Context {
	e.tb.Helper()
	return inngestkit.NewContext(e.context(), e.sender())
}

// Update deploys new versions of functions of [Env.Register], by their IDs. Runs that have
// begun go on with the new version.
func (e *Engine) Update(functions ...inngestkit.Function) {
	e.tb.Helper()
	for i, f := range functions {
		if f == nil {
			e.fatalf(nil, "Update needs functions, number %d of them is nil", i+1)
		}
	}
	e.mu.Lock()
	for _, f := range functions {
		found := false
		for i, known := range e.fns {
			if known.ID() == f.ID() {
				e.fns[i], found = f, true
			}
		}
		if !found {
			e.fns = append(e.fns, f)
		}
	}
	e.mu.Unlock()
	e.build()
}

// Step returns a new [Stub] for the steps with the ID.
func (e *Engine) Step(id string) *Stub {
	e.tb.Helper()
	s := newStub(id, callerPlace(1), func(format string, args ...any) {
		e.tb.Helper()
		e.fatalf(nil, format, args...)
	})
	e.v.stubs.add(s)
	return s
}

// Mock answers step.Invoke of a function of an app that is not part of the test. slug is the ID
// of the app and that of the function, joined by a hyphen. f gets the data that the step
// passes, and its output goes through JSON. If f returns an error, the run of the function has
// failed for good.
func (e *Engine) Mock(slug string, f func(data json.RawMessage) (any, error)) {
	e.tb.Helper()
	if slug == "" {
		e.fatalf(nil, "Mock needs the IDs of the app and the function, joined by a hyphen")
	}
	if f == nil {
		e.fatalf(nil, "Mock of %s needs a function", slug)
	}
	for _, known := range e.v.engine.Functions() {
		if known.Slug == slug {
			e.fatalf(nil, "Mock of %s, which is registered on this engine: use a stub of the step that invokes it", slug)
		}
	}
	e.v.engine.Mock(slug, func(data json.RawMessage, _ *engine.Event) (json.RawMessage, error) {
		output, err := recovered(func() (any, error) { return f(data) })
		if err != nil {
			return nil, err
		}
		return json.Marshal(output)
	})
}
