package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
)

func TestSuitsIndex(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`"a" == async.data.id`: true, `async.data.id == 'a'`: true, "async.data.n == 7.5": true, "async.data.n == null": true,
		`async.data.n == 7 && async.data.id == "a" && async.user.id == "b"`: true, "true": true, "false": true,
		"": false, "async.data.n ==": false, "async.data.n < 5": false, "async.data.n != 5": false, "async.data.n == -5": false,
		`async.data.id == "a" || async.data.n == 7`: false, `async.data["id"] == "a"`: false, `async.data.id == ""`: false,
		"async.data.a == async.data.b": false, `event.data.id == "a"`: false, `async.data.id == "a\"b"`: false,
		`"a" in async.data.ids`: false, "async.data.ok == true": false, "async.data.ok": false, "async.data.n == 1 && true": false, "!(async.data.n == 5)": false,
		`async.data.list[0].id == "a"`: false, "has(async.data.n) == 1": false,
	} {
		for name, e := range evaluators() {
			require.Equal(t, want, e.SuitsIndex(text), "%s: %s", name, text)
		}
	}
}

func TestUsesIndex(t *testing.T) {
	t.Parallel()
	require.False(t, expr.UsesIndex(50))
	require.True(t, expr.UsesIndex(51))
}
