package inngestkit

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
)

// failedEvent is the event that the server sends when a run has failed for good.
const failedEvent = "inngest/function.failed"

// finishedEvent is the event that the server sends when a run has ended.
const finishedEvent = "inngest/function.finished"

// failureSuffix makes the ID of a function's failure handler, as in Inngest's SDK
// for TypeScript.
const failureSuffix = "-failure"

// FailedRun is the event data of an [OnFailure] handler: the run that failed, whose own
// event has data of type T.
type FailedRun[T any] struct {
	// FunctionID is the ID of the app and that of the function: "shop-order".
	FunctionID string `json:"function_id"`
	RunID      string `json:"run_id"`
	// Error is the error of the last attempt. Newer servers leave it empty for a cancelled
	// run.
	Error RunError `json:"error"`
	// Event is the event that triggered the run, the first of Events.
	Event  Event[T]   `json:"event"`
	Events []Event[T] `json:"events"`
}

// eventData returns the type of the data of the run's events.
func (FailedRun[T]) eventData() reflect.Type { return reflect.TypeFor[T]() }

// RunError is the error that a run failed with.
type RunError struct {
	Name    string `json:"name"`
	Message string `json:"message"`
	// Stack comes from SDKs of other languages. This one only logs stacks.
	Stack string `json:"stack,omitempty"`
}

// Error returns the message.
func (e RunError) Error() string { return e.Message }

// OnFailure runs handler when a run of the function has failed and has no retries left.
// It does not run when the run is cancelled, which includes flow.StartTimeout and
// flow.FinishTimeout. Handle that in a function of its own, on the server's event:
//
//	cancelled := inngestkit.DefineEvent[inngestkit.FailedRun[Order]]("inngest/function.cancelled")
//	inngestkit.OnEvent("order-cancelled", cancelled.If(`event.data.function_id == "shop-order"`), …)
//
// The handler is a separate function, whose ID is that of the function with "-failure"
// appended. It has its own steps and options; the function's middleware also wraps it. T is the
// type of the function's event data, any, or json.RawMessage.
func OnFailure[T, R any](
	handler func(ctx context.Context, in Input[FailedRun[T]]) (R, error), options ...Option,
) Option {
	return optionFunc(func(c *functionOptions) {
		if !c.SetOnce("OnFailure", "a handler") {
			return
		}
		if handler == nil {
			c.Refuse("OnFailure", nil, "has no handler; give it one, or leave the option out")
			return
		}
		function := newTypedFunction("", inputDecoderFor[FailedRun[T]](nil), handler, options)
		c.onFailure = &failure{reflect.TypeFor[T](), function.def}
	})
}

// failure is a failure handler before its function is known.
type failure struct {
	data reflect.Type // of the function's events
	def  definition
}

// failureOf returns the function that handles the failures of def, which is registered as
// id; ok is false if def has no failure handler.
func failureOf(def definition, id string, options *functionOptions) (failed definition, ok bool) {
	f := options.onFailure
	if f == nil {
		return definition{}, false
	}
	if len(def.triggers) > 0 && !slices.ContainsFunc(def.triggers, trigger.canFail) {
		options.Refuse("OnFailure", def.triggers[0].event,
			"would never run: the server sends no event when a run fails that was triggered by such an event")
		return definition{}, false
	}
	if f.data != def.data && f.data != reflect.TypeFor[any]() && f.data != reflect.TypeFor[json.RawMessage]() {
		options.Refuse("OnFailure", f.data.String(), "is not the type of the function's event data, which is %v", def.data)
	}
	failed = f.def
	failed.id = def.id + failureSuffix
	failed.name = firstOf(options.Options.Name, def.id) + " (failure)"
	// Without %q, since the server does not resolve escapes. Config.validate and idPattern
	// keep quotes and backslashes out.
	expression := `event.data.function_id == "` + id + `"`
	failed.triggers = []trigger{{
		event: failedEvent, expression: &expression,
		shape: eventpath.Shape{Event: failedEvent, Type: failed.data, Open: true},
	}}
	failed.middleware = options.middleware
	return failed, true
}

// canFail reports whether the server sends an event when a run triggered by t fails. It
// sends none if t is itself an event about a run (finalizeEvents in its
// pkg/execution/executor).
func (t trigger) canFail() bool { return t.event != failedEvent && t.event != finishedEvent }
