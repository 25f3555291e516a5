package call

import (
	"sync"

	"github.com/tidwall/gjson"
)

// A Replay follows the function through what earlier calls did:
//
//	replaying ───► fresh
//	    ▲            │
//	    └────────────┘  at the end of a branch, in a targeted call
//
//	replaying   the function gets memoized results
//	fresh       it has claimed all of them, or the callback of a step runs, or it has returned
//
// A call is targeted if it is for one of several parallel steps. What precedes that step is
// a replay, and what follows it belongs to other calls.
type Replay struct {
	mu       sync.Mutex
	steps    []byte
	targeted bool
	fresh    bool
	counted  bool
	memoized int // how many results are in steps, once they are counted
	claims   int // how many the function has received
	onFresh  []func()
	keys     map[string]struct{} // of the memoized results, once has was called
}

// Start sets the memoized results, a JSON object by step, and whether the call is targeted.
func (r *Replay) Start(steps []byte, targeted bool) {
	r.steps, r.targeted = steps, targeted
}

// Results returns the memoized results of steps, a JSON object; nil if they are not known.
func (r *Replay) Results() []byte { return r.steps }

// Result returns the memoized result of a step as the server sent it, nil if it has none.
func (r *Replay) Result(id ID) []byte { return []byte(gjson.GetBytes(r.steps, id.Key()).Raw) }

// Replaying reports whether the function has not reached anything new yet.
func (r *Replay) Replaying() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.isFresh()
}

// OnFresh calls f when the function reaches something new, at once if it already has.
func (r *Replay) OnFresh(f func()) {
	r.mu.Lock()
	if !r.isFresh() {
		r.onFresh = append(r.onFresh, f)
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	f()
}

// BeginFresh records that something new begins.
func (r *Replay) BeginFresh() {
	r.mu.Lock()
	waiting := r.onFresh
	r.fresh, r.onFresh = true, nil
	r.mu.Unlock()
	for _, f := range waiting {
		f()
	}
}

// has reports whether a step has a memoized result. It indexes the results, for tests, which
// ask for each step of a call.
func (r *Replay) has(id ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil {
		r.keys = map[string]struct{}{}
		gjson.ParseBytes(r.steps).ForEach(func(key, _ gjson.Result) bool {
			r.keys[key.Str] = struct{}{}
			return true
		})
	}
	_, memoized := r.keys[id.Key()]
	return memoized
}

// endFresh records that a branch has ended. What follows in a targeted call is not new.
func (r *Replay) endFresh() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.targeted {
		r.fresh = false
	}
}

// isFresh counts the memoized results when first called: most calls never need the count.
func (r *Replay) isFresh() bool {
	if r.fresh || r.targeted {
		return r.fresh
	}
	r.count()
	r.fresh = r.claims >= r.memoized
	return r.fresh
}

// count counts the memoized results, once.
func (r *Replay) count() {
	if r.counted {
		return
	}
	r.counted = true
	gjson.ParseBytes(r.steps).ForEach(func(gjson.Result, gjson.Result) bool {
		r.memoized++
		return true
	})
}

// claimed records that the function has received a memoized result.
func (r *Replay) claimed() {
	r.mu.Lock()
	r.claims++
	fresh := len(r.onFresh) > 0 && r.isFresh()
	r.mu.Unlock()
	if fresh {
		r.BeginFresh()
	}
}

// claimedSoFar returns how many memoized results the function has received.
func (r *Replay) claimedSoFar() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.claims
}

// unclaimed returns how many memoized results the function has not received. It has to count
// all of them.
func (r *Replay) unclaimed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count()
	return r.memoized - r.claims
}
