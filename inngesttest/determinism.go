package inngesttest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/testhooks"
	"github.com/inngestkit/inngestkit/inngesttest/internal/capture"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
)

// The server calls a function again for each step that ends, and the function must take the
// same way each time. Three checks find functions that do not:
//
//   - each call of a run is compared with the one before it;
//   - each call of the first runs of a function is repeated at once, with the same results, so
//     that the function only announces its next steps;
//   - the source of the function is searched for variables that the callback of a step changes
//     and the function reads, because a replay does not run the callback.
//
// Calls in which the function returned or failed are not repeated: the code behind the last
// step runs once in production, too.

const (
	// replayedRuns is how many runs of each function are repeated call by call. A call takes
	// the longer the more results it has, so behind replayedCalls only every replayedPart-th
	// is repeated.
	replayedRuns  = 10
	replayedCalls = 100
	replayedPart  = 10
	// suspectReplays is how often a call is repeated if the source has a hint, such as a loop
	// over a map: two keys have the same order in every other call.
	suspectReplays = 5
	// keptRuns bounds how many runs are remembered. A run that takes up again later is
	// compared from then on.
	keptRuns = 1000
)

// determinism checks the functions of an engine.
type determinism struct {
	// report fails the test because of the function of a run.
	report func(run *engine.Run, text string)

	mu        sync.Mutex
	functions map[string]*checkedFunction // by slug
	runs      map[string]*checkedRun      // by ID
	order     []string                    // the IDs of the runs, the oldest first
}

// A checkedFunction is what is known about a function.
type checkedFunction struct {
	off   bool
	runs  int // how many runs have begun
	hints []string
	// certain says what the source shows to be wrong, "" for nothing.
	certain string
	// searched and failed report whether its source was searched, and whether a failure of it
	// was reported.
	searched, failed bool
}

// A checkedRun is what is known about a run.
type checkedRun struct {
	replayed bool
	last     *trace // of the last call that was not cut, nil before it
}

// newDeterminism returns the checks for an engine.
func newDeterminism(report func(run *engine.Run, text string)) *determinism {
	return &determinism{report: report, functions: map[string]*checkedFunction{}, runs: map[string]*checkedRun{}}
}

// allow turns off the checks for a function.
func (d *determinism) allow(slug string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.function(slug).off = true
}

// restart forgets the runs, because their functions have changed on purpose.
func (d *determinism) restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.runs)
	d.order = nil
}

func (d *determinism) function(slug string) *checkedFunction {
	f := d.functions[slug]
	if f == nil {
		f = &checkedFunction{}
		d.functions[slug] = f
	}
	return f
}

// run returns what is known about a run of f.
func (d *determinism) run(f *checkedFunction, id string) *checkedRun {
	r := d.runs[id]
	if r != nil {
		return r
	}
	if len(d.order) == keptRuns {
		delete(d.runs, d.order[0])
		d.order = d.order[1:]
	}
	r = &checkedRun{replayed: f.runs < replayedRuns}
	f.runs++
	d.runs[id], d.order = r, append(d.order, id)
	return r
}

// forget drops a run that has ended.
func (d *determinism) forget(id string) {
	delete(d.runs, id)
	if i := slices.Index(d.order, id); i >= 0 {
		d.order = slices.Delete(d.order, i, i+1)
	}
}

// call checks a call. It adds its hooks to those that ctx carries, and done is called with
// the response.
func (d *determinism) call(ctx context.Context, c *engine.Call) (_ context.Context, done func(resp *adapter.Response)) {
	d.mu.Lock()
	f := d.function(c.Run.Function.Slug)
	off := f.off
	d.mu.Unlock()
	if off {
		return ctx, func(*adapter.Response) {}
	}
	t := newTrace(c, "")
	hooks := *testhooks.From(ctx)
	hooks.EnterFunction = func(_ context.Context, handler uintptr) { d.search(c.Run, f, handler) }
	hooks.EnterStep = t.hook(hooks.EnterStep)
	hooks.MapItems = func(_ context.Context, id string, items any) { t.mapItems(id, items) }
	hooks.RunStep = t.runHook(hooks.RunStep)
	return testhooks.NewContext(ctx, &hooks), func(resp *adapter.Response) {
		d.done(ctx, c, f, t, resp)
	}
}

// done compares a call that has ended with the one before it, and with a replay.
func (d *determinism) done(ctx context.Context, c *engine.Call, f *checkedFunction, t *trace, resp *adapter.Response) {
	t.cut = c.Target != "" || resp.Status != http.StatusOK && resp.Status != http.StatusPartialContent
	d.mu.Lock()
	r := d.run(f, c.Run.ID)
	last, replays := r.last, r.replays(c, f)
	switch {
	case resp.Status == http.StatusOK:
		d.forget(c.Run.ID)
	case !t.cut:
		r.last = t
	}
	d.mu.Unlock()

	text := ""
	if last != nil {
		text = difference(last, t)
	}
	if resp.Status == http.StatusPartialContent {
		for range replays {
			if text == "" {
				text = d.replay(ctx, c, t)
			}
		}
	}
	if text == "" && resp.Status != http.StatusPartialContent {
		text = f.certain
	}
	if text != "" {
		d.failed(c.Run, f, text)
	}
}

// replays returns how often a call is repeated.
func (r *checkedRun) replays(c *engine.Call, f *checkedFunction) int {
	switch {
	case !r.replayed || f.failed || c.Number > replayedCalls && c.Number%replayedPart != 0:
		return 0
	case len(f.hints) > 0:
		return suspectReplays
	default:
		return 1
	}
}

// replay repeats the call with the same results and returns how its way differs.
func (d *determinism) replay(ctx context.Context, c *engine.Call, t *trace) string {
	again := newTrace(c, "a replay of ")
	resp := c.Do(testhooks.NewContext(ctx, replayHooks(ctx, again)), true)
	switch {
	case resp == nil:
		return ""
	case resp.Status == http.StatusOK || resp.Status == http.StatusPartialContent:
		return difference(again, t)
	case !t.cut:
		again.cut = true
		return difference(t, again)
	default:
		return ""
	}
}

// failed reports that a function takes different ways, once.
func (d *determinism) failed(run *engine.Run, f *checkedFunction, text string) {
	d.mu.Lock()
	first, hints := !f.failed, f.hints
	f.failed = true
	d.mu.Unlock()
	if !first {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "function %q is not deterministic: %s.\n", run.Function.Slug, text)
	b.WriteString(differenceAdvice)
	for _, hint := range hints {
		b.WriteString("\nPerhaps " + hint)
	}
	d.report(run, b.String())
}

const differenceAdvice = "The server finds the results of steps by their IDs: a step whose ID has changed runs again, and the " +
	"result of a step that is left out is lost. The IDs and the order of steps must depend only on the event and on the " +
	"results of earlier steps, not on the clock, on random values, on the order of a map, or on data that changes between " +
	"calls. Read such values in a step.Run and use its result, and sort the keys of maps. If the function is meant to do " +
	"this, use the option inngesttest.Nondeterministic."

// search looks for captured variables in the source of a function, once.
func (d *determinism) search(run *engine.Run, f *checkedFunction, handler uintptr) {
	d.mu.Lock()
	first := !f.searched
	f.searched = true
	d.mu.Unlock()
	if !first || handler == 0 {
		return
	}
	findings, hints, err := capture.Check(handler)
	if err != nil {
		return // without the source, the other checks remain
	}
	d.mu.Lock()
	for _, h := range hints {
		f.hints = append(f.hints, h.Text)
		if h.Certain {
			f.certain = "the source shows a step that differs from call to call, although its ID was the same in this test"
		}
	}
	d.mu.Unlock()
	if len(findings) == 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "function %q passes values out of steps in captured variables:", run.Function.Slug)
	for _, finding := range findings {
		b.WriteString("\n" + finding.Text)
	}
	b.WriteString("\nIf the function is meant to do this, use the option inngesttest.Nondeterministic.")
	d.report(run, b.String())
}
