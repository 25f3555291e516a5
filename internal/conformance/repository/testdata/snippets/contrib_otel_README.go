package snippets

import "go.opentelemetry.io/otel/log"

var (
	provider log.LoggerProvider
	err      error
	user     struct{ UserID string }
)
