package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// failure is an error that ends a run at once.
type failure struct{ name, message, stack string }

// The names of errors that end a run at once (pkg/execution/state of the server).
const (
	nameOverflow      = "InngestErrFunctionOverflowed"
	nameStateOverflow = "InngestErrStateOverflowed"
	nameTooLong       = "InngestErrTimeoutTooLong"
)

// maxState is the size in bytes of the largest state of a run (DefaultMaxStateSizeLimit in
// pkg/consts of the server).
const maxState = 32 << 20

func overflow() *failure {
	return &failure{name: nameOverflow, message: fmt.Sprintf("The function run exceeded the step limit of %d steps.", maxSteps)}
}

func (f *failure) Error() string { return f.name + ": " + f.message }

// errStepFailed reports that a step has failed and has attempts left.
var errStepFailed = errors.New("the step failed")

// handle acts on the response of a call (HandleResponse in pkg/execution/executor of the
// server).
func (e *Engine) handle(f *flight) {
	it, run, o := f.it, f.it.run, f.outcome
	switch {
	case o.failed && !o.noRetry && it.attempt+1 < run.Function.MaxAttempts:
		e.callRow(f, "%s; %s", o.summary(), e.retry(it, o.retryAfter))
	case o.failed:
		e.callRow(f, "%s", o.summary())
		e.done(it)
		e.fail(run, o)
	case o.ops == nil:
		output := o.output
		if output == nil {
			output = []byte("null")
		}
		e.callRow(f, "returned %s", short(output))
		run.raw = o.output
		e.done(it)
		e.end(run, Completed, output)
	default:
		e.handleOps(f)
	}
}

// fail ends a run with the error of a call.
func (e *Engine) fail(run *Run, o *outcome) {
	run.raw, run.problem = o.output, o.standard()
	e.end(run, Failed, o.failedOutput())
}

// failEarly ends a run with an error of the server, whatever attempts are left.
func (e *Engine) failEarly(run *Run, f *failure) {
	text := serialized(standardError{Error: f.Error(), Name: f.name, Message: f.message, Stack: f.stack})
	o := &outcome{failed: true, err: f.name, output: text, isText: true}
	e.row(run, "the run fails: %s", f.message)
	e.fail(run, o)
}

// failBeforeCall is failEarly for a call that is not made (checkStepLimit in
// pkg/execution/executor/validate.go of the server). The server has only the text of the error.
func (e *Engine) failBeforeCall(run *Run, f *failure) {
	const text = "function has too many steps"
	var err string
	_ = json.Unmarshal(serialized(standardError{Error: text, Name: f.name, Message: f.message}), &err) // the engine's own JSON
	e.row(run, "the run fails: %s", f.message)
	e.fail(run, &outcome{failed: true, err: err})
}

// handleOps acts on the operations of a response.
func (e *Engine) handleOps(f *flight) {
	it, run, o := f.it, f.it.run, f.outcome
	e.done(it)
	err := e.applyOps(f)
	var early *failure
	switch {
	case run.over(), err == nil:
	case errors.As(err, &early):
		e.failEarly(run, early)
	case !o.noRetry && it.attempt+1 < run.Function.MaxAttempts:
		run.items = append(run.items, it)
		when := e.retry(it, o.retryAfter)
		if errors.Is(err, errStepFailed) {
			e.callRow(f, "%s", when)
			return
		}
		e.callRow(f, "error: %v; %s", err, when)
	default:
		e.fault(run, "the server would drop the run, which would never end: %v", err)
	}
}

// applyOps applies the operations in the server's order: all waits for events first, then
// the others in the order of the response, where the server has none.
func (e *Engine) applyOps(f *flight) error {
	run, ops := f.it.run, f.outcome.ops
	if err := e.planOps(f); err != nil {
		return err
	}
	if ops[0].Op == opNone && len(ops) == 1 {
		return e.applyNone(f)
	}
	for _, priority := range []bool{true, false} {
		var first error
		for _, op := range ops {
			if (op.Op == opWait || op.lazy()) != priority || run.over() {
				continue
			}
			if err := e.applyOp(f, op); err != nil && first == nil {
				first = err
			}
		}
		if first != nil {
			return first
		}
	}
	return nil
}

// applyNone handles a response without operations: v1.43 calls the app again, unless it has
// done so before; v1.12.1 does nothing.
func (e *Engine) applyNone(f *flight) error {
	run, last := f.it.run, ""
	if len(run.stack) > 0 {
		last = run.stack[len(run.stack)-1]
	}
	if e.cfg.Version == version.Oldest || !run.claim(last) {
		e.fault(run, "call %d of the app responded with no operation, so the server would never call it again: "+
			"the run would never end", f.call.Number)
		return nil
	}
	e.resetPlan(run, f.plan)
	e.enqueue(&item{kind: kindEdge, run: run, after: last})
	return nil
}

// applyOp applies one operation.
func (e *Engine) applyOp(f *flight, op *opcode) error {
	run := f.it.run
	switch op.Op {
	case opStep, opStepRun:
		return e.applyStep(f, op)
	case opStepError:
		return e.applyStepError(f, op)
	case opStepFailed:
		return e.applyStepFailed(f, op)
	case opStepPlanned:
		e.applyPlan(f, op)
		return nil
	case opSleep:
		return e.applySleep(f, op)
	case opGateway, opAIGateway:
		return e.applyGateway(f, op)
	case opWait, opSignal, opInvoke:
		return e.applyPause(f, op)
	case opDiscovery:
		e.discover(run, f.plan, kindEdge, op.ID, op.ID)
		return nil
	case opRunComplete:
		if e.cfg.Version == version.Oldest {
			return fmt.Errorf("unknown opcode: %s", op.Op)
		}
		data, ok := lenient(op.Data)
		if !ok {
			data = []byte("null")
		}
		run.raw = data
		e.end(run, Completed, data)
		return nil
	case opNone:
		return nil
	default:
		e.fault(run, "the app uses %s, which the test engine does not support; test it on a real server", op.Op)
		return nil
	}
}

// applyStep stores the result of a step.
func (e *Engine) applyStep(f *flight, op *opcode) error {
	run, now := f.it.run, e.clock.now()
	raw, err := op.stored()
	if err != nil {
		return err
	}
	if storedSize(raw)+run.size > maxState {
		message := fmt.Sprintf("The function run exceeded the state size limit of %d bytes.", maxState)
		return &failure{name: nameStateOverflow, message: message}
	}
	result, err := canonical(raw)
	if err != nil {
		e.dropped(f, op, err)
		return nil
	}
	s := run.reach(op, f.began)
	s.Attempts++
	if !run.save(s, result, storedSize(raw), now) {
		if e.cfg.Version == version.Oldest {
			return errors.New("duplicate response")
		}
		e.attemptRow(f, s, "has a result already, which stays")
	} else {
		e.attemptRow(f, s, "ok %s", short(result))
	}
	e.discover(run, f.plan, kindEdge, s.Key, s.Key)
	return nil
}

// dropped reports a result that the server stores, but cannot put into a call.
func (e *Engine) dropped(f *flight, op *opcode, err error) {
	e.fault(f.it.run, "the result of step %q cannot be sent to the app, so the server would drop the run: %v", op.name(), err)
}

// applyStepError handles the error of a step that may have attempts left.
func (e *Engine) applyStepError(f *flight, op *opcode) error {
	if op.Error.NoRetry || f.outcome.noRetry || f.it.attempt+1 >= f.it.run.Function.MaxAttempts {
		return e.applyStepFailed(f, op)
	}
	s := f.it.run.reach(op, f.began)
	s.Attempts++
	s.Errors = append(s.Errors, op.Error.Message)
	e.attemptRow(f, s, "error: %s", op.Error.Message)
	return errStepFailed
}

// applyStepFailed stores the error of a step that is not tried again.
func (e *Engine) applyStepFailed(f *flight, op *opcode) error {
	run := f.it.run
	if op.Error == nil {
		op.Error = &stepError{}
	}
	raw, err := op.stored()
	if err != nil {
		return err
	}
	result, err := canonical(raw)
	if err != nil {
		e.dropped(f, op, err)
		return nil
	}
	s := run.reach(op, f.began)
	s.Attempts++
	s.Errors = append(s.Errors, op.Error.Message)
	if !run.save(s, result, storedSize(raw), e.clock.now()) {
		return errors.New("duplicate response")
	}
	e.attemptRow(f, s, "failed: %s", op.Error.Message)
	e.discover(run, f.plan, kindEdgeError, s.Key, s.Key+"-failure")
	return nil
}

// applyPlan puts a call for one step into the queue.
func (e *Engine) applyPlan(f *flight, op *opcode) {
	run := f.it.run
	run.reach(op, e.clock.now())
	if !run.claim(op.ID + "-plan") {
		return
	}
	at := e.clock.now()
	if e.cfg.Version != version.Oldest {
		at = at.Add(-time.Millisecond)
	}
	e.enqueue(&item{kind: kindEdge, run: run, target: op.ID, after: f.it.after, at: at})
}

// applyPause begins to wait for an event, a signal or a function. The server ignores an
// operation that it knows.
func (e *Engine) applyPause(f *flight, op *opcode) error {
	run := f.it.run
	if !run.claim(op.ID + "-pause") {
		return nil
	}
	s := run.reach(op, e.clock.now())
	if e.answer(run, s, op) {
		return nil
	}
	begin := e.waitForEvent
	switch op.Op {
	case opSignal:
		begin = e.waitForSignal
	case opInvoke:
		begin = e.invoke
	}
	if problem := begin(run, s, op); problem != nil {
		return problem
	}
	return nil
}
