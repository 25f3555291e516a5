// Package inflight tests runs that the bare SDK begins and inngestkit ends, and the reverse.
package inflight
