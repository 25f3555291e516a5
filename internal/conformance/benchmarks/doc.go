// Package benchmarks measures calls, and compares them with the bare SDK mounted by hand. See
// docs/performance.md.
package benchmarks
