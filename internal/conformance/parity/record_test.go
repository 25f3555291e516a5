package parity

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A record is what the app has seen of a run.
type record struct {
	mu       sync.Mutex
	function string
	events   []string
	steps    map[stepKey]*stepRecord
	// order has the steps in the order of the function, as the last call reached them.
	order    []stepKey
	ends     []string // of calls that did not hand over to the server
	internal []string // what the server sends at the end
}

// A stepKey identifies a step of a run. The zero value stands for what happens outside steps.
type stepKey struct {
	kind, id string
	index    int
}

func (k stepKey) String() string {
	text := strings.TrimSpace(k.kind + " " + k.id)
	if k.index > 0 {
		text += fmt.Sprintf(":%d", k.index)
	}
	return text
}

// A stepRecord is what the app has seen of a step.
type stepRecord struct {
	lines   []string // of its callback
	results []string // that the function got
}

func (r *record) step(key stepKey) *stepRecord {
	if r.steps[key] == nil {
		r.steps[key] = &stepRecord{}
	}
	return r.steps[key]
}

func (r *record) addToStep(key stepKey, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.step(key)
	s.lines = append(s.lines, line)
}

// setResult records a memoized result, and all others after it if it changes. The call in which
// a step runs has its result as the app has encoded it, and later ones as the server has.
func (r *record) setResult(key stepKey, result string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.step(key); len(s.results) == 0 || s.results[len(s.results)-1] != result {
		s.results = append(s.results, result)
	}
}

// yielded keeps the steps that a call has reached if no call has reached more.
func (r *record) yielded(reached []stepKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ends) == 0 && len(reached) > len(r.order) {
		r.order = reached
	}
}

// ended records the end of a call that did not hand over to the server, and keeps the steps
// that it has reached: all of the run, except those that failed for good.
func (r *record) ended(line string, reached []stepKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, line)
	r.order = reached
}

// addInternal records an internal event. The oldest server may send it twice.
func (r *record) addInternal(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.internal, line) {
		r.internal = append(r.internal, line)
	}
}

// isFailureHandler reports whether an event about another run has triggered the run. The server
// sends no events about such runs.
func (r *record) isFailureHandler() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.events, func(event string) bool {
		return strings.HasPrefix(event, internalEvents[0]) || strings.HasPrefix(event, internalEvents[1])
	})
}

// hasInternal reports whether the app has got n internal events about the run.
func (r *record) hasInternal(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.internal) >= n
}

// render writes the record, one line for each thing that has happened. Steps come in the order
// of the function, because the server leaves the order of parallel ones open.
func (r *record) render(repeatedEnds bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, e := range r.events {
		lines = append(lines, "gets "+e)
	}
	for _, key := range r.allSteps() {
		s := r.steps[key]
		name := key.String()
		for _, line := range s.lines {
			lines = append(lines, strings.TrimSpace(name+" "+line))
		}
		if len(s.results) > 0 {
			lines = append(lines, name+" = "+strings.Join(s.results, ", and then "))
		}
	}
	ends := r.ends
	if repeatedEnds {
		ends = slices.Compact(slices.Clone(ends))
	}
	for _, end := range ends {
		lines = append(lines, "function "+end)
	}
	return append(lines, slices.Sorted(slices.Values(r.internal))...)
}

// allSteps returns the steps in the order of the function, and then the others.
func (r *record) allSteps() []stepKey {
	keys := slices.DeleteFunc(slices.Clone(r.order), func(key stepKey) bool { return r.steps[key] == nil })
	var others []stepKey
	for key := range r.steps {
		if !slices.Contains(keys, key) {
			others = append(others, key)
		}
	}
	slices.SortFunc(others, func(a, b stepKey) int { return strings.Compare(a.String(), b.String()) })
	return append(keys, others...)
}

var (
	ulids = regexp.MustCompile(`\b0[0-9A-HJKMNP-TV-Z]{25}\b`)
	uuids = regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
)

// masked replaces IDs that the server makes.
func masked(text string) string {
	return uuids.ReplaceAllString(ulids.ReplaceAllString(text, "ULID"), "UUID")
}

// chance lists the fields that differ from run to run, or that contain such fields.
var chance = []string{"ts", "stack", "correlation_id", "_inngest", "user"}

// longest is how much of a value a verdict contains.
const longest = 1000

// canonical writes JSON with sorted keys, without what differs from run to run.
func canonical(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "nothing"
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return masked(strings.TrimSpace(string(raw)))
	}
	text, err := json.Marshal(withoutChance(value))
	if err != nil {
		panic(err) // it was JSON before
	}
	if len(text) > longest {
		return fmt.Sprintf("%s… of %d bytes", masked(string(text[:longest])), len(text))
	}
	return masked(string(text))
}

func withoutChance(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range chance {
			delete(v, name)
		}
		for name, field := range v {
			v[name] = withoutChance(field)
		}
	case []any:
		for i, element := range v {
			v[i] = withoutChance(element)
		}
	}
	return value
}
