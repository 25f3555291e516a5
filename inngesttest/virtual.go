package inngesttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// Virtual returns an engine that plays the Inngest server in this process until the test has
// ended. The time of functions is virtual for everything that the server does: sleeps, waits,
// retries, schedules, limits. The time of your own code, time.Now, is virtual only if the test
// runs in a bubble of [testing/synctest]:
//
//	synctest.Test(t, func(t *testing.T) {
//		e := inngesttest.Virtual(t)
//		…
//	})
//
// An engine is for one test: make one in each test and subtest, as their events would start each
// other's functions.
//
// Without a bubble, the engine refuses what would depend on both clocks: step.SleepUntil, and
// inngestkit.RetryAt with a date, after time has passed.
func Virtual(tb testing.TB, options ...Option) *Engine {
	tb.Helper()
	config, err := newVirtualConfig(options)
	if err != nil {
		tb.Fatal("inngesttest: " + err.Error())
	}
	env := newEnv(tb)
	v := &virtual{env: env, tb: tb, options: config, bubble: inBubble(), hangsAfter: hangsAfter}
	env.backend = v
	if err := v.begin(); err != nil {
		tb.Fatal("inngesttest: " + err.Error())
	}
	tb.Cleanup(v.end)
	return &Engine{Env: env, v: v}
}

// stepOf is a step of a function, by their IDs.
type stepOf struct{ function, id string }

// inBubble reports whether the goroutine runs in a bubble of testing/synctest.
func inBubble() (in bool) {
	defer func() {
		if recover() != nil {
			in = false
		}
	}()
	synctest.Wait()
	return true
}

// virtual is the backend of an Engine.
type virtual struct {
	env     *Env
	tb      testing.TB
	options virtualConfig
	bubble  bool
	engine  *engine.Engine
	start   time.Time
	stubs   stubs
	checks  *determinism
	driving atomic.Bool  // Settle or AdvanceTo runs
	calling atomic.Int64 // how many calls are under way
	lost    atomic.Bool  // the context of a call has not reached the function
	network *http.Transport
	// hangsAfter is the real time after which the log names a call that has not ended.
	hangsAfter time.Duration

	mu      sync.Mutex
	rows    []engine.Row
	faults  int
	stop    context.CancelFunc // ends Settle or AdvanceTo
	stubbed map[stepOf]*Stub   // the last stub of each step
	blamed  *engine.Run        // the run of the last fault, nil for none
}

func (v *virtual) begin() error {
	start := time.Now()
	if at := v.options.start; !at.IsZero() {
		if v.bubble && at.Before(start) {
			return fmt.Errorf("StartAt(%s) is before the time of the bubble, %s", at, start)
		}
		if v.bubble {
			time.Sleep(at.Sub(start))
		}
		start = at
	}
	v.start, v.stubbed, v.network = start, map[stepOf]*Stub{}, &http.Transport{Proxy: http.ProxyFromEnvironment}
	v.checks = newDeterminism(func(run *engine.Run, text string) { v.Fault(run, "%s", text) })
	v.engine = engine.New(engine.Config{
		Version: version.Version(v.options.version), Start: start, Bubble: v.bubble, Seed: v.options.seed,
		RetryInterval: v.options.retryInterval, NoJitter: v.options.noJitter, Overlap: v.options.overlap,
		MaxStarts: v.options.maxStarts,
		Gateway:   v.gateway, Answer: v.answer, Observer: v,
	})
	return nil
}

// end is called when the test has ended.
func (v *virtual) end() {
	v.engine.Land()
	v.network.CloseIdleConnections()
	if !v.tb.Failed() {
		for _, text := range v.stubs.unused() {
			if v.lost.Load() {
				text += ". The context of calls does not reach functions, so stubs have no effect. See ContextOf"
			}
			v.tb.Error("inngesttest: " + text)
		}
	}
	if v.tb.Failed() {
		v.showBlamed()
		v.env.show()
	}
}

// showBlamed prints the timeline of the run that is to blame, which [Env.show] may leave out.
func (v *virtual) showBlamed() {
	v.mu.Lock()
	run := v.blamed
	v.mu.Unlock()
	if run == nil {
		return
	}
	v.env.mu.Lock()
	v.env.shown[run.ID] = true
	v.env.mu.Unlock()
	v.tb.Log("inngesttest: " + virtualRun{v, run}.timeline())
}

func (v *virtual) describe() string {
	clock := "the clock of your code was real"
	if v.bubble {
		clock = "so was the clock of your code"
	}
	return fmt.Sprintf("virtual server %s, seed %d (repeat it with %s=%d); %s of virtual time passed, %s",
		v.options.version, v.options.seed, SeedEnv, v.options.seed, short(v.engine.Now().Sub(v.start)), clock)
}

// roundTrip has the engine respond to a request of an app.
func (v *virtual) roundTrip(r *http.Request) (*http.Response, error) {
	if !sendsEvents(r) {
		return v.engine.RoundTrip(r)
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	resp, err := v.engine.RoundTrip(r)
	return recordSent(&v.env.log, body, v.engine.Now(), resp, err)
}

func (v *virtual) serve(app *inngestkit.App, do adapter.Handler) error {
	if !app.Dev() && v.options.signingKey == "" {
		return fmt.Errorf("the app %s is in cloud mode, in which it executes signed calls only; set Dev in its Config for "+
			"the test, or give the engine the key: Virtual(t, inngesttest.SigningKey(key))", app.ID())
	}
	key := v.options.signingKey
	if app.Dev() {
		key = ""
	}
	if err := v.engine.AddApp(v.env.context(), &engine.App{ID: app.ID(), Do: do, SigningKey: key}); err != nil {
		return fmt.Errorf("the app %s cannot be registered: %w", app.ID(), err)
	}
	v.checks.restart() // a new version may take another way
	for id := range v.options.nondeterministic {
		v.checks.allow(app.ID() + "-" + id)
	}
	return nil
}

func (v *virtual) functions() ([]function, error) {
	all := v.engine.Functions()
	functions := make([]function, len(all))
	for i, f := range all {
		functions[i] = function{slug: f.Slug, app: f.App.ID}
		for _, t := range f.Triggers {
			functions[i].triggers = append(functions[i].triggers, trigger{t.Event, t.Condition, t.Cron})
		}
	}
	return functions, nil
}

// drive calls f, in which the engine calls the app. It reports whether the caller may go on:
// a function that drives the engine that calls it would wait for itself.
func (v *virtual) drive(f func(ctx context.Context)) bool {
	v.tb.Helper()
	if !v.driving.CompareAndSwap(false, true) {
		return false
	}
	defer v.driving.Store(false)
	ctx, cancel := context.WithCancel(v.tb.Context())
	defer cancel()
	v.mu.Lock()
	v.stop = cancel
	v.mu.Unlock()
	defer v.watchDeadline()()
	f(ctx)
	v.mu.Lock()
	faults := v.faults
	v.mu.Unlock()
	if faults > 0 {
		v.tb.FailNow() // Fault has logged why
	}
	return true
}

// watchDeadline fails the test shortly before its deadline, as Real does. In a bubble, the
// deadline is not known.
func (v *virtual) watchDeadline() (stop func()) {
	t, ok := v.tb.(interface{ Deadline() (time.Time, bool) })
	if !ok || v.bubble {
		return func() {}
	}
	deadline, ok := t.Deadline()
	if !ok {
		return func() {}
	}
	timer := time.AfterFunc(time.Until(deadline)-time.Second, func() {
		v.Fault(nil, "the test has nearly reached its deadline, and the functions have not settled")
	})
	return func() { timer.Stop() }
}

var errTestEnded = errors.New("the test of this engine has ended")

func (v *virtual) settle() {
	v.tb.Helper()
	v.drive(v.engine.Settle)
}

// advanceTo lets time pass until t.
func (v *virtual) advanceTo(t time.Time) {
	v.tb.Helper()
	if v.tb.Context().Err() != nil {
		v.env.fatalf(nil, "time cannot be advanced: %v", errTestEnded)
	}
	if !v.drive(func(ctx context.Context) { v.engine.AdvanceTo(ctx, t) }) {
		v.env.fatalf(nil, "time cannot be advanced: %v", v.errDriven())
	}
}

var errNothingScheduled = errors.New("nothing more is scheduled")

func (v *virtual) await(done func() bool) error {
	v.tb.Helper()
	v.settle()
	for !done() {
		if v.tb.Context().Err() != nil {
			return errTestEnded
		}
		if v.engine.Idle() {
			return errNothingScheduled
		}
		if !v.drive(func(ctx context.Context) { v.engine.Advance(ctx) }) {
			return v.errDriven()
		}
	}
	return nil
}

// errDriven returns why the caller cannot let time pass: another one does.
func (v *virtual) errDriven() error {
	if v.calling.Load() == 0 {
		return errors.New("another goroutine advances this engine; make one engine for each test and subtest")
	}
	return errors.New("a function cannot let time pass in its own call; use Takes of a stub, or a bubble of testing/synctest. " +
		"If no function does, another goroutine advances this engine: make one engine for each test and subtest")
}

func (v *virtual) invoke(slug string, data json.RawMessage) (func() handle, error) {
	eventID, err := v.engine.Invoke(slug, data)
	return func() handle { return v.find(slug, eventID) }, err
}

func (v *virtual) find(slug, eventID string) handle {
	run := v.engine.LastRun(func(run *engine.Run) bool {
		return run.Function.Slug == slug && slices.ContainsFunc(run.Events, func(event *engine.Event) bool {
			return event.InternalID == eventID || event.ID == eventID
		})
	})
	if run == nil {
		return nil
	}
	return virtualRun{v, run}
}

func (v *virtual) runs(slug string) ([]handle, error) {
	var handles []handle
	for _, run := range v.engine.Runs() {
		if slug == "" || run.Function.Slug == slug {
			handles = append(handles, virtualRun{v, run})
		}
	}
	return handles, nil
}
