// Package parity compares the targets of package inngesttest: scenarios, the rows, and
// functions made at random run on each target, and the records of their runs must be equal.
package parity
