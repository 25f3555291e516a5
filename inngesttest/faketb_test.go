package inngesttest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fakeTB is a test that may fail without failing the test that runs it.
type fakeTB struct {
	testing.TB

	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	failed   bool
	log      strings.Builder
	cleanups []func()
}

// attempt runs body as a test, with its cleanups, and returns its log and whether it failed.
func attempt(t *testing.T, body func(tb testing.TB)) (log string, failed bool) {
	t.Helper()
	tb := &fakeTB{TB: t}
	tb.ctx, tb.cancel = context.WithCancel(t.Context())
	tb.run(func() { body(tb) })
	tb.cancel()
	for _, cleanup := range slices.Backward(tb.cleanups) {
		tb.run(cleanup)
	}
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return tb.log.String(), tb.failed
}

func (tb *fakeTB) Helper()                  {}
func (tb *fakeTB) Context() context.Context { return tb.ctx }
func (tb *fakeTB) Cleanup(f func())         { tb.cleanups = append(tb.cleanups, f) }

func (tb *fakeTB) Failed() bool {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return tb.failed
}

func (tb *fakeTB) Fail() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.failed = true
}

func (tb *fakeTB) FailNow() {
	tb.Fail()
	runtime.Goexit()
}

func (tb *fakeTB) Log(args ...any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	fmt.Fprintln(&tb.log, args...)
}

func (tb *fakeTB) Logf(format string, args ...any)   { tb.Log(fmt.Sprintf(format, args...)) }
func (tb *fakeTB) Error(args ...any)                 { tb.Log(args...); tb.Fail() }
func (tb *fakeTB) Errorf(format string, args ...any) { tb.Logf(format, args...); tb.Fail() }
func (tb *fakeTB) Fatal(args ...any)                 { tb.Log(args...); tb.FailNow() }
func (tb *fakeTB) Fatalf(format string, args ...any) { tb.Logf(format, args...); tb.FailNow() }

// run calls f, which may end its goroutine.
func (tb *fakeTB) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}
