package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

func TestAStepRunsInsideTheHooks(t *testing.T) {
	t.Parallel()
	hooks, ran := &fakeHooks{}, []string(nil)
	end := serve(t, given{Hooks: hooks}, func(ctx context.Context) (any, error) { return run(ctx, &ran, "a") })
	require.Equal(t, []string{"StepRun a"}, end.operations(t))
	require.Contains(t, end.Body, `"data":"a"`)
	require.Equal(t, []string{"run a", "report a <nil>"}, hooks.calls)
}

func TestAMemoizedStep(t *testing.T) {
	t.Parallel()
	hooks := &fakeHooks{restore: func(data json.RawMessage) (json.RawMessage, error) {
		return json.RawMessage(strings.ReplaceAll(string(data), "sealed ", "")), nil
	}}
	var ran []string
	end := serve(t, given{Hooks: hooks, Steps: map[string]any{"a": "sealed x"}}, func(ctx context.Context) (any, error) {
		return run(ctx, &ran, "a")
	})
	require.Equal(t, `"x"`, end.Body)
	require.Empty(t, ran)
	require.Equal(t, []string{`restore a "sealed x"`}, hooks.calls)
}

func TestAMemoizedResultThatCannotBeHad(t *testing.T) {
	t.Parallel()
	noKey := errors.New("no key")
	for name, tc := range map[string]struct {
		result  any
		restore error
		want    string
	}{
		"not restored": {"x", noKey, `the memoized result of step "a" could not be restored: no key`},
		"not decoded":  {5, nil, `the memoized result of step "a" does not fit its Go type string: it is a JSON number where Go has string`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hooks := &fakeHooks{restore: func(data json.RawMessage) (json.RawMessage, error) { return data, tc.restore }}
			end := serve(t, given{Hooks: hooks, Steps: map[string]any{"a": tc.result}}, func(ctx context.Context) (any, error) {
				_, _ = run(ctx, new([]string), "a")
				return "not the output", nil
			})
			require.EqualError(t, end.Err, tc.want)
			require.True(t, end.Returned())
		})
	}
}

// The function gets what a failed step returned, restored, and its error.
func TestAMemoizedFailure(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		data      any
		restore   error
		want      string
		wantError []string
		wantCalls int
	}{
		"with a value": {"partial", nil, "partial restored", []string{"declined"}, 1},
		"without":      {nil, nil, "", []string{"declined"}, 0},
		"not decoded":  {5, nil, "", []string{"declined", "does not fit its Go type string"}, 1},
		"not restored": {"partial", errors.New("no key"), "", []string{"declined", "no key"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hooks := &fakeHooks{restore: func(data json.RawMessage) (json.RawMessage, error) {
				if s := string(data); strings.HasSuffix(s, `"`) {
					data = json.RawMessage(strings.TrimSuffix(s, `"`) + ` restored"`)
				}
				return data, tc.restore
			}}
			steps := map[string]any{"a": failure{"Step failed", "declined", tc.data}}
			serve(t, given{Hooks: hooks, Steps: steps}, func(ctx context.Context) (any, error) {
				value, err := run(ctx, new([]string), "a")
				require.Equal(t, tc.want, value)
				for _, text := range tc.wantError {
					require.ErrorContains(t, err, text)
				}
				failed, ok := errors.AsType[sdkerrors.StepError](err)
				require.True(t, ok)
				if tc.want != "" {
					require.JSONEq(t, `"`+tc.want+`"`, string(failed.Data))
				}
				if tc.restore != nil {
					require.Empty(t, failed.Data, "it could not be restored")
				}
				return nil, nil
			})
			require.Len(t, hooks.calls, tc.wantCalls)
		})
	}
}

func TestAStepFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err     error
		attempt int
		wantOp  string
	}{
		"retried":       {errors.New("no luck"), 0, "StepError a"},
		"last attempt":  {errors.New("no luck"), 3, "StepFailed a"},
		"non-retriable": {sdkerrors.NoRetryError(errors.New("no luck")), 0, "StepFailed a"},
		"the error of another step": {
			sdkerrors.StepError{Name: "Step failed", Message: "no luck"}, 0, "StepError a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hooks := &fakeHooks{}
			end := serve(t, given{Hooks: hooks, Attempt: tc.attempt}, func(ctx context.Context) (any, error) {
				_, err := call.Run(ctx, "a", func(context.Context) (string, error) { return "", tc.err })
				return "not the output", err
			})
			require.Equal(t, []string{tc.wantOp}, end.operations(t))
			require.Contains(t, end.Body, "no luck")
			require.Equal(t, []string{"run a", "report a no luck"}, hooks.calls)
			require.Contains(t, end.Log, `msg="inngest: step failed" function=fn run_id=run-1`)
			require.False(t, end.Returned())
		})
	}
}

// A step whose result could not be decoded again is not run.
func TestAStepWithoutAMemoizableResult(t *testing.T) {
	t.Parallel()
	ran := false
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		return call.Run(ctx, "a", func(context.Context) (chan int, error) { ran = true; return nil, nil })
	})
	require.Equal(t, []string{"StepFailed a"}, end.operations(t))
	require.False(t, ran)
	require.Contains(t, end.Body, `of Go type chan int, could not be kept as JSON`)
}

func TestAResultThatIsTooLarge(t *testing.T) {
	t.Parallel()
	const most = 4<<20 - len(`{"data":}`) - len(`""`)
	for size, want := range map[int]string{most: "StepRun a", most + 1: "StepFailed a"} {
		end := serve(t, given{}, func(ctx context.Context) (any, error) {
			return call.Run(ctx, "a", func(context.Context) (string, error) { return strings.Repeat("x", size), nil })
		})
		require.Equal(t, []string{want}, end.operations(t))
	}
}

func TestAWait(t *testing.T) {
	t.Parallel()
	hooks := &fakeHooks{hide: func(json.RawMessage) json.RawMessage { return json.RawMessage(`{"name":"hidden"}`) }}
	type event struct{ Name string }
	wait := func(ctx context.Context) (any, error) {
		e, err := call.Wait[event](ctx, call.Waiting{Kind: call.WaitForEvent, Name: "a", Begin: func(ctx context.Context, id call.ID) (json.RawMessage, error) {
			require.Equal(t, call.ID{Name: "a", Kind: call.WaitForEvent}, id)
			return sdkstep.WaitForEvent[json.RawMessage](ctx, "a", sdkstep.WaitForEventOpts{Event: "e", Timeout: time.Hour})
		}, Kept: whole})
		return e.Name, err
	}
	require.Equal(t, []string{"WaitForEvent a"}, serve(t, given{Hooks: hooks}, wait).operations(t))
	require.Empty(t, hooks.calls)

	end := serve(t, given{Hooks: hooks, Steps: map[string]any{"a": json.RawMessage(`{"name":"e"}`)}}, wait)
	require.Equal(t, `"hidden"`, end.Body)
	require.Equal(t, []string{`restore a {"name":"e"}`, `hide call_test.event {"name":"e"}`}, hooks.calls)
}

func TestOnlyEventsHaveHiddenFields(t *testing.T) {
	t.Parallel()
	hooks := &fakeHooks{}
	serve(t, given{Hooks: hooks, Steps: map[string]any{"a": 1, "b": 2}}, func(ctx context.Context) (any, error) {
		_, _ = call.Run(ctx, "a", func(context.Context) (int, error) { return 0, nil })
		return call.Wait[int](ctx, call.Waiting{Kind: call.WaitForSignal, Name: "b", Begin: func(_ context.Context, _ call.ID) (json.RawMessage, error) {
			return json.RawMessage("2"), nil
		}, Kept: (*call.Call).Kept})
	})
	require.Equal(t, []string{"restore a 1", "restore b 2"}, hooks.calls)
}

// A panic of user code gets the stack that it started with.
func TestAPanicInAStep(t *testing.T) {
	t.Parallel()
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		return call.Run(ctx, "a", func(context.Context) (string, error) { panic("oh no") })
	})
	var failed *panicked
	require.ErrorAs(t, end.Err, &failed)
	p, ok := failed.value.(*call.Panic)
	require.True(t, ok, "%v", failed.value)
	require.Equal(t, `step "a"`, p.Where)
	require.Equal(t, "oh no", p.Value)
	require.Contains(t, string(p.Stack), "step_test.go")
	require.True(t, strings.HasPrefix(p.String(), `step "a" panicked: oh no`))
	require.False(t, end.Yielded())
}

// An error after results that only this call has is deferred until they are sent.
func TestAnErrorIsDeferred(t *testing.T) {
	t.Parallel()
	var ran []string
	end := serve(t, given{Several: true}, func(ctx context.Context) (any, error) {
		require.False(t, call.From(ctx).HasUnsentResults())
		_, err := run(ctx, &ran, "a")
		require.NoError(t, err)
		require.True(t, call.From(ctx).HasUnsentResults())
		_, err = call.Run(ctx, "b", func(context.Context) (string, error) { return "partial", errors.New("no luck") })
		ran = append(ran, "the function")
		return nil, err
	})
	require.Equal(t, []string{"StepRun a"}, end.operations(t))
	require.Equal(t, []string{"a"}, ran)
	deferred := end.Deferred()
	require.NotNil(t, deferred)
	require.Equal(t, "b", deferred.Step.Name)
	require.EqualError(t, deferred.Err, "no luck")
	require.Equal(t, `"partial"`, string(deferred.Data))
	require.True(t, end.Yielded())
}

func TestTheFirstErrorOfACallIsNotDeferred(t *testing.T) {
	t.Parallel()
	end := serve(t, given{Several: true}, func(ctx context.Context) (any, error) {
		return call.Run(ctx, "b", func(context.Context) (string, error) { return "", errors.New("no luck") })
	})
	require.Equal(t, []string{"StepError b"}, end.operations(t))
	require.Nil(t, end.Deferred())
}

func TestStepsWithoutACall(t *testing.T) {
	t.Parallel()
	got, err := call.Run(t.Context(), "a", func(context.Context) (struct{ X, y int }, error) {
		return struct{ X, y int }{1, 2}, nil
	})
	require.NoError(t, err)
	require.Equal(t, struct{ X, y int }{X: 1}, got, "it has been JSON")

	value, err := call.Run(t.Context(), "a", func(context.Context) (string, error) { return "partial", errors.New("no luck") })
	require.Equal(t, "partial", value)
	failed, ok := errors.AsType[sdkerrors.StepError](err)
	require.True(t, ok)
	require.Equal(t, sdkerrors.StepError{Name: "Step failed", Message: "no luck", Data: json.RawMessage(`"partial"`)}, failed)

	_, err = call.Run(t.Context(), "", func(context.Context) (string, error) { return "", nil })
	require.EqualError(t, err, "a step has an empty ID: give it one that names it in the run")

	done, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = call.Run(done, "a", func(context.Context) (string, error) { return "", nil })
	require.ErrorIs(t, err, context.Canceled)

	_, err = call.Wait[any](t.Context(), call.Waiting{Kind: call.Sleep, Name: "nap", Begin: func(ctx context.Context, _ call.ID) (json.RawMessage, error) {
		sdkstep.Sleep(ctx, "nap", time.Hour)
		return nil, nil
	}, Kept: whole})
	require.ErrorIs(t, err, sdkstep.ErrNotInFunction)
	require.ErrorContains(t, err, `step "nap" was called outside a function`)
}

func TestATargetThatIsGone(t *testing.T) {
	t.Parallel()
	var ran []string
	end := serve(t, given{Target: "gone"}, func(ctx context.Context) (any, error) { return run(ctx, &ran, "a") })
	require.Empty(t, ran)
	require.NotEqual(t, http.StatusPartialContent, end.Status)
	require.False(t, end.Returned(), "the response must not complete the run")
	require.True(t, end.Yielded())
}

// number is a string whose JSON is a number, which cannot be decoded into it.
type number string

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// A result that could not be decoded fails the step in the call that has run it. An error of
// the step takes precedence.
func TestAResultThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	for want, failure := range map[string]error{
		`the memoized result of step \"a\" does not fit its Go type call_test.number`: nil,
		`"message":"no luck"`: errors.New("no luck"),
	} {
		end := serve(t, given{}, func(ctx context.Context) (any, error) {
			return call.Run(ctx, "a", func(context.Context) (number, error) { return "5", failure })
		})
		require.Contains(t, end.Body, want)
	}
}

// A step whose type cannot be decoded into ends the call before the server waits for anything.
func TestATypeThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		return call.Wait[chan int](ctx, call.Waiting{Kind: call.WaitForEvent, Name: "a", Begin: func(_ context.Context, _ call.ID) (json.RawMessage, error) {
			panic("unreachable")
		}, Kept: whole})
	})
	require.EqualError(t, end.Err, `step "a" cannot return Go type chan int: JSON has no chan`)
	require.True(t, sdkerrors.IsNoRetryError(end.Err))
}

func TestAResultThatIsNotJSON(t *testing.T) {
	t.Parallel()
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		return call.Run(ctx, "a", func(context.Context) (any, error) { return func() {}, nil })
	})
	require.Equal(t, []string{"StepFailed a"}, end.operations(t))
	require.Contains(t, end.Body, `the result of step \"a\" cannot be kept, because it is not JSON`)
}
