package adaptertest

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// timeout is how long the suite waits for what should happen at once. It has to be long
// enough for a busy machine.
var timeout = time.Minute

// must ends the test if err is not nil.
func must(tb testing.TB, what string, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatalf("%s: %v", what, err)
	}
}

// equal fails the test if got is not want.
func equal[T any](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if !reflect.DeepEqual(got, want) {
		tb.Fatalf("%s is %s, want %s", what, quoted(got), quoted(want))
	}
}

// await receives from a channel, and fails the test after the timeout.
func await[T any](tb testing.TB, what string, from <-chan T) T {
	tb.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(timeout):
		tb.Fatalf("%s: nothing has happened for %s", what, timeout)
		panic("unreachable")
	}
}

// maxQuoted is how much of a value a failed test shows.
const maxQuoted = 500

// quoted formats a value for a failed test.
func quoted(v any) string {
	s := fmt.Sprintf("%#v", v)
	if len(s) > maxQuoted {
		return fmt.Sprintf("%s… (%d bytes)", s[:maxQuoted], len(s))
	}
	return s
}
