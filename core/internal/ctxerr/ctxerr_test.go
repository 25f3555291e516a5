package ctxerr_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCause(t *testing.T) {
	t.Parallel()
	require.NoError(t, ctxerr.Cause(t.Context()))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, context.Canceled, ctxerr.Cause(ctx))

	hungUp := errors.New("the caller hung up")
	ctx, cancelCause := context.WithCancelCause(t.Context())
	cancelCause(hungUp)
	require.EqualError(t, ctxerr.Cause(ctx), "context canceled: the caller hung up")
	require.ErrorIs(t, ctxerr.Cause(ctx), hungUp)
	require.ErrorIs(t, ctxerr.Cause(ctx), context.Canceled)

	ctx, cancel = context.WithDeadlineCause(t.Context(), time.Unix(0, 0), hungUp)
	defer cancel()
	require.ErrorIs(t, ctxerr.Cause(ctx), context.DeadlineExceeded)
	require.ErrorIs(t, ctxerr.Cause(ctx), hungUp)
}
