package inngesttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"

	"github.com/gowebpki/jcs"

	sdkerrors "github.com/inngest/inngestgo/errors"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// How step.Run ends in a StepContext.

// defaultAttempts is how many attempts a step has in a function without flow.Retries.
const defaultAttempts = 5

// failedStep is the name of the final error of step.Run.
const failedStep = "Step failed"

// runStep is the hook RunStep.
func (s *stepContext) runStep(
	ctx context.Context, st testhooks.Step, callback func(ctx context.Context) (any, error),
) (any, error) {
	record, err := s.enter(ctx, st)
	if err != nil {
		s.end(record, nil, err)
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil { // the step itself makes an error of it
			s.end(record, nil, step.Error{
				Name: failedStep, Message: fmt.Sprintf("step %q panicked: %v", st.ID, r), Data: failedData(nil),
			})
			panic(r)
		}
	}()
	value, err := s.attempts(ctx, st, record, callback)
	if err != nil {
		s.end(record, nil, step.Error{Name: failedStep, Message: err.Error(), Data: failedData(value)})
		return value, err
	}
	raw, encodeErr := json.Marshal(value)
	if encodeErr != nil {
		return value, nil // the step itself reports it
	}
	if raw, value, err = rounded(raw, value); err != nil {
		return value, err
	}
	s.end(record, raw, nil)
	return value, nil
}

// failedData returns the JSON of the value that a step returned with its error.
func failedData(value any) json.RawMessage {
	if value != nil && !reflect.ValueOf(value).IsZero() {
		if raw, err := json.Marshal(value); err == nil {
			return raw
		}
	}
	return json.RawMessage("null")
}

// attempts runs the callback, or what the answers put in its place.
func (s *stepContext) attempts(
	ctx context.Context, st testhooks.Step, record *StepRecord, callback func(ctx context.Context) (any, error),
) (value any, err error) {
	for {
		attempt := record.Attempts
		s.mu.Lock()
		record.Attempts++
		s.mu.Unlock()
		stub := s.stubs.take("", st.ID, record.Index)
		run := callback
		if stub != nil {
			if !s.suits(stub, st) {
				return nil, inngestkit.NoRetry(errUnsuited)
			}
			run = s.stubbed(stub, st, StepInput{
				ID: st.ID, Index: record.Index, Kind: st.Kind, Attempt: attempt, Callback: callback,
			})
		}
		if value, err = s.runInside(ctx, st.ID, run); err == nil {
			return value, nil
		}
		s.mu.Lock()
		record.Errors = append(record.Errors, err.Error())
		s.mu.Unlock()
		if stub == nil || stub.limit == 0 || sdkerrors.IsNoRetryError(err) || record.Attempts == defaultAttempts {
			return value, err
		}
	}
}

// runInside runs the callback of a step, in which no step may be called.
func (s *stepContext) runInside(ctx context.Context, id string, run func(ctx context.Context) (any, error)) (any, error) {
	s.setInside(id)
	defer s.setInside("")
	return run(context.WithValue(ctx, insideKey{}, id))
}

func (s *stepContext) setInside(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside = id
}

// stubbed returns what a stub puts in place of the callback.
func (s *stepContext) stubbed(stub *Stub, st testhooks.Step, in StepInput) func(ctx context.Context) (any, error) {
	if stub.outcome.do == nil {
		return in.Callback
	}
	return func(ctx context.Context) (any, error) {
		value, err := stub.outcome.do(ctx, in)
		if err != nil {
			return value, err
		}
		raw, err := json.Marshal(value)
		if err == nil {
			err = s.checkFits(stub, st, raw)
		}
		return value, err
	}
}

// suits reports an answer whose outcome the kind of its step cannot have.
func (s *stepContext) suits(stub *Stub, st testhooks.Step) bool {
	outcomes, ok := stub.fits(st.Kind)
	if !ok {
		s.tb.Errorf("inngesttest: %s does not suit the step, which is a %s; use %s", stub, st.Kind, orNone([]string{outcomes}))
	}
	return ok
}

var errUnsuited = errors.New("inngesttest: the answer of the test does not suit the step")

// checkFits fails the test if a value does not fit the type of the step's result.
func (s *stepContext) checkFits(stub *Stub, st testhooks.Step, raw json.RawMessage) error {
	if err := json.Unmarshal(raw, reflect.New(st.Output).Interface()); err != nil {
		s.tb.Errorf("inngesttest: %s: the value %s does not fit the type of step %q, %v: %v", stub, raw, st.ID, st.Output, err)
		return inngestkit.NoRetry(errUnsuited)
	}
	return nil
}

// manyDigits finds numbers that the server may round.
var manyDigits = regexp.MustCompile(`[0-9]{16}`)

// rounded returns a value with its numbers as the server keeps them. raw is its JSON.
func rounded(raw json.RawMessage, value any) (json.RawMessage, any, error) {
	if !manyDigits.Match(raw) {
		return raw, value, nil
	}
	canonical, err := jcs.Transform(raw)
	if err != nil {
		return raw, value, err
	}
	return canonical, json.RawMessage(canonical), nil
}
