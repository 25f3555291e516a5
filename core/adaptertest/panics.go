package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// panics: a panic is an error, and neither the end of the process nor success.
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

// stepFailed: the answer says that the step failed, as Inngest is told it.
func (i *instance) stepFailed(tb testing.TB, got answer) {
	tb.Helper()
	got.refused(tb, http.StatusPartialContent)
	if !strings.Contains(got.body, `"op":"StepError"`) || !strings.Contains(got.body, "panicked") {
		tb.Fatalf("the answer is %s, want a step that has failed", got)
	}
}
