package adapter_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/adapter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logTo returns a logger that writes text to w.
func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestWithValues(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "from ctx"))
	with := adapter.WithValues(context.WithValue(ctx, key{}, "covered"), map[any]any{"tenant": "acme", key{}: "covers", "nil": nil})
	require.Equal(t, "acme", with.Value("tenant"))
	require.Equal(t, "covers", with.Value(key{}))
	require.Nil(t, with.Value("nil"))
	require.Nil(t, with.Value("absent"))
	cancel()
	require.ErrorIs(t, with.Err(), context.Canceled)
	require.Equal(t, ctx, adapter.WithValues(ctx, nil))
}

// The type of a key may be comparable although its contents are not.
func TestKeysThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	type key struct{ any }
	ctx := adapter.WithValues(t.Context(), map[any]any{key{1}: "stored"})
	require.Equal(t, "stored", ctx.Value(key{1}))
	require.Nil(t, ctx.Value(key{[]int{1}}))
	require.Nil(t, ctx.Value([]int{1}))
}

func TestWithLookup(t *testing.T) {
	t.Parallel()
	ctx := context.WithValue(t.Context(), "in ctx", "from ctx") //nolint:staticcheck // any key will do
	with, end := adapter.WithLookup(ctx, logTo(io.Discard), func(key any) any {
		if key == "tenant" {
			return "acme"
		}
		return nil
	})
	require.Equal(t, "acme", with.Value("tenant"))
	require.Equal(t, "from ctx", with.Value("in ctx"))
	require.Nil(t, with.Value("absent"))
	end()
	end()
	require.Nil(t, with.Value("tenant"), "the framework's context belongs to another request now")
	require.Equal(t, "from ctx", with.Value("in ctx"))
}

// Functions look values up on all kinds of goroutines.
func TestLookupThatPanics(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	parent := context.WithValue(t.Context(), "key", "of ctx") //nolint:staticcheck // any key will do
	ctx, end := adapter.WithLookup(parent, logTo(&logged), func(any) any { panic("oh no") })
	require.Equal(t, "of ctx", ctx.Value("key"))
	require.Nil(t, ctx.Value("other"))
	end()
	require.Equal(t, 1, strings.Count(logged.String(), "the lookup of values that were stored for a request panicked"))
	require.Contains(t, logged.String(), "panic=\"oh no\"")
	require.Contains(t, logged.String(), "values_test.go")
}
