// Package conformance holds what needs all adapters side by side: tests on the
// real Inngest server, and benchmarks.
package conformance
