package call

import (
	"sync"

	"github.com/tidwall/gjson"
)

// Replay follows the function through what earlier calls did already, until it
// comes to something new: when all kept results have been handed out, or the
// callback of a step runs.
type Replay struct {
	mu       sync.Mutex
	steps    []byte
	targeted bool
	counted  bool
	kept     int // how many results are in steps, once they are counted
	out      int // how many have been handed out
	fresh    bool
	onFresh  []func()
}

// Start takes note of the results that the server has kept, a JSON object by
// step, and of whether the call is for one step alone: all before it is a replay.
func (r *Replay) Start(steps []byte, targeted bool) {
	r.steps, r.targeted = steps, targeted
}

// Kept is the kept results of steps, a JSON object; nil if they are not known.
func (r *Replay) Kept() []byte { return r.steps }

// KeptResult is the kept result of a step as the server sent it, nil if there is
// none.
func (r *Replay) KeptResult(id ID) []byte { return []byte(gjson.GetBytes(r.steps, id.Key()).Raw) }

// Replaying reports whether the function has not come to anything new yet.
func (r *Replay) Replaying() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.reached()
}

// OnFresh has f called when the function comes to something new, at once if it
// has already.
func (r *Replay) OnFresh(f func()) {
	r.mu.Lock()
	if !r.reached() {
		r.onFresh = append(r.onFresh, f)
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	f()
}

// SetFresh notes that something new begins.
func (r *Replay) SetFresh() {
	r.mu.Lock()
	waiting := r.onFresh
	r.fresh, r.onFresh = true, nil
	r.mu.Unlock()
	for _, f := range waiting {
		f()
	}
}

// SetOver notes that what follows is not new, if the call is for one step alone: it
// belongs to other calls.
func (r *Replay) SetOver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.targeted {
		r.fresh = false
	}
}

// reached counts the kept results when somebody first asks: mostly nobody does.
func (r *Replay) reached() bool {
	if r.fresh || r.targeted {
		return r.fresh
	}
	r.count()
	r.fresh = r.out >= r.kept
	return r.fresh
}

// count counts the kept results, once.
func (r *Replay) count() {
	if r.counted {
		return
	}
	r.counted = true
	gjson.ParseBytes(r.steps).ForEach(func(gjson.Result, gjson.Result) bool {
		r.kept++
		return true
	})
}

// unasked is how many kept results have not been handed out. It takes as long as reading
// them.
func (r *Replay) unasked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count()
	return r.kept - r.out
}

// outSoFar is how many kept results have been handed out.
func (r *Replay) outSoFar() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out
}

// handedOut notes that a kept result was handed out.
func (r *Replay) handedOut() {
	r.mu.Lock()
	r.out++
	reached := len(r.onFresh) > 0 && r.reached()
	r.mu.Unlock()
	if reached {
		r.SetFresh()
	}
}
