// Package tracing contains the tests of contrib/otel that need the SDK of OpenTelemetry,
// other instrumentation, or the Inngest server. contrib/otel itself requires none of them.
package tracing
