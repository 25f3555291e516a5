package engine

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// execution is the engine's part that runs calls.
type execution struct {
	ids ids
	// driving is held by who lets time pass. It is a channel, because waiting for a mutex
	// stops the time of a bubble.
	driving chan struct{}
	// flights are the calls under way, in the order in which they began.
	flights []*flight
	// landed wakes the engine when a call has ended.
	landed chan struct{}
	// handling is the call whose response is being handled, nil if none is.
	handling *flight
	// wave are the calls that are about to be made.
	wave []*flight
	// active are the runs that have not ended, by ID.
	active map[string]*Run
	// past are the runs that have ended, in this order. forgotten counts those of Engine.runs
	// that Runs does not return any more.
	past      []*Run
	forgotten int
}

// defaultKeep is how many ended runs Runs returns.
const defaultKeep = 1000

// New returns an engine. In a bubble it must be called there.
func New(cfg Config) *Engine {
	if cfg.Keep == 0 {
		cfg.Keep = defaultKeep
	}
	if cfg.MaxStarts == 0 {
		cfg.MaxStarts = defaultMaxStarts
	}
	e := &Engine{
		cfg:       cfg,
		rand:      rand.New(rand.NewPCG(cfg.Seed, cfg.Seed)), //nolint:gosec // nothing is secret
		queue:     newQueue(),
		clock:     clock{bubble: cfg.Bubble, time: cfg.Start},
		functions: map[string]*Function{},
		execution: execution{
			driving: make(chan struct{}, 1),
			landed:  make(chan struct{}, 1),
			active:  map[string]*Run{},
		},
	}
	binary.BigEndian.PutUint32(e.ids.prefix[:], e.rand.Uint32())
	e.initScheduling()
	return e
}

// Now returns the virtual time.
func (e *Engine) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clock.now()
}

// Next returns the time at which something is due next, and false if nothing is. In a
// bubble, calls under way may end earlier; see [Engine.Advance].
func (e *Engine) Next() (time.Time, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.queue.next()
}

// Runs returns the runs in the order of their creation: all that have not ended, and the last
// ones of those that have.
func (e *Engine) Runs() []*Run {
	e.mu.Lock()
	defer e.mu.Unlock()
	runs := make([]*Run, 0, len(e.runs)-e.forgotten)
	for _, run := range e.runs {
		if !run.forgotten {
			runs = append(runs, run)
		}
	}
	return runs
}

// LastRun returns the latest run for which match reports true, among those of Runs, or nil. match
// must not call the engine.
func (e *Engine) LastRun(match func(*Run) bool) *Run {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, run := range slices.Backward(e.runs) {
		if !run.forgotten && match(run) {
			return run
		}
	}
	return nil
}

// Locked calls do while nothing changes, so that it can read runs and steps. It must not
// call the engine.
func (e *Engine) Locked(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do()
}

// at calls do when it is t. The returned item can be dropped.
func (e *Engine) at(t time.Time, do func()) *item {
	it := &item{at: t, score: t.UnixMilli(), do: do}
	e.queue.add(it)
	return it
}

// drop removes an item from the queue. It may be nil, or gone already.
func (e *Engine) drop(it *item) {
	if it != nil {
		e.queue.remove(it)
	}
}

// record adds a run to the engine's list. start calls it.
func (e *Engine) record(run *Run) {
	if _, ok := e.active[run.ID]; ok {
		return
	}
	e.runs = append(e.runs, run)
	if run.over() { // it was skipped
		e.forget(run)
		return
	}
	run.initState()
	e.active[run.ID] = run
	e.countStart(run)
}

// start puts the first call of a new run into the queue.
func (e *Engine) start(run *Run, at time.Time) {
	e.record(run)
	e.enqueue(&item{kind: kindStart, run: run, at: at})
}

// enqueue puts a call into the queue.
func (e *Engine) enqueue(it *item) {
	now := e.clock.now()
	if it.at.IsZero() {
		it.at = now
	}
	it.score = score(it, now)
	e.queue.add(it)
	if it.job == nil {
		it.job = quote(fmt.Sprintf("%s-%d", it.run.ID, it.seq))
		it.run.items = append(it.run.items, it)
	}
}

// done takes an item off its run.
func (e *Engine) done(it *item) {
	it.run.items = remove(it.run.items, it)
}

func remove(items []*item, it *item) []*item {
	if i := slices.Index(items, it); i >= 0 {
		return slices.Delete(items, i, i+1)
	}
	return items
}

// resume stores the result of a wait, a signal or an invoke, and continues the run. It does
// nothing if the run is over or the step has a result.
func (e *Engine) resume(run *Run, key string, result json.RawMessage) {
	s := run.step(key)
	if run.over() || s == nil {
		return
	}
	stored, err := canonical(result)
	if err != nil {
		e.fault(run, "the result of step %q cannot be sent to the app, so the server would drop the run: %v", s.ID, err)
		return
	}
	if run.save(s, stored, storedSize(stored), e.clock.now()) {
		e.discover(run, run.plan, kindEdge, key, key+"-resume")
	}
}

// end ends a run. What its calls under way respond counts no more.
func (e *Engine) end(run *Run, status Status, output json.RawMessage) {
	if run.over() {
		return
	}
	run.Status, run.Output, run.Ended, run.Held = status, output, e.clock.now(), ""
	for _, it := range run.items {
		e.queue.remove(it)
		if it.running {
			e.free(it)
		}
	}
	for _, s := range run.Steps {
		s.Waits = ""
	}
	delete(e.active, run.ID)
	e.ended(run)
	run.state = state{raw: run.raw, problem: run.problem}
	e.forget(run)
}

// free gives the limits back what a call took. It does so once.
func (e *Engine) free(it *item) {
	if it.released {
		return
	}
	it.released = true
	e.release(it)
	e.queue.retry()
}

// forget keeps the list of runs short.
func (e *Engine) forget(run *Run) {
	e.past = append(e.past, run)
	for len(e.past) > e.cfg.Keep {
		e.past[0].forgotten = true
		e.past[0] = nil
		e.past = e.past[1:]
		e.forgotten++
	}
	if e.forgotten > e.cfg.Keep {
		e.runs = slices.DeleteFunc(e.runs, func(r *Run) bool { return r.forgotten })
		e.forgotten = 0
	}
}
