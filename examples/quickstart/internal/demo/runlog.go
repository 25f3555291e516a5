package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
)

// functionCall is what the server sends when it calls a function.
type functionCall struct {
	Event struct {
		Name string `json:"name"`
	} `json:"event"`
	// Steps has the results of the steps that are done, by the hashes of their
	// IDs; null for one that has no result.
	Steps   map[string]json.RawMessage `json:"steps"`
	Context struct {
		RunID string `json:"run_id"`
	} `json:"ctx"`
}

// opcode is what the app answers: one thing that it has done, or that the server
// is to do.
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

// runLog knows one run from its calls and answers.
type runLog struct {
	out *printer

	mu   sync.Mutex
	seen seen
	last opcode // the last answer
	done int    // how many results came with the last call
}

// seen is what was seen of a run so far.
type seen struct {
	calls    int                        // how often the function was called
	executed map[string]int             // how often the code of each step ran
	results  map[string]json.RawMessage // what the steps returned
}

func newRunLog(out *printer) *runLog {
	return &runLog{out: out, seen: seen{executed: map[string]int{}, results: map[string]json.RawMessage{}}}
}

// called says in words why the server calls, and what it hands over.
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
		why = "tries again"
	case "Sleep":
		why = "has let " + r.last.Options.Duration + " pass"
	case "WaitForEvent":
		why = "has got the event " + r.last.Options.Event
		if string(c.Steps[r.last.HashID]) == "null" {
			why = "has not got the event in " + r.last.Options.Timeout
		}
	}
	return fmt.Sprintf("%s: call %d, with %s", why, r.seen.calls, count(r.done, "result"))
}

// answered says in words what the app did in a call, a line for each thing.
func (r *runLog) answered(status int, body []byte) []string {
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
		return fmt.Sprintf("comes to %s: call me in %s", name, op.Options.Duration)
	case "WaitForEvent":
		return fmt.Sprintf("comes to %s: call me when %s comes", name, op.Options.Event)
	default:
		return fmt.Sprintf("comes to %s: %s", name, op.Op)
	}
}

// soFar returns what was seen of the run.
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
