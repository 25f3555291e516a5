package step_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

var errSoldOut = errors.New("sold out")

type receipt struct {
	ID     string `json:"id"`
	secret string
}

// A unit test gets what the function gets in production: the result after encoding and
// decoding, and the error of a step.
func TestRunOutsideOfAFunction(t *testing.T) {
	t.Parallel()
	run := func(err error) (receipt, error) {
		return step.Run(t.Context(), "charge", func(context.Context) (receipt, error) { return receipt{"r1", "hidden"}, err })
	}
	got, err := run(nil)
	require.NoError(t, err)
	require.Equal(t, receipt{ID: "r1"}, got)

	for name, failure := range map[string]error{"plain": errSoldOut, "for good": inngestkit.NoRetry(errSoldOut)} {
		got, err = run(failure)
		require.Equal(t, receipt{ID: "r1"}, got, name)
		require.NotErrorIs(t, err, errSoldOut, name)
		failed := new(step.Error)
		require.ErrorAs(t, err, failed, name)
		require.Equal(t, step.Error{Name: "Step failed", Message: "sold out", Data: []byte(`{"id":"r1"}`)}, *failed, name)
	}
}

func TestPanicOutsideOfAFunction(t *testing.T) {
	t.Parallel()
	_, err := step.Run(t.Context(), "charge", func(context.Context) (receipt, error) { panic("no terminal") })
	failed := new(step.Error)
	require.ErrorAs(t, err, failed)
	require.Equal(t, `step "charge" panicked: no terminal`, failed.Message)
}

func TestAnyOutsideOfAFunction(t *testing.T) {
	t.Parallel()
	got, err := step.Run(t.Context(), "count", func(context.Context) (any, error) { return 5, nil })
	require.NoError(t, err)
	require.InEpsilon(t, 5.0, got, 0)
	_, err = step.Run(t.Context(), "count", func(context.Context) (any, error) { return func() {}, nil })
	require.ErrorContains(t, err, "is not JSON")
}
