package inngestkit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/step"
)

// A step whose ID differs in each call would run until the server's limit.
func TestStepsThatAreNewInEachCall(t *testing.T) {
	t.Parallel()
	letters := func(from int) []string { return strings.Split("abcdefghij", "")[from:] }
	for _, tc := range []struct {
		name  string
		ids   func(call int) []string
		warns int
	}{
		{"another ID each time", func(call int) []string { return []string{fmt.Sprint("at-", call)} }, 1},
		{"after one that stays", func(call int) []string { return []string{"a", fmt.Sprint("at-", call)} }, 1},
		{"the same ones", func(int) []string { return letters(0) }, 0},
		{"two are taken out meanwhile", func(call int) []string { return letters(min(call, 2)) }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				for _, id := range tc.ids(calls) {
					if _, err := step.Run(ctx, id, func(context.Context) (int, error) { return 1, nil }); err != nil {
						return "", err
					}
				}
				return "", nil
			}))
			e := signUpEnvelope(user{})
			for calls = range 8 {
				for _, op := range ops(t, callFn(t.Context(), t, app, e)) {
					e.Steps[op["id"].(string)] = map[string]any{"data": 1}
				}
			}
			require.Equal(t, tc.warns, strings.Count(l.String(), "does not use the results of earlier ones"), l.String())
		})
	}
}
