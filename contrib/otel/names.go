package inngestotel

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
)

// ScopeName is the instrumentation scope of all spans and metrics.
const ScopeName = "github.com/inngestkit/inngestkit/contrib/otel"

// Attributes of spans that the semantic conventions of OpenTelemetry have no name
// for. Only OutcomeKey is on metrics, too. Next to them are messaging.* and
// error.type of the conventions, version 1.41.
const (
	// AppIDKey is the ID of the app.
	AppIDKey = attribute.Key("inngest.app.id")
	// FunctionIDKey is the ID of the function within its app.
	FunctionIDKey = attribute.Key("inngest.function.id")
	// RunIDKey is the ID of the run.
	RunIDKey = attribute.Key("inngest.run.id")
	// StepIDKey is the ID of the step in the function.
	StepIDKey = attribute.Key("inngest.step.id")
	// StepIndexKey is how many steps with the same ID came before, if any did.
	StepIndexKey = attribute.Key("inngest.step.index")
	// AttemptKey counts the tries of the step or the function, from 0.
	AttemptKey = attribute.Key("inngest.attempt")
	// RequestIDKey is the server's name of the call.
	RequestIDKey = attribute.Key("inngest.request.id")
	// JobIDKey is the server's name of the item in its queue.
	JobIDKey = attribute.Key("inngest.job.id")
	// EnvKey is the Inngest environment of the run.
	EnvKey = attribute.Key("inngest.env")
	// OutcomeKey is how the call or the step ended, an [inngestkit.Outcome].
	OutcomeKey = attribute.Key("inngest.outcome")
	// EventDataKey is the data of the event, or a JSON array of the data of several;
	// see [WithEventData].
	EventDataKey = attribute.Key("inngest.event.data")
	// StepOutputKey is the output of the step as JSON; see [WithStepData].
	StepOutputKey = attribute.Key("inngest.step.output")
)

// What the conventions call the operations.
const (
	opSend    = "send"
	opProcess = "process"
)

var messagingSystem = semconv.MessagingSystemKey.String("inngest")
