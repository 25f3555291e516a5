// Package faults holds the fault laboratory: it breaks processes, networks and servers on
// purpose, and tests that nothing is lost.
//
// The promise: every event that the server has accepted leads to one run, no run is
// reported as completed that is not, and no memoized step runs again unless its result
// never reached the server.
package faults
