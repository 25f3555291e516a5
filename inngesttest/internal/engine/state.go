package engine

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/gowebpki/jcs"
	"github.com/oklog/ulid/v2"
)

// state is what the server keeps of a run between its calls. end drops all but raw and
// problem.
type state struct {
	// born is the time of the run's ID, in milliseconds.
	born int64
	// first and batch are the event and the events of the run, as calls contain them.
	first, batch json.RawMessage
	// steps are all steps that the run has reached, by key.
	steps map[string]*Step
	// stack has the keys of the finished steps in the order in which they finished, and
	// stackJSON is the same as JSON, without the closing bracket.
	stack     []string
	stackJSON []byte
	// parts has the finished steps in the order of their keys.
	parts []part
	// partsLen is the length of all parts as JSON.
	partsLen int
	// size is how many bytes the server has stored: events and results of steps.
	size int
	// pending has the keys of the parallel steps that must finish before the app is called
	// for what follows.
	pending map[string]struct{}
	// jobs has what was put into the queue under a name that the server takes once.
	jobs map[string]struct{}
	// plan is how steps are planned.
	plan plan
	// items are the run's items in the queue, and those that are running.
	items []*item
	// raw is the output of the call that failed the run, and problem is the error in it, in
	// the form of the server's events.
	raw, problem json.RawMessage
	// forgotten reports that Runs does not return the run any more.
	forgotten bool
}

// plan is how the steps of a run are planned. A call has the plan that it began with.
type plan struct {
	// forced makes the app announce steps instead of running them.
	forced bool
	// protocol is the X-Inngest-Req-Version of the first response with steps, -1 before.
	protocol int
}

// part is the result of a step in the form in which calls contain it: "key":result.
type part struct {
	key  string
	json []byte
}

// unknownProtocol is the protocol of a run before the first response
// (RequestVersionUnknown in pkg/consts of the server).
const unknownProtocol = -1

// initState prepares the state of a run whose events are known.
func (r *Run) initState() {
	batch := []byte{'['}
	for i, ev := range r.Events {
		if i > 0 {
			batch = append(batch, ',')
		}
		batch = append(batch, ev.Encoded...)
	}
	batch = append(batch, ']')
	r.state = state{
		batch: batch, stackJSON: []byte{'['}, plan: plan{protocol: unknownProtocol}, size: storedSize(batch),
		steps: map[string]*Step{}, jobs: map[string]struct{}{},
	}
	if id, err := ulid.ParseStrict(r.ID); err == nil {
		r.born = id.Timestamp().UnixMilli()
	}
	if len(r.Events) > 0 {
		r.first = r.Events[0].Encoded
	}
}

// over reports whether the run has ended.
func (r *Run) over() bool { return !r.Ended.IsZero() }

// step returns the step with a key, nil if the run has not reached it.
func (r *Run) step(key string) *Step { return r.steps[key] }

// reach returns the step of an operation, which it adds if the run reaches it first.
func (r *Run) reach(op *opcode, now time.Time) *Step {
	if s := r.steps[op.ID]; s != nil {
		return s
	}
	s := &Step{Key: op.ID, ID: op.name(), Index: op.Userland.Index, Kind: op.Op, Began: now}
	switch op.Op {
	case opStep, opStepError, opStepFailed, opStepPlanned:
		s.Kind = opStepRun
	}
	r.steps[op.ID] = s
	r.Steps = append(r.Steps, s)
	return s
}

// claim reports whether a name is new. The server puts a job of the same name into its queue
// only once.
func (r *Run) claim(job string) bool {
	if _, ok := r.jobs[job]; ok {
		return false
	}
	r.jobs[job] = struct{}{}
	return true
}

// save stores the result of a step. size is its length in the server's store. It reports
// false if the step has a result already.
func (r *Run) save(s *Step, result json.RawMessage, size int, now time.Time) bool {
	at, found := slices.BinarySearchFunc(r.parts, s.Key, func(p part, key string) int {
		switch {
		case p.key < key:
			return -1
		case p.key > key:
			return 1
		}
		return 0
	})
	if found {
		return false
	}
	s.Result, s.Ended, s.Waits = result, now, ""
	key := quote(s.Key)
	piece := make([]byte, 0, len(key)+1+len(result))
	piece = append(append(append(piece, key...), ':'), result...)
	r.parts = slices.Insert(r.parts, at, part{s.Key, piece})
	r.partsLen += len(piece) + 1
	if len(r.stack) > 0 {
		r.stackJSON = append(r.stackJSON, ',')
	}
	r.stack = append(r.stack, s.Key)
	r.stackJSON = append(r.stackJSON, key...)
	r.size += size
	delete(r.pending, s.Key)
	return true
}

// position returns the position behind a step on the stack, 0 if it is not there.
func (r *Run) position(key string) int {
	if key == "" {
		return 0
	}
	// The step that leads to a call is usually the last one.
	for i, finished := range slices.Backward(r.stack) {
		if finished == key {
			return i + 1
		}
	}
	return 0
}

// canonical returns JSON in the form of RFC 8785, in which the server sends all data. It
// fails for duplicate keys and for text that is not Unicode.
func canonical(data []byte) (json.RawMessage, error) { return jcs.Transform(data) }

// quote returns a text as canonical JSON.
func quote(text string) []byte {
	plain := true
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return append(append(append(make([]byte, 0, len(text)+2), '"'), text...), '"')
	}
	raw, err := json.Marshal(text)
	if err == nil {
		raw, err = jcs.Transform(raw)
	}
	if err != nil {
		return strconv.AppendQuote(nil, text) // unreachable: Marshal replaces what is not Unicode
	}
	return raw
}

// storedSize returns the length of JSON as the server stores it: encoding/json writes <, >
// and & as six bytes.
func storedSize(data []byte) int {
	size := len(data)
	for _, c := range data {
		if c == '<' || c == '>' || c == '&' {
			size += 5
		}
	}
	return size
}
