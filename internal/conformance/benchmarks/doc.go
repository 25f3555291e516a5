// Package benchmarks measures calls, beside the bare SDK mounted by hand. See docs/performance.md.
package benchmarks
