package inngestotel

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
)

// ScopeName is the instrumentation scope of all spans and metrics.
const ScopeName = "github.com/inngestkit/inngestkit/contrib/otel"

// Span attributes that OpenTelemetry's semantic conventions do not define. Only
// OutcomeKey is on metrics, too. Spans and metrics also have messaging.* and error.type
// from the conventions, version 1.41.
const (
	// AppIDKey is the ID of the app.
	AppIDKey = attribute.Key("inngest.app.id")
	// FunctionIDKey is the ID of the function within its app.
	FunctionIDKey = attribute.Key("inngest.function.id")
	// RunIDKey is the ID of the run.
	RunIDKey = attribute.Key("inngest.run.id")
	// StepIDKey is the ID of the step in the function.
	StepIDKey = attribute.Key("inngest.step.id")
	// StepIndexKey is the number of earlier steps with the same ID; it is absent if
	// none.
	StepIndexKey = attribute.Key("inngest.step.index")
	// AttemptKey is the zero-based attempt number of the step or the function.
	AttemptKey = attribute.Key("inngest.attempt")
	// RequestIDKey is the server's ID of the call.
	RequestIDKey = attribute.Key("inngest.request.id")
	// JobIDKey is the server's ID of the queue item.
	JobIDKey = attribute.Key("inngest.job.id")
	// EnvKey is the Inngest environment of the run.
	EnvKey = attribute.Key("inngest.env")
	// OutcomeKey is the [inngestkit.Outcome] of the call or the step.
	OutcomeKey = attribute.Key("inngest.outcome")
	// EventDataKey is the data of the event, or a JSON array with the data of several
	// events; see [WithEventData].
	EventDataKey = attribute.Key("inngest.event.data")
	// StepOutputKey is the output of the step as JSON; see [WithStepData].
	StepOutputKey = attribute.Key("inngest.step.output")
)

// Operation names from the conventions.
const (
	opSend    = "send"
	opProcess = "process"
)

var messagingSystem = semconv.MessagingSystemKey.String("inngest")
