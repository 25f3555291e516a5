package ctxerr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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

func TestExplain(t *testing.T) {
	t.Parallel()
	timeout := errors.New("the timeout")
	done, cancel := context.WithCancelCause(t.Context())
	cancel(timeout)
	plain, cancelPlain := context.WithCancel(t.Context())
	cancelPlain()
	for _, tc := range []struct {
		err  error
		ctx  context.Context
		want string
	}{
		{context.Canceled, done, "context canceled: the timeout"},
		{fmt.Errorf("query: %w", context.Canceled), done, "query: context canceled: the timeout"},
		{context.DeadlineExceeded, done, "context deadline exceeded: the timeout"},
		{context.Cause(done), done, "the timeout"},
		{ctxerr.Cause(done), done, "context canceled: the timeout"},
		{io.EOF, done, "EOF"},
		{context.Canceled, plain, "context canceled"},
		{context.Canceled, t.Context(), "context canceled"},
	} {
		got := ctxerr.Explain(tc.err, tc.ctx)
		require.EqualError(t, got, tc.want)
		require.ErrorIs(t, got, tc.err)
	}
	require.NoError(t, ctxerr.Explain(nil, done))
}
