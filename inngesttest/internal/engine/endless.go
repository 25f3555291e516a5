package engine

const defaultMaxStarts = 10_000

// starts counts the runs that each function has started while time advances once. Without a
// limit, a function that sends its own event would never let the engine settle.
type starts struct {
	count map[*Function]int
	// after is the number of the last event that was there before: the test has sent those.
	after uint64
}

// beginStarts starts to count. A call that drives the engine begins with it.
func (e *Engine) beginStarts() {
	e.cronRuns = 0
	e.starts.after, e.starts.count = e.arrivals, map[*Function]int{}
}

// countStart counts a run, unless a schedule or an earlier event has started it.
func (e *Engine) countStart(run *Run) {
	if len(run.Events) == 0 {
		return
	}
	ev := run.Events[len(run.Events)-1]
	if ev.number <= e.starts.after || ev.Name == scheduledTimer {
		return
	}
	fn := run.Function
	if e.starts.count[fn]++; e.starts.count[fn] == e.cfg.MaxStarts {
		e.fault(run, "%s has started %d runs during one Settle, Advance, Drain or Wait, the last by the event %q: does it send "+
			"the event that triggers it, or invoke itself? If it must, let time pass in shorter steps",
			fn.Slug, e.cfg.MaxStarts, ev.Name)
	}
}
