package inngesttest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// StepContext returns a context with which a test can call a handler directly, without an app
// and an engine. [Input] makes the handler's input.
//
// The steps of the handler end as they would in production. Results go through JSON, and the
// error of a step is a step.Error:
//
//   - The callback of step.Run runs once. If it fails, the error is final, as if the function
//     had no retries.
//   - step.Sleep and step.SleepUntil return at once.
//   - Events and signals that the handler sends are accepted. To see them, derive the context
//     of a [Recorder] from this one.
//   - Waits, invoked functions and requests end as the answers say. Without an answer, the
//     step fails the test, and the failure names the line to add.
//
// [Step] makes the answers. They replace the callbacks of step.Run, too. An answer with Once
// or Times counts attempts: after the failure of a limited answer the step is tried again, at once
// and five times in all. An answer that is never used fails the test, unless it is
// Optional. The name of an event that an answer sends is checked, the conditions of its wait
// are not, and neither is whether an invoked function exists: [Virtual] does both.
//
// What would end the run in production fails the test, for example a wait without a timeout or
// a step inside the callback of another. [Steps] lists the steps that the handler has called, and
// a failing test logs them.
func StepContext(tb testing.TB, answers ...*Stub) context.Context {
	tb.Helper()
	s := &stepContext{tb: tb, counts: map[string]int{}, texts: map[string]stepName{}}
	for _, answer := range answers {
		if answer == nil {
			tb.Fatalf("inngesttest: StepContext: an answer is nil; make it with inngesttest.Step")
		}
		s.stubs.add(answer)
	}
	tb.Cleanup(s.finish)
	ctx := NewRecorder(tb).Context(tb.Context())
	hooks := *testhooks.From(ctx)
	hooks.RunStep, hooks.Wait, hooks.SleepUntil = s.runStep, s.wait, sleepUntil
	return context.WithValue(testhooks.NewContext(ctx, &hooks), stepContextKey{}, s)
}

// Steps returns the steps that a handler has called with a [StepContext], in order.
func Steps(ctx context.Context) []StepRecord {
	s, ok := ctx.Value(stepContextKey{}).(*stepContext)
	if !ok {
		panic("inngesttest: Steps was given a context that does not derive from StepContext; " +
			"the steps of a run are in its Steps method")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	steps := make([]StepRecord, len(s.steps))
	for i, record := range s.steps {
		steps[i] = *record
		steps[i].Errors = slices.Clone(record.Errors)
	}
	return steps
}

// Input returns the input of a handler for an event, or for a batch of events. As in
// production, the data has been JSON, and the events have an ID and a time. The event of an
// inngestkit.OnFailure handler is an inngestkit.Event[inngestkit.FailedRun[T]].
func Input[T any](tb testing.TB, event inngestkit.Event[T], batch ...inngestkit.Event[T]) inngestkit.Input[T] {
	tb.Helper()
	in := inngestkit.Input[T]{InputCtx: inngestkit.InputCtx{Env: "dev", FunctionID: testAppID, RunID: stepContextRun}}
	for i, e := range slices.Concat([]inngestkit.Event[T]{event}, batch) {
		raw, err := arrivedEvent(e, i+1)
		var arrived inngestkit.Event[T]
		if err == nil {
			err = json.Unmarshal(raw, &arrived)
		}
		if err != nil {
			tb.Fatalf("inngesttest: Input: event %d, %q: %v", i, e.Name, err)
		}
		in.Events = append(in.Events, arrived)
	}
	in.Event = in.Events[0]
	return in
}

// stepContextRun is the ID of the run outside of an engine. It has the form of a ULID.
const stepContextRun = "01J00000000000000000000000"

type stepContextKey struct{}

// insideKey marks the context of a step's callback with the ID of the step.
type insideKey struct{}

// stepContext ends the steps of a handler.
type stepContext struct {
	tb    testing.TB
	stubs stubs

	mu     sync.Mutex
	inside string         // the ID of the step whose callback runs
	counts map[string]int // how many steps have an ID
	texts  map[string]stepName
	steps  []*StepRecord
}

// A stepName is the ID of a step with its index.
type stepName struct {
	id    string
	index int
}

// text returns what the server makes the key of the step of.
func (n stepName) text() string {
	if n.index == 0 {
		return n.id
	}
	return n.id + ":" + strconv.Itoa(n.index)
}

// finish is called when the test has ended. It logs the steps of a test that has failed.
func (s *stepContext) finish() {
	s.tb.Helper()
	if !s.tb.Failed() {
		for _, text := range s.stubs.unused() {
			s.tb.Errorf("inngesttest: %s", text)
		}
	}
	if !s.tb.Failed() || len(s.steps) == 0 {
		return
	}
	var b strings.Builder
	for _, record := range s.steps {
		fmt.Fprintf(&b, "\n\t%s %s: ", record.Kind, stepName{record.ID, record.Index}.text())
		switch {
		case record.Err != nil:
			b.WriteString("error: " + cell(record.Err.Error()))
		case record.Ended:
			b.WriteString("ok " + cell(string(record.Output)))
		default:
			b.WriteString("not ended")
		}
	}
	s.tb.Logf("inngesttest: the steps that the handler has called:%s", &b)
}

// enter records a step. It returns an error if the step would end the run.
func (s *stepContext) enter(ctx context.Context, st testhooks.Step) (*StepRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := stepName{st.ID, s.counts[st.ID]}
	s.counts[st.ID]++
	record := &StepRecord{ID: name.id, Index: name.index, Kind: st.Kind}
	s.steps = append(s.steps, record)
	if outer, ok := ctx.Value(insideKey{}).(string); ok || s.inside != "" {
		if !ok {
			outer = s.inside
		}
		return record, s.refuse(fmt.Errorf("step %q was called inside the callback of step %q: call it in the function itself",
			st.ID, outer))
	}
	if other, taken := s.texts[name.text()]; taken {
		counted := name // one of both is counted
		if other.index > 0 {
			counted = other
		}
		return record, s.refuse(fmt.Errorf("step %q has the ID that Inngest gives to step number %d of those with the ID %q, "+
			"so one would get the result of the other: give one of them another ID", counted.text(), counted.index+1, counted.id))
	}
	s.texts[name.text()] = name
	return record, nil
}

// refuse fails the test because of what would end the run, and returns the error that the
// handler gets.
func (s *stepContext) refuse(err error) error {
	s.tb.Errorf("inngesttest: in production, the run fails here: %v", err)
	return inngestkit.NoRetry(err)
}

// end records how a step has ended.
func (s *stepContext) end(record *StepRecord, output json.RawMessage, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record.Ended, record.Err = true, err
	if err == nil {
		record.Output = output
	}
}

// sleepUntil is the hook SleepUntil: the step that sleeps is then recorded.
func sleepUntil(_ context.Context, _ string, until time.Time) time.Duration { return time.Until(until) }
