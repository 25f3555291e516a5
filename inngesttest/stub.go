package inngesttest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A Stub decides how a step ends, in place of the step's callback or of the server.
// [Engine.Step] makes one for the functions of an engine, [Step] one for [StepContext].
//
// A stub has at most one outcome: Returns, Fails, Does, TimesOut, Receives or Responds. It
// applies to every attempt at the step, unless Once or Times limits it. Of several stubs of a
// step, the first that is not used up applies; after the last, the step runs as it is.
//
// A stub that is never used fails the test, because its step may have another name by now.
type Stub struct {
	id       string
	function string // the ID of the function, "" for all
	index    int    // -1 for all steps with the ID
	limit    int    // how often it applies, 0 for always
	optional bool
	takes    time.Duration
	outcome  outcome
	place    string // where the test made it

	fail func(format string, args ...any) // reports a mistake in the stub

	mu   sync.Mutex
	used int
	// sleeps reports that a step with the ID is a sleep, which stubs do not apply to.
	sleeps bool
}

// The names of the methods that choose an outcome.
const (
	outcomeReturns  = "Returns"
	outcomeFails    = "Fails"
	outcomeDoes     = "Does"
	outcomeTimesOut = "TimesOut"
	outcomeReceives = "Receives"
	outcomeResponds = "Responds"
)

// outcome is what a stub does. kind is the name of the method that chose it.
type outcome struct {
	kind   string
	do     func(ctx context.Context, in StepInput) (any, error) // Returns, Fails, Does
	event  inngestkit.AnyEvent                                  // Receives
	status int                                                  // Responds
	body   []byte
}

// A StepInput is what a step is about to do, for [Stub.Does].
type StepInput struct {
	// ID is the ID that the function gives the step, and Index tells apart steps with equal
	// IDs, from 0.
	ID    string
	Index int
	// Kind is the name of the step's operation in the protocol, such as StepRun or
	// InvokeFunction.
	Kind string
	// Attempt is the zero-based number of the attempt.
	Attempt int
	// FunctionID and RunID identify the run, and are empty outside of one.
	FunctionID, RunID string
	// Data is what step.Invoke passes to the other function, or the body of the request of
	// step.Fetch and step.Infer.
	Data json.RawMessage
	// Request is the request of step.Fetch and step.Infer.
	Request *http.Request
	// Callback runs the callback of the step. It is nil for steps without one.
	Callback func(ctx context.Context) (any, error)
}

// Step returns a stub for the step with the ID, for [StepContext].
func Step(id string) *Stub {
	return newStub(id, callerPlace(1), nil)
}

// newStub returns a stub that the test has made at place. fail reports mistakes; nil panics.
func newStub(id, place string, fail func(format string, args ...any)) *Stub {
	if fail == nil {
		fail = func(format string, args ...any) { panic("inngesttest: " + fmt.Sprintf(format, args...)) }
	}
	return &Stub{id: id, index: -1, place: place, fail: fail}
}

// Of limits the stub to the steps of one function.
func (s *Stub) Of(function Named) *Stub {
	if function == nil {
		s.fail("%s: Of needs a function, it got nil", s)
	}
	s.function = function.ID()
	return s
}

// Index limits the stub to one of several steps with the same ID. They are counted from 0, in
// the order in which the function reaches them.
func (s *Stub) Index(i int) *Stub {
	if i < 0 {
		s.fail("%s: Index has the number %d; steps are counted from 0", s, i)
	}
	s.index = i
	return s
}

// Returns makes the step succeed with value, which goes through JSON like the value of the
// step itself. For step.WaitForSignal, it is the data of the signal.
func (s *Stub) Returns(value any) *Stub {
	if _, err := json.Marshal(value); err != nil {
		s.fail("%s: the value of Returns cannot be encoded as JSON: %v", s, err)
	}
	return s.choose(outcome{kind: outcomeReturns, do: func(context.Context, StepInput) (any, error) { return value, nil }})
}

// Fails makes the attempt at the step fail with err. As in production, the server retries the
// step, unless err is an inngestkit.NoRetry. A failed step.Invoke is not retried.
func (s *Stub) Fails(err error) *Stub {
	if err == nil {
		s.fail("%s: Fails needs an error, use Returns for success", s)
	}
	return s.choose(outcome{kind: outcomeFails, do: func(context.Context, StepInput) (any, error) { return nil, err }})
}

// Does runs f in place of the step's callback. f may call in.Callback.
func (s *Stub) Does(f func(ctx context.Context, in StepInput) (any, error)) *Stub {
	if f == nil {
		s.fail("%s: Does needs a function", s)
	}
	return s.choose(outcome{kind: outcomeDoes, do: f})
}

// TimesOut makes a wait, or an invoked function, reach its timeout. In an [Engine] that
// happens when the time has passed.
func (s *Stub) TimesOut() *Stub { return s.choose(outcome{kind: outcomeTimesOut}) }

// Receives sends event as soon as the run waits for it in step.WaitForEvent. The conditions of
// the wait apply, and other functions may react to the event, too.
func (s *Stub) Receives(event inngestkit.AnyEvent) *Stub {
	if event == nil {
		s.fail("%s: Receives needs an event", s)
	}
	return s.choose(outcome{kind: outcomeReceives, event: event})
}

// Responds answers the request of step.Fetch or step.Infer. A body of []byte or string is sent
// as it is, any other value as JSON.
func (s *Stub) Responds(status int, body any) *Stub {
	encoded, err := encodeBody(body)
	if err != nil {
		s.fail("%s: the body of Responds cannot be encoded: %v", s, err)
	}
	if status < 200 || status > 599 {
		s.fail("%s: Responds has the status %d; it must be from 200 to 599", s, status)
	}
	return s.choose(outcome{kind: outcomeResponds, status: status, body: encoded})
}

// maxTakes is how long a call may last (MaxFunctionTimeout in pkg/consts of the server).
const maxTakes = 2 * time.Hour

// Takes makes each attempt at the step take virtual time: its result reaches the server that
// much later, at most 2 h. It can be combined with an outcome. In a bubble of testing/synctest, the
// callback itself can sleep instead.
func (s *Stub) Takes(d time.Duration) *Stub {
	if d < 0 {
		s.fail("%s: Takes has the negative duration %s", s, d)
	}
	if d > maxTakes {
		s.fail("%s: Takes has %s, but the server ends a call after %s", s, d, maxTakes)
	}
	s.takes = d
	return s
}

// Once limits the stub to one attempt at the step.
func (s *Stub) Once() *Stub { return s.Times(1) }

// Times limits the stub to n attempts at the step.
func (s *Stub) Times(n int) *Stub {
	if n < 1 {
		s.fail("%s: Times has the number %d; it must be at least 1", s, n)
	}
	s.limit = n
	return s
}

// Optional allows the stub to remain unused.
func (s *Stub) Optional() *Stub {
	s.optional = true
	return s
}

// String returns the stub in a few words, for errors.
func (s *Stub) String() string {
	text := fmt.Sprintf("%s: Step(%q)", s.place, s.id)
	if s.outcome.kind != "" {
		text += "." + s.outcome.kind
	}
	return text
}

func (s *Stub) choose(o outcome) *Stub {
	if s.outcome.kind != "" {
		s.fail("%s: a stub has one outcome, and this one gets %s, too; make two stubs, the first with Once or Times", s, o.kind)
	}
	s.outcome = o
	return s
}

// encodeBody returns the body of a response.
func encodeBody(body any) ([]byte, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return body, nil
	case string:
		return []byte(body), nil
	default:
		return json.Marshal(body)
	}
}

// take uses the stub for one attempt, and reports whether it applies.
func (s *Stub) take(function, id string, index int) bool {
	if s.id != id || (s.index >= 0 && s.index != index) || (s.function != "" && s.function != function) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 && s.used == s.limit {
		return false
	}
	s.used++
	return true
}

// reachedSleep notes that a function has reached a sleep with the ID of the stub.
func (s *Stub) reachedSleep(id string) {
	if s.id != id {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sleeps = true
}

// unused returns how often the stub should have been used and was not, "" if it was used.
func (s *Stub) unused() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.optional || s.used > 0 && s.used >= s.limit:
		return ""
	case s.used == 0 && s.sleeps:
		return fmt.Sprintf("%s was not used: the step is a sleep, which cannot be stubbed; let its time pass with Advance", s)
	case s.used == 0:
		return fmt.Sprintf("%s was not used: no function reached this step. Check its ID, or allow that with Optional", s)
	default:
		return fmt.Sprintf("%s was used %d of %d times; allow that with Optional", s, s.used, s.limit)
	}
}

// fits reports whether the outcome of the stub suits a step of the kind, and otherwise what
// does.
func (s *Stub) fits(kind string) (suitable string, ok bool) {
	if s.outcome.kind == "" {
		return "", true
	}
	outcomes, known := outcomesOf[kind]
	return strings.Join(outcomes, ", "), !known || slices.Contains(outcomes, s.outcome.kind)
}

// outcomesOf has the outcomes of each kind of step.
var outcomesOf = map[string][]string{
	kindRun:    {outcomeReturns, outcomeFails, outcomeDoes},
	kindWait:   {outcomeReceives, outcomeTimesOut},
	kindSignal: {outcomeReturns, outcomeTimesOut},
	kindInvoke: {outcomeReturns, outcomeFails, outcomeDoes, outcomeTimesOut},
	kindFetch:  {outcomeResponds, outcomeFails, outcomeDoes},
	kindInfer:  {outcomeResponds, outcomeFails, outcomeDoes},
	kindSleep:  {},
}

// The kinds of steps, as core/testhooks names them.
const (
	kindRun    = "StepRun"
	kindSleep  = "Sleep"
	kindWait   = "WaitForEvent"
	kindSignal = "WaitForSignal"
	kindInvoke = "InvokeFunction"
	kindFetch  = "Gateway"
	kindInfer  = "AIGateway"
)

// stubs are the stubs of a test, in order.
type stubs struct {
	mu   sync.Mutex
	list []*Stub
}

func (s *stubs) add(stub *Stub) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, stub)
}

// take returns the stub that applies to the next attempt at a step, nil for none.
func (s *stubs) take(function, id string, index int) *Stub {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stub := range s.list {
		if stub.take(function, id, index) {
			return stub
		}
	}
	return nil
}

// reachedSleep notes that a function has reached a sleep.
func (s *stubs) reachedSleep(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stub := range s.list {
		stub.reachedSleep(id)
	}
}

// unused describes the stubs that should have been used.
func (s *stubs) unused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, stub := range s.list {
		if text := stub.unused(); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// callerPlace returns the file and line of the test that called the caller's caller.
func callerPlace(skip int) string {
	_, file, line, _ := runtime.Caller(skip + 1)
	return fmt.Sprintf("%s:%d", file[strings.LastIndexByte(file, '/')+1:], line)
}
