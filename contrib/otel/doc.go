// Package inngestotel traces and measures an inngestkit app with OpenTelemetry:
//
//	err := inngestotel.Install(app)
//
// Each event sent, each call of a function and each step that runs is a span. All calls
// of a run, and the runs that its events start, are one trace, regardless of which
// process serves them. The README of the module lists the names of spans, metrics and
// attributes.
//
// The package depends only on the API of OpenTelemetry. Without an SDK in the program
// it costs little and passes on the trace context it receives.
package inngestotel
