package engine

// addStartTimeout cancels a run that has not started in time. A run of a batch does not have
// this timeout.
func (e *Engine) addStartTimeout(run *Run) {
	within := run.Function.options.startWithin
	if within <= 0 {
		return
	}
	run.timers = append(run.timers, e.at(run.Queued.Add(within), func() {
		if run.over() || !run.Started.IsZero() {
			return
		}
		e.row(run, "is cancelled: it has not started within %s (Timeouts.Start)", within)
		e.end(run, Cancelled, nil)
	}))
}

// addFinishTimeout cancels a run that starts now and has not ended in time.
func (e *Engine) addFinishTimeout(run *Run) {
	within := run.Function.options.endWithin
	if within <= 0 {
		return
	}
	run.timers = append(run.timers, e.at(e.clock.now().Add(within), func() {
		if run.over() {
			return
		}
		e.row(run, "is cancelled: it has not ended within %s (Timeouts.Finish)", within)
		e.end(run, Cancelled, nil)
	}))
}
