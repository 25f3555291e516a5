package limits

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

func fnLimit(limit int, function string) ConcurrencyLimit {
	return ConcurrencyLimit{Limit: limit, Scope: ConcurrencyScopeFn, Function: function}
}

func keyLimit(limit int, scope ConcurrencyScope, function, expression, key string) ConcurrencyLimit {
	return ConcurrencyLimit{Limit: limit, Scope: scope, Function: function, Expression: expression, Key: key}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		c := NewConcurrency(v)
		limit := fnLimit(2, "f")
		for _, call := range []string{"1", "2"} {
			_, ok := c.Acquire(call, limit)
			require.True(t, ok)
		}
		blocked, ok := c.Acquire("3", limit)
		require.False(t, ok)
		require.Equal(t, limit, blocked)
		require.Equal(t, 2, c.Running(limit))
		_, ok = c.Acquire("other function", fnLimit(2, "g"))
		require.True(t, ok)
		c.Release("3") // did not run
		c.Release("1")
		c.Release("1")
		require.Equal(t, 1, c.Running(limit))
		_, ok = c.Acquire("3", limit)
		require.True(t, ok)
	}
}

// A call that one limit blocks does not count under the others.
func TestConcurrencyAllOrNothing(t *testing.T) {
	t.Parallel()
	c := NewConcurrency(version.Newest)
	function, key := fnLimit(5, "f"), keyLimit(1, ConcurrencyScopeFn, "f", "event.data.id", "a")
	_, ok := c.Acquire("1", function, key)
	require.True(t, ok)
	for _, order := range [][]ConcurrencyLimit{{function, key}, {key, function}} {
		blocked, ok := c.Acquire("2", order...)
		require.False(t, ok)
		require.Equal(t, key, blocked)
		require.Equal(t, []int{1, 1}, []int{c.Running(function), c.Running(key)})
	}
	c.Release("1")
	require.Equal(t, []int{0, 0}, []int{c.Running(function), c.Running(key)})
	_, ok = c.Acquire("no limits")
	require.True(t, ok)
}

// Measured on both servers, with a limit of 1 in the account and calls of 3 s: two functions
// with the same key of different expressions run side by side on v1.43.0 and one after the
// other on v1.12.1. The same key in the environment is apart from both.
func TestConcurrencyGroups(t *testing.T) {
	t.Parallel()
	const fn, env, account = ConcurrencyScopeFn, ConcurrencyScopeEnv, ConcurrencyScopeAccount
	tests := []struct {
		name           string
		a, b           ConcurrencyLimit
		oldest, newest bool
	}{
		{"same key", keyLimit(1, fn, "f", "x", "a"), keyLimit(1, fn, "f", "x", "a"), true, true},
		{"other key", keyLimit(1, fn, "f", "x", "a"), keyLimit(1, fn, "f", "x", "b"), false, false},
		{"other function", keyLimit(1, fn, "f", "x", "a"), keyLimit(1, fn, "g", "x", "a"), false, false},
		{"shared in the account", keyLimit(1, account, "f", "x", "a"), keyLimit(1, account, "g", "x", "a"), true, true},
		{"shared in the environment", keyLimit(1, env, "f", "x", "a"), keyLimit(1, env, "g", "x", "a"), true, true},
		{"other scope", keyLimit(1, env, "f", "x", "a"), keyLimit(1, account, "g", "x", "a"), false, false},
		{"same key of another expression", keyLimit(1, account, "f", "x", "a"), keyLimit(1, account, "g", "y", "a"), true, false},
		{"with and without a key", fnLimit(1, "f"), keyLimit(1, fn, "f", "x", ""), false, false},
		{"a higher limit", keyLimit(1, fn, "f", "x", "a"), keyLimit(2, fn, "f", "x", "a"), true, true},
	}
	for _, test := range tests {
		for v, together := range map[version.Version]bool{version.Oldest: test.oldest, version.Newest: test.newest} {
			c := NewConcurrency(v)
			_, ok := c.Acquire("1", test.a)
			require.True(t, ok)
			require.Equal(t, together, c.Running(test.b) == 1, "%s: %s", v, test.name)
		}
	}
}

func TestConcurrencyLimitText(t *testing.T) {
	t.Parallel()
	for want, limit := range map[string]ConcurrencyLimit{
		`concurrency 2`:                       fnLimit(2, "f"),
		`concurrency 1 of key "a"`:            keyLimit(1, ConcurrencyScopeFn, "f", "x", "a"),
		`concurrency 1 of key ""`:             keyLimit(1, ConcurrencyScopeFn, "f", "x", ""),
		`concurrency 3 of key "a" in the env`: keyLimit(3, ConcurrencyScopeEnv, "f", "x", "a"),
		`concurrency 1000 in the account`:     {Limit: 1000, Scope: ConcurrencyScopeAccount},
	} {
		require.Equal(t, want, limit.String())
	}
}
