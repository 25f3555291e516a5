package call

import (
	"sync"

	"github.com/inngestkit/inngestkit/core/internal/envelope"
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
	envelope *envelope.Envelope
	targeted bool
	fresh    bool
	claims   int // how many results the function has received
	// handedOut returns how many results the SDK has handed out. It is nil until the SDK does.
	handedOut func() int
	onFresh   []func()
}

// Start sets the envelope with the memoized results, and whether the call is targeted.
func (r *Replay) Start(e *envelope.Envelope, targeted bool) { r.envelope, r.targeted = e, targeted }

// Results returns the memoized results of steps.
func (r *Replay) Results() envelope.Results {
	if r.envelope == nil {
		return nil
	}
	return r.envelope.Results
}

// Result returns the memoized result of a step, nil if it has none.
func (r *Replay) Result(id ID) *envelope.Result {
	if len(r.Results()) == 0 {
		return nil
	}
	key := id.key()
	return r.envelope.Results.Find(key[:])
}

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

// endFresh records that a branch has ended. What follows in a targeted call is not new.
func (r *Replay) endFresh() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.targeted {
		r.fresh = false
	}
}

func (r *Replay) isFresh() bool {
	if !r.fresh && !r.targeted {
		r.fresh = r.received() >= len(r.envelope.Results)
	}
	return r.fresh
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
	return r.received()
}

// countWith is called when the SDK begins to hand out results.
func (r *Replay) countWith(handedOut func() int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handedOut = handedOut
}

// received returns how many memoized results the function has received.
func (r *Replay) received() int {
	if r.handedOut == nil {
		return r.claims
	}
	return max(r.claims, r.handedOut())
}

// unclaimed returns how many memoized results the function has not received.
func (r *Replay) unclaimed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.envelope.Results) - r.received()
}
