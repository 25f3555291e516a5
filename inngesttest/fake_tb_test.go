package inngesttest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// failuresOf runs do with a testing.TB of its own, with its cleanups, and returns how it
// failed.
func failuresOf(t *testing.T, do func(tb testing.TB)) string {
	t.Helper()
	f := &fakeTB{TB: t}
	ended := make(chan struct{})
	go func() { // a goroutine that FailNow ends
		defer close(ended)
		defer f.cleanUp()
		do(f)
	}()
	<-ended
	return strings.Join(f.failures, "\n")
}

// fakeTB is a testing.TB that records failures. Everything else is that of the real one.
type fakeTB struct {
	testing.TB

	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (f *fakeTB) Helper() {}

func (f *fakeTB) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

func (f *fakeTB) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

func (f *fakeTB) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.failures) > 0
}

func (f *fakeTB) Cleanup(do func()) { f.cleanups = append(f.cleanups, do) }

func (f *fakeTB) cleanUp() {
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		f.cleanups[i]()
	}
}
