package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
)

// A functionCall is the body of a call by the server.
type functionCall struct {
	Event struct {
		Name string `json:"name"`
	} `json:"event"`
	// Steps has the results of the completed steps, by the hashes of their IDs; null for
	// a step without a result.
	Steps   map[string]json.RawMessage `json:"steps"`
	Context struct {
		RunID string `json:"run_id"`
	} `json:"ctx"`
}

// An opcode in the app's response says what the app has done, or what the server should
// do.
type opcode struct {
	Op      string          `json:"op"`
	HashID  string          `json:"id"`
	Name    string          `json:"name"`
	Data    json.RawMessage `json:"data"`
	Options struct {
		Duration string `json:"duration"`
		Event    string `json:"event"`
		Timeout  string `json:"timeout"`
	} `json:"opts"`
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
}

// A runLog follows one run by its calls and responses.
type runLog struct {
	out *printer

	mu   sync.Mutex
	seen seen
	last opcode // of the last response
	done int    // number of results in the last call
}

// seen holds what was observed of a run so far.
type seen struct {
	calls    int                        // number of calls of the function
	executed map[string]int             // number of times that the code of each step ran
	results  map[string]json.RawMessage // results of the steps
}

func newRunLog(out *printer) *runLog {
	return &runLog{out: out, seen: seen{executed: map[string]int{}, results: map[string]json.RawMessage{}}}
}

// called describes why the server calls, and what it sends.
func (r *runLog) called(c functionCall) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.calls++
	r.done = len(c.Steps)
	if r.seen.calls == 1 {
		return fmt.Sprintf("starts a run for the event %s: call 1", c.Event.Name)
	}
	why := "calls again"
	switch r.last.Op {
	case "StepRun":
		why = "has stored the result"
	case "StepError":
		why = "retries"
	case "Sleep":
		why = "has waited " + r.last.Options.Duration
	case "WaitForEvent":
		why = "has received the event " + r.last.Options.Event
		if string(c.Steps[r.last.HashID]) == "null" {
			why = "has not received the event in " + r.last.Options.Timeout
		}
	}
	return fmt.Sprintf("%s: call %d, with %s", why, r.seen.calls, count(r.done, "result"))
}

// responded describes what the app did in a call, one line for each opcode.
func (r *runLog) responded(status int, body []byte) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	skips := ""
	if r.done > 0 {
		skips = "skips " + count(r.done, "step") + ", "
	}
	var ops []opcode
	switch {
	case status == http.StatusOK:
		return []string{fmt.Sprintf("%sreturns %s", skips, body)}
	case status != http.StatusPartialContent || json.Unmarshal(body, &ops) != nil:
		return []string{fmt.Sprintf("%s: %d %s", r.out.paint("bad", "fails"), status, body)}
	}
	var lines []string
	for _, op := range ops {
		r.last = op
		lines = append(lines, skips+r.describe(op))
	}
	return lines
}

func (r *runLog) describe(op opcode) string {
	name := r.out.paint("bold", op.Name)
	switch op.Op {
	case "StepRun":
		r.seen.executed[op.Name]++
		r.seen.results[op.Name] = op.Data
		return fmt.Sprintf("runs %s: %s", name, op.Data)
	case "StepError":
		r.seen.executed[op.Name]++
		return fmt.Sprintf("runs %s: %s, %s", name, r.out.paint("bad", "fails"), op.Error.Message)
	case "Sleep":
		return fmt.Sprintf("reaches %s: call me in %s", name, op.Options.Duration)
	case "WaitForEvent":
		return fmt.Sprintf("reaches %s: call me when %s arrives", name, op.Options.Event)
	default:
		return fmt.Sprintf("reaches %s: %s", name, op.Op)
	}
}

// soFar returns a copy of what was observed of the run.
func (r *runLog) soFar() seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return seen{r.seen.calls, maps.Clone(r.seen.executed), maps.Clone(r.seen.results)}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
