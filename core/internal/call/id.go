package call

import (
	"crypto/sha1" //nolint:gosec // see ID.Key
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/testhooks"
)

// An ID identifies a step in a run.
type ID struct {
	Name string
	// Kind is what the step does.
	Kind Kind
	// Index is how many steps with the same name precede this one in the function.
	Index int
}

// Kind is what a step does, by the name of its operation in the protocol.
type Kind string

// The kinds of steps; docs/SDK_SPEC.md, 5.3.
const (
	StepRun        Kind = "StepRun"
	Sleep          Kind = "Sleep"
	WaitForEvent   Kind = "WaitForEvent"
	WaitForSignal  Kind = "WaitForSignal"
	InvokeFunction Kind = "InvokeFunction"
	Gateway        Kind = "Gateway"
	AIGateway      Kind = "AIGateway"
)

// Key returns the step's name in the protocol, which is also its key among the memoized
// results.
func (id ID) Key() string {
	key := id.key()
	return string(key[:])
}

func (id ID) key() (key [2 * sha1.Size]byte) {
	sum := sha1.Sum([]byte(id.text())) //nolint:gosec // the protocol's choice; docs/SDK_SPEC.md, 5.1.2
	hex.Encode(key[:], sum[:])
	return key
}

// forTest returns the step as hooks of a test see it. output is the type of its result.
func (id ID) forTest(output reflect.Type) testhooks.Step {
	return testhooks.Step{ID: id.Name, Index: id.Index, Kind: string(id.Kind), Output: output}
}

// text returns the text that the key is the hash of: the name, followed by the index for the
// second and later steps with this name.
func (id ID) text() string {
	if id.Index == 0 {
		return id.Name
	}
	return id.Name + ":" + strconv.Itoa(id.Index)
}

var errNoID = sdkerrors.NoRetryError(errors.New("a step has an empty ID: give it one that names it in the run"))

// names counts the steps of a call by name.
type names struct {
	counts   map[string]int // how many steps of a name the function has reached
	numbered bool           // whether a step has a name in the form of a counted one: "poll:1"
	total    int            // how many steps the function has reached
	// deepest is the greatest depth at which a branch had a step of a name.
	deepest map[string]int
}

// count counts the next step of the branch b, as the SDK does, and sets its index. It refuses
// a step that the server would confuse with another one.
func (c *Call) count(b *branch, id *ID) error {
	reached := 0
	if m := c.toldManager(); m != nil {
		reached = m.reached(id.Name) // steps of the SDK's own are among them
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.names.checkOrder(b, id.Name); err != nil {
		return err
	}
	if err := c.checkTotal(id.Name); err != nil {
		return err
	}
	id.Index = max(c.names.counts[id.Name], reached)
	if err := c.names.checkKey(*id); err != nil {
		return err
	}
	b.depth++
	if c.names.counts == nil {
		c.names.counts = make(map[string]int, len(c.Replay.Results()))
	}
	c.names.counts[id.Name] = id.Index + 1
	return nil
}

// maxNewSteps is how many new steps a response can hand over to the server before the
// server fails the run (HandleGeneratorResponse in its pkg/execution/executor):
// DefaultMaxStepLimit in its pkg/consts.
const maxNewSteps = 1000

// checkTotal counts a step, and refuses it if the server could not take it together with
// the other steps of the call: parallel steps are handed over together.
func (c *Call) checkTotal(name string) error {
	c.names.total++
	total := c.names.total
	if total <= maxNewSteps || c.Replay.targeted || total-int(c.steps.ran.Load())-c.Replay.claimedSoFar() <= maxNewSteps {
		return nil
	}
	return sdkerrors.NoRetryError(fmt.Errorf(
		"step %q is one too many: the function runs more than %d steps at the same time, the limit for all steps of a run; "+
			"move some to other runs, with step.Invoke or events", name, maxNewSteps))
}

// checkOrder refuses steps with the same name in several branches where the server would
// confuse them. Such steps are counted in the order in which the function reaches them. Once
// all are memoized, that is the order of the branches. In earlier calls, a late step of the
// first branch is reached after an early step of the second.
func (n *names) checkOrder(b *branch, name string) error {
	if b.outer == nil {
		return nil
	}
	if b.depth < n.deepest[name] {
		return sdkerrors.NoRetryError(fmt.Errorf(
			"step %q is in several branches of step.Parallel, at different positions, and the server would confuse "+
				"them: give it a different ID in each branch", name))
	}
	if n.deepest == nil {
		n.deepest = map[string]int{}
	}
	n.deepest[name] = b.depth
	return nil
}

// checkKey refuses a step that has the same key as another one, whose result it would get:
// the second "poll" and the first "poll:1". It finds the collision regardless of which of
// the two the function reaches first.
func (n *names) checkKey(id ID) error {
	if id.Index > 0 {
		if !n.numbered || n.counts[id.text()] == 0 {
			return nil
		}
		return sameKey(id)
	}
	name, index, ok := splitNumber(id.Name)
	if !ok {
		return nil
	}
	n.numbered = true
	if n.counts[name] <= index {
		return nil
	}
	return sameKey(ID{Name: name, Index: index})
}

// sameKey returns the error for a counted step and a step whose name is the same as the
// text of the former.
func sameKey(counted ID) error {
	return sdkerrors.NoRetryError(fmt.Errorf(
		"step %q has the ID that Inngest gives to step number %d of those with the ID %q, "+
			"so one would get the result of the other: give one of them another ID",
		counted.text(), counted.Index+1, counted.Name))
}

// splitNumber splits a name in the form of a counted one: "poll:1".
func splitNumber(text string) (name string, index int, ok bool) {
	if last := text[len(text)-1]; last < '0' || last > '9' {
		return "", 0, false
	}
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return "", 0, false
	}
	index, err := strconv.Atoi(text[colon+1:])
	// Keys only have numbers in this form: neither "+1" nor "01".
	ok = err == nil && index > 0 && strconv.Itoa(index) == text[colon+1:]
	return text[:colon], index, ok
}
