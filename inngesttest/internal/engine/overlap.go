package engine

// With Config.Overlap, the calls that are due at the same time are a wave: they run at the
// same time on goroutines of their own, and count in the order of the queue when all have
// ended.

// overlapping reports whether the calls of a wave are under way.
func (e *Engine) overlapping() bool {
	return e.cfg.Overlap && !e.cfg.Bubble && len(e.flights) > 0
}

// awaitWave waits until all calls of the wave have ended, and handles their responses.
func (e *Engine) awaitWave() {
	e.unlocked(e.wave.Wait)
	e.land()
}
