// Package tracing holds the tests of contrib/otel that need the SDK of OpenTelemetry,
// other instrumentation, or the Inngest server. Contrib/otel itself requires none
// of them.
package tracing
