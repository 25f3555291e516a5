package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// panics: a panic becomes an error. It neither ends the process nor looks like success.
func panics(t *testing.T, a Adapter) {
	values := map[string]func(){
		"a string":             func() { panic("oh no") },
		"an error":             func() { panic(errors.New("oh no")) },
		"a runtime error":      func() { _ = []int{}[len(a.Framework)] },
		"http.ErrAbortHandler": func() { panic(http.ErrAbortHandler) },
		"nil":                  func() { panic(nil) },
	}
	i := start(t, a, setup{
		function: func(ctx context.Context, in input) (any, error) {
			name, inStep := strings.CutPrefix(in.Event.Data.ID, "step: ")
			if !inStep {
				values[name]()
			}
			return step.Run(ctx, "step", func(context.Context) (any, error) {
				values[name]()
				return "not reached", nil
			})
		},
		middleware: []inngestkit.Middleware{{Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				if name := call.Request.Header.Get("X-Panic"); name != "" {
					values[name]()
				}
				return next(ctx, call)
			}
		}}},
	})
	for name := range values {
		i.call(t, payload{ID: name}).refused(t, http.StatusInternalServerError)
		i.stepFailed(t, i.call(t, payload{ID: "step: " + name}))
		r := i.newCall(t, payload{ID: name})
		r.Header.Set("X-Panic", name)
		i.do(t, r).refused(t, http.StatusInternalServerError)
		i.works(t)
	}
}

// stepFailed fails the test unless the response reports a failed step.
func (i *instance) stepFailed(tb testing.TB, got response) {
	tb.Helper()
	got.refused(tb, http.StatusPartialContent)
	if !strings.Contains(got.body, `"op":"StepError"`) || !strings.Contains(got.body, "panicked") {
		tb.Fatalf("the response is %s, want a step that has failed", got)
	}
}

// endedGoroutines: a function that ends its goroutine (runtime.Goexit, as FailNow of a
// test does) leaves the app without a response. The caller gets an error or the end of
// the connection, and the server keeps working.
func endedGoroutines(t *testing.T, a Adapter) {
	const ends = "ends its goroutine"
	i := start(t, a, setup{function: func(_ context.Context, in input) (any, error) {
		if in.Event.Data.ID == ends {
			runtime.Goexit()
		}
		return in.Event.Data.ID, nil
	}})
	for range 3 {
		conn := i.dial(t)
		conn.send(t, i.rawCall(payload{ID: ends}))
		got, err := conn.tryResponse(http.MethodPost)
		switch {
		case err == nil && got.status < http.StatusInternalServerError:
			t.Fatalf("the response to a function that has ended its goroutine is %s, want an error or none", got)
		case isTimeout(err):
			t.Fatal("a function has ended its goroutine, and the caller gets nothing: " +
				"respond with an error, or close the connection")
		}
		i.call(t, payload{ID: "a"}).returned(t, "a")
	}
}
