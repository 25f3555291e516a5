package call

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"sync"

	"github.com/inngest/inngest/pkg/enums"
	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/envelope"
)

// The SDK keeps what it knows of a call in a manager: the memoized results, and how many steps
// of each name it has seen. A [Call] hands out memoized results by itself, so the SDK is told
// neither, until it has to know:
//
//   - the count, when a new step has a name that the function has used before,
//   - everything, when the function calls a step of the SDK's own.

// manager is the SDK's manager of a call. Its type is internal to the SDK.
type manager struct {
	key     any // of the manager in a context
	value   reflect.Value
	counted map[string]int // how many steps of a name it has counted
	told    bool           // whether it knows everything, and hands out the memoized results
}

// managerKeys are the keys that the SDK looks for in the context of a step. They are internal
// to the SDK, so they are captured at startup.
var managerKeys = captureManagerKeys()

func captureManagerKeys() []any {
	var asked keySpy
	_, _ = sdkstep.Run(context.Context(&asked), "", func(context.Context) (int, error) { return 0, nil })
	return asked.keys
}

// setsResults is implemented by the SDK's manager.
type setsResults interface {
	SetSteps(results map[string]json.RawMessage)
}

// Fields of the SDK's manager, each with the field that is its lock.
const (
	indexesField, indexesLock = "indexes", "l"     // the index of the last step of each name
	seenField, seenLock       = "seen", "seenLock" // the keys of the results it has handed out
)

// managerIn returns the manager in ctx, nil if this version of the SDK has none that is known.
func managerIn(ctx context.Context) *manager {
	for _, key := range managerKeys {
		if value, ok := ctx.Value(key).(setsResults); ok && isKnown(reflect.TypeOf(value)) {
			return &manager{key: key, value: reflect.ValueOf(value)}
		}
	}
	return nil
}

var knownTypes sync.Map // whether a manager is known, by reflect.Type

// isKnown reports whether a manager of type t has the fields that are read.
func isKnown(t reflect.Type) bool {
	if known, ok := knownTypes.Load(t); ok {
		return known == any(true)
	}
	has := func(name string, is reflect.Type) bool {
		field, ok := t.Elem().FieldByName(name)
		return ok && field.Type == is
	}
	lock := reflect.TypeFor[*sync.RWMutex]()
	known := t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct &&
		has(indexesField, reflect.TypeFor[map[string]int]()) && has(indexesLock, lock) &&
		has(seenField, reflect.TypeFor[map[string]struct{}]()) && has(seenLock, lock)
	knownTypes.Store(t, known)
	return known
}

// read calls f with a field while its lock is held: steps of the SDK on other goroutines must
// not end the process, whatever they do to the call.
func (m *manager) read(field, lock string, f func(field reflect.Value)) {
	fields := m.value.Elem()
	mu := (*sync.RWMutex)(fields.FieldByName(lock).UnsafePointer())
	mu.RLock()
	defer mu.RUnlock()
	f(fields.FieldByName(field))
}

// reached returns how many steps of a name the function has reached.
func (m *manager) reached(name string) (n int) {
	m.read(indexesField, indexesLock, func(indexes reflect.Value) {
		if last := indexes.MapIndex(reflect.ValueOf(name)); last.IsValid() {
			n = int(last.Int()) + 1
		}
	})
	return n
}

// handedOut returns how many memoized results the function has received.
func (m *manager) handedOut() (n int) {
	m.read(seenField, seenLock, func(seen reflect.Value) { n = seen.Len() })
	return n
}

// operations returns the response to the call as it is now.
func (m *manager) operations() []Operation {
	ops := m.value.MethodByName("Ops").Call(nil)[0]
	all := make([]Operation, ops.Len())
	for i := range all {
		op := ops.Index(i)
		code, _ := reflect.TypeAssert[enums.Opcode](op.FieldByName("Op"))
		all[i] = Operation{op.FieldByName("ID").String(), code, op.Interface()}
	}
	return all
}

// An Operation is what became of a step in a call.
type Operation struct {
	Key string
	Op  enums.Opcode
	// JSON encodes as the operation does in a response.
	JSON any
}

// countTo makes the manager count steps of a name, until it has counted n.
func (m *manager) countTo(n int, name string) {
	if m.counted == nil { // calls without a new step do not need it
		m.counted = map[string]int{}
	}
	for ; m.counted[name] < n; m.counted[name]++ {
		m.value.MethodByName("NewOp").Call([]reflect.Value{reflect.ValueOf(enums.OpcodeStepRun), reflect.ValueOf(name)})
	}
}

// claim makes the manager remember that the function has received the result of a step.
func (m *manager) claim(ctx context.Context, id ID) {
	claim := m.value.MethodByName("Step")
	step := reflect.New(claim.Type().In(1)).Elem()
	step.FieldByName("ID").SetString(id.Name)
	step.FieldByName("Pos").SetUint(uint64(id.Index)) //nolint:gosec // it is not negative
	claim.Call([]reflect.Value{reflect.ValueOf(ctx), step})
}

// restore gives the manager what was left out of the body of the call.
func (m *manager) restore(e *envelope.Envelope) {
	var results map[string]json.RawMessage
	_ = json.Unmarshal(e.SDKSteps(), &results) // they have been parsed
	m.value.Interface().(setsResults).SetSteps(results)
	callContext := m.value.MethodByName("Request").Call(nil)[0].Elem().FieldByName("CallCtx")
	_ = json.Unmarshal(e.Stack(), callContext.FieldByName("Stack").Addr().Interface())
}

var errNoManager = errors.New("inngestkit does not know this version of inngestgo: require the version of docs/servers.md, " +
	"or a newer inngestkit")

// findManager finds the SDK's manager of the call, in the context that the SDK passes on.
func (c *Call) findManager(sdk context.Context) error {
	c.manager = managerIn(sdk)
	switch {
	case c.manager == nil && !c.SDKReplays: // otherwise its steps are the SDK's own
		return errNoManager
	case c.manager != nil && c.SDKReplays:
		c.told(c.manager)
	}
	return nil
}

// hiddenKey returns the key of a manager that does not know everything, otherwise nil.
func (m *manager) hiddenKey() any {
	if m == nil || m.told {
		return nil
	}
	return m.key
}

// toSDK returns the context with which the SDK runs the new step id.
func (c *Call) toSDK(ctx context.Context, id ID) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.manager == nil || c.manager.told {
		return ctx
	}
	c.manager.countTo(id.Index, id.Name)
	c.manager.counted[id.Name]++ // the SDK counts it itself
	return &showingContext{ctx, c.manager}
}

// tellSDK tells the SDK what it does not know, once. From then on it hands out the memoized
// results.
func (c *Call) tellSDK() {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.manager
	if m.told {
		return
	}
	m.restore(c.Replay.envelope)
	for name, n := range c.names.counts {
		m.countTo(n, name)
		for i := range n {
			if id := (ID{Name: name, Index: i}); c.Replay.Result(id) != nil {
				m.claim(c.sdk, id)
			}
		}
	}
	c.told(m)
}

// told records that the SDK knows everything.
func (c *Call) told(m *manager) {
	m.told = true
	c.Replay.countWith(m.handedOut)
}

// toldManager returns the manager if it knows everything, otherwise nil.
func (c *Call) toldManager() *manager {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.manager == nil || !c.manager.told {
		return nil
	}
	return c.manager
}

// kept returns the memoized result of a step, nil if it has none or if the SDK hands them out.
func (c *Call) kept(id ID) *envelope.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.manager == nil || c.manager.told {
		return nil
	}
	return c.Replay.Result(id)
}
