package envelope

import (
	"encoding/json"
	"fmt"
)

// runContext reads the context of a call, and finds the stack in it. It returns nil for null.
func (s *scanner) runContext() (context []byte, stack span) {
	if !s.isObject() {
		if context = s.value(); string(context) == null {
			context = nil
		}
		return context, stack
	}
	context = s.members(func(key []byte) {
		value := s.value()
		if string(key) == "stack" {
			stack = span{s.position() - len(value), s.position()}
		}
	})
	if start := s.position() - len(context); stack.end > 0 {
		stack = span{stack.start - start, stack.end - start}
	}
	return context, stack
}

// Stack returns the stack in Context, which names the steps that have run; nil if there is
// none.
func (e *Envelope) Stack() []byte { return e.Context[e.stack.start:e.stack.end] }

// withoutStack returns Context without the stack, which is as long as the run.
func (e *Envelope) withoutStack() []byte {
	if e.stack == (span{}) {
		return e.Context
	}
	short := make([]byte, 0, len(e.Context)-(e.stack.end-e.stack.start)+len("null"))
	short = append(short, e.Context[:e.stack.start]...)
	short = append(short, "null"...)
	return append(short, e.Context[e.stack.end:]...)
}

// SetStepID sets the targeted step in Context, where servers do not name it.
func (e *Envelope) SetStepID(stepID string) {
	var context map[string]json.RawMessage
	if json.Unmarshal(e.Context, &context) == nil { // Parse has decoded it before
		context["step_id"] = encode(stepID)
		e.Context, e.stack = encode(context), span{}
	}
}

func (e *Envelope) decodeContext() error {
	var context struct {
		RunID       string `json:"run_id"`
		Attempt     int    `json:"attempt"`
		MaxAttempts int    `json:"max_attempts"`
		UseAPI      bool   `json:"use_api"`
	}
	if err := json.Unmarshal(e.withoutStack(), &context); err != nil {
		return fmt.Errorf(`the body's "ctx": %w`, err)
	}
	e.RunID, e.Attempt, e.MaxAttempts = context.RunID, context.Attempt, context.MaxAttempts
	e.UseAPI = e.UseAPI || context.UseAPI
	return nil
}
