package call

import (
	"context"
	"reflect"
	"runtime"
	"testing"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/inngest/inngestgo/group"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"
)

// These tests fail when a new version of inngestgo changes how its steps leave a
// function.

func TestSDKYields(t *testing.T) {
	t.Parallel()
	require.Equal(t, "sdkrequest.ControlHijack", yieldType.String(),
		"inngestgo leaves a function by another panic: adapt captureYield")
	require.Equal(t, reflect.Struct, yieldType.Kind(), "adapt captureYield and Yield")
	require.Zero(t, yieldType.NumField(),
		"the value that inngestgo panics with has got fields: check that Yield may panic with a value captured at startup")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, step := range map[string]func(){
		"run":    func() { _, _ = sdkstep.Run(ctx, "a", func(context.Context) (any, error) { return nil, nil }) },
		"sleep":  func() { sdkstep.Sleep(ctx, "a", 0) },
		"wait":   func() { _, _ = sdkstep.WaitForEvent[any](ctx, "a", sdkstep.WaitForEventOpts{Event: "e"}) },
		"invoke": func() { _, _ = sdkstep.Invoke[any](ctx, "a", sdkstep.InvokeOpts{}) },
	} {
		require.True(t, IsYield(panicOf(step)), "inngestgo leaves %s by another panic: adapt IsYield", name)
	}
	for _, other := range []any{nil, "boom", sdkerrors.StepError{}, []int{1}} {
		require.False(t, IsYield(other))
	}
}

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// A group of the SDK recovers on a function of its own package, around each branch.
func TestSDKGroups(t *testing.T) {
	t.Parallel()
	require.NotZero(t, groupEntry)
	require.Contains(t, runtime.FuncForPC(groupEntry).Name(), "github.com/inngest/inngestgo/group.Parallel",
		"inngestgo calls the branches of group.Parallel from another function: adapt captureGroup")
	recovers := false
	results := group.Parallel(t.Context(), func(context.Context) (any, error) {
		recovers = canUnwind()
		return "done", nil
	})
	require.True(t, recovers, "adapt captureGroup")
	require.Equal(t, "done", results[0].Value)
}

// The error of a step is a value, not a pointer.
func TestSDKStepErrors(t *testing.T) {
	t.Parallel()
	changed := withData(inngestgo.StepError{Message: "no", Data: []byte("1")}, []byte("2"))
	require.Equal(t, inngestgo.StepError{Message: "no", Data: []byte("2")}, changed)
}

// A function is not in a step, so its context answers that for all contexts below it.
func TestSDKKnowsWhetherItIsInAStep(t *testing.T) {
	t.Parallel()
	require.NotNil(t, withinStep, "inngestgo asks for other keys: adapt captureWithinStep")
	require.False(t, sdkstep.IsWithinStep(&functionContext{context.WithValue(t.Context(), withinStep, true), nil, nil}))
}
