package inngesttest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/inngestkit/inngestkit/core/testhooks"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
)

// A trace is the steps that a call has reached, in order.
//
// A deterministic function takes the same way in each call, as far as it has results. With
// more results it goes further, and in parallel branches the steps that it reaches in
// addition lie between the others. Two traces of a run are therefore compared like this:
//
//   - every step of the one with fewer results is in the other, in the same order;
//   - the other has further steps only behind a step that it has passed and the first has not.
type trace struct {
	name string // for messages: "call 3", "a replay of call 3"

	mu     sync.Mutex
	visits []visit
	// cut reports whether the call ended before all branches had come to a step without a
	// result: it failed, or it was for a single step.
	cut bool
	// items has the items of each step.Map, by its ID and its number among those with this ID.
	items map[mapCall]string
}

// A mapCall identifies a call of step.Map.
type mapCall struct {
	id    string
	index int
}

// mapItems records the items of a step.Map.
func (t *trace) mapItems(id string, items any) {
	encoded, err := json.Marshal(items)
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.items == nil {
		t.items = map[mapCall]string{}
	}
	key := mapCall{id: id}
	for _, known := t.items[key]; known; _, known = t.items[key] {
		key.index++
	}
	t.items[key] = string(encoded)
}

// otherItems returns a step.Map that has other items in the call later than in the call earlier,
// "" if there is none.
func otherItems(earlier, later *trace) string {
	for key, was := range earlier.items {
		if is, both := later.items[key]; both && is != was {
			return fmt.Sprintf("step.Map %q has the items %s in %s, and had %s in %s, so steps get the results of other items",
				key.id, shortened(is), later.name, shortened(was), earlier.name)
		}
	}
	return ""
}

// newTrace returns the trace of a call, or of a repetition that prefix describes. Most calls reach
// a step more than the one before.
func newTrace(c *engine.Call, prefix string) *trace {
	return &trace{name: fmt.Sprintf("%scall %d", prefix, c.Number), visits: make([]visit, 0, c.Number)}
}

// A visit is a step that a call has reached.
type visit struct {
	id    string
	index int
	kind  string
	// memoized reports whether the call had the result of the step, and ran whether it ran
	// the step.
	memoized, ran bool
}

// enter adds a step.
func (t *trace) enter(s testhooks.Step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.visits = append(t.visits, visit{id: s.ID, index: s.Index, kind: s.Kind, memoized: s.Memoized})
}

// ran records that the callback of a step is called.
func (t *trace) ran(s testhooks.Step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := t.find(visit{id: s.ID, index: s.Index}, 0); i >= 0 {
		t.visits[i].ran = true
	}
}

// shortened returns the beginning of a text for messages.
func shortened(text string) string {
	const limit = 120
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

// find returns the position of the same step from the position from on, -1 if it is not there.
func (t *trace) find(v visit, from int) int {
	for i := from; i < len(t.visits); i++ {
		if t.visits[i].id == v.id && t.visits[i].index == v.index {
			return i
		}
	}
	return -1
}

// passed reports whether the function went on with the result of a step. With checkpoints it
// does so after running one.
func (t *trace) passed(i int) bool {
	return t.visits[i].memoized || t.visits[i].ran && i+1 < len(t.visits)
}

// after describes the place behind the first n steps.
func (t *trace) after(n int) string {
	if n == 0 {
		return "at its beginning"
	}
	return "after " + t.visits[n-1].String()
}

// String returns the step in the form of messages.
func (v visit) String() string {
	if v.index == 0 {
		return fmt.Sprintf("step %q", v.id)
	}
	return fmt.Sprintf("step %q (number %d with this ID)", v.id, v.index+1)
}

// difference returns how the way of the call later differs from that of the call earlier, ""
// if both agree. The call earlier must not be cut, and must not have more results.
func difference(earlier, later *trace) string {
	c := comparison{earlier: earlier, later: later}
	for i := range earlier.visits {
		if text, done := c.step(i); done {
			return cmp.Or(text, otherItems(earlier, later))
		}
	}
	if c.next < len(later.visits) && !c.further {
		return c.added(c.next, "")
	}
	return otherItems(earlier, later)
}

// A comparison goes along two traces.
type comparison struct {
	earlier, later *trace
	next           int // the position in later behind the steps that were found
	// further reports whether later has passed a step that earlier has not.
	further bool
}

// step looks for step i of the earlier call in the later one. It returns what is wrong, and
// whether the comparison has ended.
func (c *comparison) step(i int) (text string, done bool) {
	want := c.earlier.visits[i]
	at := c.later.find(want, c.next)
	if at < 0 {
		return c.missing(i), true
	}
	for extra := c.next; extra < at; extra++ {
		if j := c.earlier.find(c.later.visits[extra], 0); j > i {
			return c.reordered(c.later.visits[extra], want), true
		}
		if !c.further {
			return c.added(extra, " before "+want.String()), true
		}
	}
	got := c.later.visits[at]
	if got.kind != want.kind {
		return fmt.Sprintf("%s is a %s in %s and was a %s in %s", want, got.kind, c.later.name, want.kind, c.earlier.name), true
	}
	switch was, is := c.earlier.passed(i), c.later.passed(at); {
	case was && !is && !c.last(at):
		return "", true // the later call has fewer results, because some were lost
	case was && !is:
		// The call ends here, perhaps because it was for this step.
	case is && !was:
		c.further = true
	}
	c.next = at + 1
	return "", false
}

func (c *comparison) last(at int) bool { return at == len(c.later.visits)-1 }

// missing returns what is wrong if the later call did not reach step i of the earlier one.
func (c *comparison) missing(i int) string {
	want := c.earlier.visits[i]
	for _, v := range c.earlier.visits[i+1:] {
		if c.later.find(v, c.next) >= 0 {
			if c.later.cut || c.later.find(want, 0) >= 0 {
				return c.reordered(v, want)
			}
			return c.skipped(i)
		}
	}
	switch {
	case c.next < len(c.later.visits) && !c.further:
		return fmt.Sprintf("%s reached %s %s, where %s reached %s",
			c.later.name, c.later.visits[c.next], c.later.after(c.next), c.earlier.name, want)
	case c.later.cut || c.lostResult():
		return ""
	default:
		return c.skipped(i)
	}
}

// lostResult reports whether the later call ended at a step that the earlier one had passed.
func (c *comparison) lostResult() bool {
	if c.next == 0 || c.later.passed(c.next-1) {
		return false
	}
	i := c.earlier.find(c.later.visits[c.next-1], 0)
	return i >= 0 && c.earlier.passed(i)
}

func (c *comparison) skipped(i int) string {
	return fmt.Sprintf("%s did not reach %s, which %s reached %s",
		c.later.name, c.earlier.visits[i], c.earlier.name, c.earlier.after(i))
}

func (c *comparison) added(at int, where string) string {
	return fmt.Sprintf("%s reached %s%s, which %s did not reach",
		c.later.name, c.later.visits[at], cmp.Or(where, " "+c.later.after(at)), c.earlier.name)
}

func (c *comparison) reordered(first, second visit) string {
	return fmt.Sprintf("%s reached %s before %s, and %s reached it later", c.later.name, first, second, c.earlier.name)
}
