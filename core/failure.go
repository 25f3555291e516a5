package inngestkit

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// failedEvent is what the server sends when a run has failed for good.
const failedEvent = "inngest/function.failed"

// finishedEvent is what the server sends when a run has ended.
const finishedEvent = "inngest/function.finished"

// failureSuffix makes the ID of a function's failure handler, as in Inngest's SDK
// for TypeScript.
const failureSuffix = "-failure"

// FailedRun is the data of the event that an [OnFailure] handler gets: the run
// that failed, whose own event has data of type T.
type FailedRun[T any] struct {
	// FunctionID is the ID of the function, with the ID of its app before it.
	FunctionID string `json:"function_id"`
	RunID      string `json:"run_id"`
	// Error is the error of the last attempt. Newer servers leave it empty for a run that
	// was cancelled.
	Error RunError `json:"error"`
	// Event is what triggered the run, the first of Events.
	Event  Event[T]   `json:"event"`
	Events []Event[T] `json:"events"`
}

// eventData is the type of the data of the run's events.
func (FailedRun[T]) eventData() reflect.Type { return reflect.TypeFor[T]() }

// RunError is the error a run failed with.
type RunError struct {
	Name    string `json:"name"`
	Message string `json:"message"`
	// Stack is given by SDKs of other languages. This one keeps stacks in the log.
	Stack string `json:"stack,omitempty"`
}

// Error implements error.
func (e RunError) Error() string { return e.Message }

// OnFailure runs handler when a run of the function has failed and its retries are
// spent; not when it was cancelled, as flow.StartTimeout and flow.FinishTimeout do, too.
// What is to happen then is a function of its own, on the server's event for the ID of
// the function with that of its app before it:
//
//	cancelled := inngestkit.DefineEvent[inngestkit.FailedRun[Order]]("inngest/function.cancelled")
//	inngestkit.OnEvent("order-cancelled", cancelled.If(`event.data.function_id == "shop-order"`), …)
//
// The handler is a function of its own, with the ID of the function and "-failure", and
// steps and options of its own; the function's middleware wraps it too. T is the
// type of the function's event data, any, or json.RawMessage.
func OnFailure[T, R any](
	handler func(ctx context.Context, in Input[FailedRun[T]]) (R, error), options ...Option,
) Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if !c.SetOnce("OnFailure", "a handler") {
			return
		}
		if handler == nil {
			c.Refuse("OnFailure", nil, "has no handler; give it one, or leave the option out")
			return
		}
		c.OnFailure = failure{reflect.TypeFor[T](), newTypedFunction("", inputDecoderFor[FailedRun[T]](nil), handler, options).def}
	})
}

// failure is a failure handler that does not know its function yet.
type failure struct {
	data reflect.Type // of the function's events
	def  definition
}

// failureOf makes the function that handles the failures of def, which is
// registered as id; ok is false if it has no handler.
func failureOf(def definition, id string, config *fnconfig.Config) (failed definition, ok bool) {
	f, ok := config.OnFailure.(failure)
	if !ok {
		return definition{}, false
	}
	if len(def.triggers) > 0 && !slices.ContainsFunc(def.triggers, trigger.canFail) {
		config.Refuse("OnFailure", def.triggers[0].event,
			"would never run: the server sends no event about the failure of a run that such an event has triggered")
		return definition{}, false
	}
	if f.data != def.data && f.data != reflect.TypeFor[any]() && f.data != reflect.TypeFor[json.RawMessage]() {
		config.Refuse("OnFailure", f.data.String(), "is not the type of the function's event data, which is %v", def.data)
	}
	failed = f.def
	failed.id = def.id + failureSuffix
	failed.name = firstOf(config.Options.Name, def.id) + " (failure)"
	// Not with %q: the server compares text as it is written, escapes too. Config.validate
	// and idPattern keep quotes and backslashes out.
	expression := `event.data.function_id == "` + id + `"`
	failed.triggers = []trigger{{
		event: failedEvent, expression: &expression,
		shape: eventpath.Shape{Event: failedEvent, Type: failed.data, Open: true},
	}}
	failed.middleware = config.Middleware
	return failed, true
}

// canFail reports whether the server sends an event when a run that t has triggered
// fails. It does not for those about runs (finalizeEvents in its
// pkg/execution/executor).
func (t trigger) canFail() bool { return t.event != failedEvent && t.event != finishedEvent }
