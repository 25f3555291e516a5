package call

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/inngest/inngestgo/pkg/interval"
)

// Checkpoints sends the results of a call's steps to the server while the function
// goes on. The SDK records them too, for its answer, but sends none by itself.
type Checkpoints struct {
	// Send sends results to the server.
	Send func(results []json.RawMessage) error
	// Off says that the server takes none: nothing is sent, and the first result ends
	// the call.
	Off bool
	// Batch is how many results are sent at a time, or fewer if they are large; 0 is 1.
	Batch int
	// Interval is how long a result may wait for others; 0 is for as long as it takes.
	Interval time.Duration

	mu     sync.Mutex // held while results are sent, so that they go out in order
	unsent []json.RawMessage
	size   int             // of all of unsent, in bytes
	own    map[string]bool // the keys of all steps that have come by here
	timer  *time.Timer
	failed bool
	ended  bool
}

// maxUnsent is the size from which on results are sent, in bytes. With one more, of 4
// MiB at most, they still fit into an answer if the server does not take them.
const maxUnsent = 3 << 20

// result is a step that has run, as docs/SDK_SPEC.md, 5.3.1, has it.
type result struct {
	Op       Kind              `json:"op"`
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Data     json.RawMessage   `json:"data"`
	Timing   interval.Interval `json:"timing"`
	Userland struct {
		ID    string `json:"id"`
		Index int    `json:"index,omitempty"`
	} `json:"userland"`
}

// Flush sends what is unsent.
func (p *Checkpoints) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.send(0)
}

// Unsent reports whether the server does not have all results yet.
func (p *Checkpoints) Unsent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.unsent) > 0
}

// Own reports whether the step with this key has come by here.
func (p *Checkpoints) Own(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.own[key]
}

// End sends what is unsent, and results that have not come by here; all but the last
// ones, as many as keep says. It returns those that are to be in the answer. Nothing
// is sent any more after that.
func (p *Checkpoints) End(more []json.RawMessage, keep int) []json.RawMessage {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unsent = append(p.unsent, more...)
	p.send(keep)
	p.ended = true
	return p.unsent
}

// Close stops sending, also for a call that ends without an answer.
func (p *Checkpoints) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.send(0) // stops the timer
}

// add takes note of the result of a step that has run, and sends it if it is time. It
// reports whether the call may go on: not if the server has not taken a result. Then
// the results are to be in the answer, before there are more.
func (p *Checkpoints) add(id ID, data json.RawMessage, timing interval.Interval) bool {
	r := result{Op: StepRun, ID: id.Key(), Name: id.Name, Data: data, Timing: timing}
	r.Userland.ID, r.Userland.Index = id.Name, id.Index
	encoded, err := json.Marshal(r)
	if err != nil {
		panic(err) // data was encoded before
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.own == nil {
		p.own = map[string]bool{}
	}
	p.own[r.ID] = true
	p.unsent = append(p.unsent, encoded)
	p.size += len(encoded)
	switch {
	case p.Off:
		p.failed = true
	case len(p.unsent) >= p.Batch || p.size >= maxUnsent:
		p.send(0)
	case p.Interval > 0 && p.timer == nil:
		p.timer = time.AfterFunc(p.Interval, p.Flush)
	}
	return !p.failed
}

// send sends all results but the last ones, as many as keep says. After a failure the
// call is about to end, and nothing more is sent.
func (p *Checkpoints) send(keep int) {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	n := len(p.unsent) - keep
	if n <= 0 || p.Off || p.failed || p.ended {
		return
	}
	if err := p.Send(p.unsent[:n]); err != nil {
		p.failed = true
		return
	}
	p.unsent = slices.Clone(p.unsent[n:]) // what is sent need not stay in memory
	p.size = 0
	for _, result := range p.unsent {
		p.size += len(result)
	}
}
