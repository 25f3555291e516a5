package call

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/inngest/inngestgo/pkg/interval"
)

// Checkpoints sends the results of a call's steps to the server while the function runs on.
// The SDK records them too, for its response, but sends none itself.
//
//	open ───► failed     the server has not taken results; they go into the response
//	  │          │
//	  └──────────┴──► ended    the function has ended; nothing is sent any more
type Checkpoints struct {
	// Send sends results to the server.
	Send func(results []json.RawMessage) error
	// Off is set if the server takes no checkpoints: nothing is sent, and the first result
	// ends the call.
	Off bool
	// Batch is how many results are sent at a time, fewer if they are large. 0 means 1.
	Batch int
	// Interval is how long a result may wait for others. 0 means without limit.
	Interval time.Duration

	mu     sync.Mutex // held while results are sent, to keep their order
	unsent []json.RawMessage
	size   int             // of all of unsent, in bytes
	known  map[string]bool // the keys of all steps that were added
	timer  *time.Timer
	failed bool
	ended  bool
}

// maxUnsent is the size, in bytes, at which results are sent. If the server refuses them,
// they still fit into a response together with one more result of up to 4 MiB.
const maxUnsent = 3 << 20

// stepResult is a step that has run, in the form of docs/SDK_SPEC.md, 5.3.1.
type stepResult struct {
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

// Flush sends all unsent results.
func (p *Checkpoints) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.send(0)
}

// Unsent reports whether the server lacks results.
func (p *Checkpoints) Unsent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.unsent) > 0
}

// Knows reports whether the result of the step with this key was added.
func (p *Checkpoints) Knows(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[key]
}

// End sends the unsent results and more, which were not added before, except the last keep
// ones. It returns those that the response must have. Nothing is sent after that.
func (p *Checkpoints) End(more []json.RawMessage, keep int) []json.RawMessage {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unsent = append(p.unsent, more...)
	p.send(keep)
	p.ended = true
	return p.unsent
}

// Close stops sending. It is for a call that ends without a response.
func (p *Checkpoints) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.send(0) // stops the timer
}

// add records the result of a step that has run, and sends it if it is due. It reports
// whether the call may go on. It may not once the server has not taken a result: then the
// response must have the results before there are more.
func (p *Checkpoints) add(id ID, data json.RawMessage, timing interval.Interval) bool {
	r := stepResult{Op: StepRun, ID: id.Key(), Name: id.Name, Data: data, Timing: timing}
	r.Userland.ID, r.Userland.Index = id.Name, id.Index
	encoded, err := json.Marshal(r)
	if err != nil {
		panic(err) // data was encoded before
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[string]bool{}
	}
	p.known[r.ID] = true
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

// send sends all results except the last keep ones. After a failure the call is about to
// end, and nothing more is sent.
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
	p.unsent = slices.Clone(p.unsent[n:]) // frees what was sent
	p.size = 0
	for _, result := range p.unsent {
		p.size += len(result)
	}
}
