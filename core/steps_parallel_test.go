package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// callStep calls the function fn for one step, as the server does for parallel steps.
func callStep(ctx context.Context, tb testing.TB, app *inngestkit.App, e envelope, stepID string) *adapter.Response {
	tb.Helper()
	return app.Do(ctx, request(http.MethodPost, "fnId=app-fn&stepId="+hashed(stepID), e.json(tb)))
}

// listed returns the kind and the step of each operation, in order.
func listed(all []map[string]any) []string {
	var list []string
	for _, op := range all {
		list = append(list, fmt.Sprint(op["op"], " ", op["name"]))
	}
	return list
}

type branch = func(ctx context.Context) error

// stepOf returns a branch with one step, which assigns its ID to got.
func stepOf(id string, got *string) branch {
	return func(ctx context.Context) (err error) {
		*got, err = step.Run(ctx, id, func(context.Context) (string, error) { return id, nil })
		return err
	}
}

func TestParallel(t *testing.T) {
	t.Parallel()
	ended := 0
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		var a, b, c string
		err := step.Parallel(ctx, stepOf("a", &a), stepOf("b", &b), func(ctx context.Context) error {
			step.Sleep(ctx, "nap", time.Minute)
			return stepOf("c", &c)(ctx)
		})
		ended++
		return a + b + c, err
	}))
	e := signUpEnvelope(user{})
	planned := ops(t, callFn(t.Context(), t, app, e))
	require.Equal(t, []string{"StepPlanned a", "StepPlanned b", "Sleep nap"}, listed(planned))
	require.Equal(t, hashed("b"), planned[1]["id"])
	require.Equal(t, map[string]any{"duration": "1m"}, planned[2]["opts"])

	for _, id := range []string{"b", "a"} {
		require.Equal(t, []string{"StepRun " + id}, listed(ops(t, callStep(t.Context(), t, app, e, id))))
		e = e.done(id, id)
	}
	require.Zero(t, ended)
	e = e.done("nap", nil)
	require.Equal(t, []string{"StepPlanned c"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	require.Equal(t, []string{"StepRun c"}, listed(ops(t, callStep(t.Context(), t, app, e, "c"))))
	require.Zero(t, ended, "the code after the steps runs in the next call")
	resp := callFn(t.Context(), t, app, e.done("c", "c"))
	require.Equal(t, `"abc"`, string(resp.Body))
	require.Equal(t, 1, ended)
}

// The call that runs the last parallel step is not the function's last call: to the middleware,
// it has yielded.
func TestParallelYieldsToTheMiddleware(t *testing.T) {
	t.Parallel()
	var returned []error
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		var a string
		return a, step.Parallel(ctx, stepOf("a", &a))
	}))
	app.Use(inngestkit.Middleware{Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
		return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
			output, err := next(ctx, call)
			returned = append(returned, err)
			return output, err
		}
	}})
	e := signUpEnvelope(user{})
	callFn(t.Context(), t, app, e)
	callStep(t.Context(), t, app, e, "a")
	callFn(t.Context(), t, app, e.done("a", "a"))
	require.Equal(t, []error{inngestkit.ErrYielded, inngestkit.ErrYielded, nil}, returned)
}

// Guard for hazard 4: an error that is not final does not reach the function.
func TestParallelStepIsRetried(t *testing.T) {
	t.Parallel()
	var seen []error
	behind := 0
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		err := step.Parallel(ctx,
			func(ctx context.Context) error {
				_, err := step.Run(ctx, "a", func(context.Context) (string, error) { return "", errors.New("not yet") })
				seen = append(seen, err)
				return err
			},
			stepOf("b", new(string)),
		)
		behind++
		return "done", err
	}))
	for attempt, want := range []string{"StepError a", "StepError a", "StepError a", "StepFailed a"} {
		e := signUpEnvelope(user{}).done("b", "b")
		e.Context["attempt"] = attempt
		op := ops(t, callStep(t.Context(), t, app, e, "a"))
		require.Equal(t, []string{want}, listed(op))
		require.Equal(t, "not yet", op[0]["error"].(map[string]any)["message"])
	}
	require.Empty(t, seen)
	require.Zero(t, behind)
}

func TestParallelStepThatFails(t *testing.T) {
	t.Parallel()
	var err error
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		var b string
		err = step.Parallel(ctx, stepOf("a", new(string)), stepOf("b", &b), stepOf("c", new(string)))
		return b, nil
	}))
	e := signUpEnvelope(user{}).done("b", "from b")
	for _, id := range []string{"a", "c"} {
		e.Steps[hashed(id)] = map[string]any{"error": map[string]any{"name": "Oops", "message": id + " failed"}}
	}
	require.Equal(t, `"from b"`, string(callFn(t.Context(), t, app, e).Body))
	require.EqualError(t, err, "a failed\nc failed")
	var failed step.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "Oops", failed.Name)
}

// Guard for hazard 5: the stack of a branch is lost when the SDK panics again. Like an error, the
// panic of a branch takes effect when the steps of the others have ended.
func TestPanicInBranch(t *testing.T) {
	t.Parallel()
	var caught []*inngestkit.PanicError
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return nil, step.Parallel(ctx, stepOf("a", new(string)), panicky, stepOf("b", new(string)))
	}))
	app.Use(inngestkit.Recover(func(_ context.Context, panicked *inngestkit.PanicError) { caught = append(caught, panicked) }))
	e := signUpEnvelope(user{})
	require.Equal(t, []string{"StepPlanned a", "StepPlanned b"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	require.Equal(t, []string{"StepRun a"}, listed(ops(t, callStep(t.Context(), t, app, e, "a"))), "the step that has run is memoized")
	require.Empty(t, caught)

	resp := callFn(t.Context(), t, app, e.done("a", "a").done("b", "b"))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Equal(t, "false", resp.Header.Get("X-Inngest-No-Retry"))
	require.Equal(t, "a branch of step.Parallel panicked: oh no", message(t, resp))
	require.NotContains(t, string(resp.Body), ".go:")
	require.Len(t, caught, 1)
	require.Contains(t, string(caught[0].Stack), ".panicky(")
	require.Contains(t, l.String(), ".panicky(")
}

func panicky(context.Context) error { panic("oh no") }

// The result of a step is memoized even if another branch panics in the same call.
func TestPanicNextToAStep(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return nil, step.Parallel(ctx, stepOf("a", new(string)), panicky)
	}))
	require.Equal(t, []string{"StepRun a"}, listed(ops(t, callStep(t.Context(), t, app, signUpEnvelope(user{}), "a"))))
}

// A step within the step that the call is for is detected.
func TestNestedInTheStepOfTheCall(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return nil, step.Parallel(ctx, func(ctx context.Context) error {
			_, err := step.Run(ctx, "a", func(ctx context.Context) (any, error) { return nil, stepOf("inner", new(string))(ctx) })
			return err
		}, stepOf("b", new(string)))
	}))
	resp := callStep(t.Context(), t, app, signUpEnvelope(user{}), "a")
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Contains(t, message(t, resp), `step "inner" was called inside the callback of another step`)
}

func TestPanicInBranchOfBranch(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return nil, step.Parallel(ctx, func(ctx context.Context) error { return step.Parallel(ctx, panicky) })
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, "a branch of step.Parallel panicked: oh no", message(t, resp))
	require.Contains(t, l.String(), ".panicky(")
}

// Guard for hazard 24: a recover in a branch must not hide that its step yielded.
func TestSwallowedUnwindingInBranch(t *testing.T) {
	t.Parallel()
	behind := false
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		err := step.Parallel(ctx, func(ctx context.Context) error {
			defer func() { _ = recover() }()
			return stepOf("a", new(string))(ctx)
		}, func(ctx context.Context) error {
			defer func() { _ = recover() }()
			done, cancel := context.WithCancel(ctx)
			cancel()
			return stepOf("b", new(string))(done)
		})
		behind = true
		return nil, err
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Contains(t, message(t, resp), `step "b" was not started`)
	require.False(t, behind)

	resp = callStep(t.Context(), t, app, signUpEnvelope(user{}), "a")
	require.Equal(t, []string{"StepRun a"}, listed(ops(t, resp)), "an error elsewhere does not lose what has run")
	require.False(t, behind)
}

func TestParallelWithoutBranches(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		if err := step.Parallel(ctx); err != nil {
			return "", err
		}
		err := step.Parallel(ctx, func(context.Context) error { return nil }, func(context.Context) error { return errors.New("no step") })
		return err.Error(), nil
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusOK, resp.Status)
	require.Equal(t, `"no step"`, string(resp.Body))
}

func TestParallelInParallel(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		var a, b, c, d, end string
		err := step.Parallel(ctx, stepOf("a", &a), func(ctx context.Context) error {
			if err := step.Parallel(ctx, stepOf("b", &b), stepOf("c", &c)); err != nil {
				return err
			}
			return stepOf("d", &d)(ctx)
		})
		if err == nil {
			err = stepOf("end", &end)(ctx)
		}
		return a + b + c + d + end, err
	}))
	e := signUpEnvelope(user{})
	require.Equal(t, []string{"StepPlanned a", "StepPlanned b", "StepPlanned c"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	for _, id := range []string{"c", "b"} {
		require.Equal(t, []string{"StepRun " + id}, listed(ops(t, callStep(t.Context(), t, app, e, id))))
		e = e.done(id, id)
	}
	require.Equal(t, []string{"StepPlanned a", "StepPlanned d"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	e = e.done("a", "a").done("d", "d")
	require.Equal(t, []string{"StepRun end"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	require.Equal(t, `"abcdend"`, string(callFn(t.Context(), t, app, e.done("end", "end")).Body))
}

// A deferred step runs when its function or its branch ends.
func TestNoStepRunsWhileAParallelStepWaits(t *testing.T) {
	t.Parallel()
	ran := false
	deferred := func(ctx context.Context, id string) {
		_, _ = step.Run(ctx, id, func(context.Context) (string, error) { ran = true; return "", nil })
	}
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		defer deferred(ctx, "deferred in the function")
		defer func() { _ = step.Parallel(ctx, stepOf("deferred in parallel", new(string))) }()
		return nil, step.Parallel(ctx, func(ctx context.Context) error {
			defer deferred(ctx, "deferred in the branch")
			return stepOf("a", new(string))(ctx)
		}, stepOf("b", new(string)))
	}))
	e := signUpEnvelope(user{})
	require.Equal(t, []string{"StepPlanned a", "StepPlanned b"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	require.Equal(t, []string{"StepRun a"}, listed(ops(t, callStep(t.Context(), t, app, e, "a"))))
	e = e.done("a", "a")
	require.Equal(t, []string{"StepPlanned deferred in the branch", "StepPlanned b"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	require.False(t, ran)
	e = e.done("b", "b").done("deferred in the branch", "")
	require.Equal(t, []string{"StepPlanned deferred in parallel"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	e = e.done("deferred in parallel", "")
	require.Equal(t, []string{"StepRun deferred in the function"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	require.True(t, ran)
}

func TestParallelOutsideAFunction(t *testing.T) {
	t.Parallel()
	var a, b string
	err := step.Parallel(t.Context(), stepOf("a", &a), stepOf("b", &b), func(context.Context) error { return errors.New("no") })
	require.EqualError(t, err, "no")
	require.Equal(t, "ab", a+b)
	require.Panics(t, func() {
		_ = step.Parallel(t.Context(), func(ctx context.Context) error { step.Sleep(ctx, "nap", time.Second); return nil })
	})
}

// A new version of the code may lack the step that the server requests.
func TestParallelStepIsMissing(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return nil, step.Parallel(ctx, stepOf("a", new(string)), stepOf("b", new(string)))
	}))
	resp := callStep(t.Context(), t, app, signUpEnvelope(user{}), "gone")
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Equal(t, "false", resp.Header.Get("X-Inngest-No-Retry"))
	require.Contains(t, message(t, resp), "no longer has the step")
}

// The server fails a run with more than 1,000 steps at once, without naming the function.
func TestTooManyParallelSteps(t *testing.T) {
	t.Parallel()
	var kept, parallel int // the numbers of sequential steps and of parallel steps after them
	naps := func(ctx context.Context, _ input) (string, error) {
		for i := range kept {
			step.Sleep(ctx, fmt.Sprint("before ", i), time.Minute)
		}
		branches := make([]branch, parallel)
		for i := range branches {
			branches[i] = func(ctx context.Context) error {
				step.Sleep(ctx, fmt.Sprint("nap ", i), time.Minute)
				return nil
			}
		}
		return "done", step.Parallel(ctx, branches...)
	}
	app, _ := newApp(t, onSignUp(naps))
	e := signUpEnvelope(user{})
	for i := range 100 {
		e = e.done(fmt.Sprint("before ", i), nil)
	}
	for _, tc := range []struct {
		kept, parallel int
		refused        bool
	}{{0, 1000, false}, {0, 1001, true}, {100, 1000, false}, {100, 1001, true}} {
		kept, parallel = tc.kept, tc.parallel
		if !tc.refused {
			require.Len(t, ops(t, callFn(t.Context(), t, app, e)), parallel)
			continue
		}
		resp := callFn(t.Context(), t, app, e)
		require.Equal(t, http.StatusBadRequest, resp.Status)
		require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
		require.Contains(t, message(t, resp), `step "nap 1000" is one too many: the function runs more than 1000 steps at the same time`)
		// An older version of the function may have planned them.
		require.Equal(t, []string{"Sleep nap 1000"}, listed(ops(t, callStep(t.Context(), t, app, e, "nap 1000"))))
	}
}
