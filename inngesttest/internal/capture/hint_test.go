package capture

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Hints name loops over maps and step IDs that differ from call to call.
func TestHints(t *testing.T) {
	t.Parallel()
	const file = `package p

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/inngestkit/inngestkit/core/step"
)

type data struct{ items map[string]int }

func run(context.Context) (int, error) { return 0, nil }

func f(ctx context.Context, in data, list []string) {
`
	const order, id = "the steps in this loop have the order of a map", "the ID of this step depends on "
	for _, test := range []struct {
		name, body, want string
		certain          bool
	}{
		{"a map", `m := map[string]int{}; for k := range m { step.Run(ctx, k, run) }`, order, true},
		{"a field", `for k := range in.items { step.Run(ctx, k, run) }`, order, true},
		{"an iterator", `for k := range maps.Keys(in.items) { step.Sleep(ctx, k, 5) }`, order, true},
		{"branches", `var b []func(context.Context) error
			for k := range in.items { b = append(b, func(ctx context.Context) error { _, err := step.Run(ctx, k, run); return err }) }
			step.Parallel(ctx, b...)`, order, true},
		{"a loop that only counts", `for range in.items { step.Run(ctx, "tick", run) }`, order, false},
		{"equal IDs", `for k := range in.items { step.Run(ctx, "a", func(context.Context) (int, error) { return len(k), nil }) }`, order, true},
		{"sorted keys", `for _, k := range slices.Sorted(maps.Keys(in.items)) { step.Run(ctx, k, run) }`, "", false},
		{"a slice", `for _, k := range list { step.Run(ctx, k, run) }`, "", false},
		{"a loop without steps", `for k := range in.items { println(k) }; step.Run(ctx, "a", run)`, "", false},
		{"a loop in a callback", `step.Run(ctx, "a", func(ctx context.Context) (int, error) { for range in.items {}; return 0, nil })`, "", false},
		{"a function that a test has for each case", `for k := range in.items { go func() { step.Run(ctx, k, run) }() }`, "", false},
		{"random", `step.Run(ctx, "a" + string(rand.IntN(5)), run)`, id + "rand.IntN", true},
		{"the clock", `step.Sleep(ctx, time.Now().String(), 5)`, id + "time.Now", true},
		{"an ID", `step.Run(ctx, uuid.NewString(), run)`, id + "uuid.NewString", true},
		{"a variable", `key := uuid.NewString(); step.Run(ctx, "a-"+key, run)`, id + "uuid.NewString", false},
		{"an ID of a name", `step.Run(ctx, uuid.NewSHA1(uuid.NameSpaceURL, nil).String(), run)`, "", false},
		{"memoized", `key, _ := step.Run(ctx, "key", func(context.Context) (string, error) { return uuid.NewString(), nil })
			step.Run(ctx, key, run)`, "", false},
		{"a generator with a seed", `step.Run(ctx, "a" + string(rand.New(rand.NewPCG(1, 2)).IntN(5)), run)`, id + "rand.New", false},
		{"not the ID", `step.SleepUntil(ctx, "a", time.Now())`, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			findings, hints, err := CheckSource(snippet(t, map[string]string{"order.go": file + test.body + "\n}\n"}))
			require.NoError(t, err)
			require.Empty(t, findings)
			if test.want == "" {
				require.Empty(t, hints)
				return
			}
			require.Len(t, hints, 1)
			require.Contains(t, hints[0].Text, test.want)
			require.Contains(t, hints[0].Text, "order.go:")
			require.Equal(t, test.certain, hints[0].Certain)
		})
	}
}
