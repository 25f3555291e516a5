package call_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

func TestKey(t *testing.T) {
	t.Parallel()
	// From sha1sum.
	require.Equal(t, "4b687891382fd658f594cdeb711503f3e099afae", call.ID{Name: "poll", Kind: call.Sleep}.Key())
	require.Equal(t, "88be48768ccb6d8ed733384b4d9aa5d37b972605", call.ID{Name: "poll", Index: 1}.Key())
}

// Steps get the results that the SDK counts as theirs.
func TestStepsWithTheSameNameAreCounted(t *testing.T) {
	t.Parallel()
	end := serve(t, given{Steps: map[string]any{"poll": "first", "poll:1": "second", "poll:2": "third"}},
		func(ctx context.Context) (any, error) {
			var all []string
			for range 3 {
				value, err := run(ctx, new([]string), "poll")
				if err != nil {
					return nil, err
				}
				all = append(all, value)
			}
			return all, nil
		})
	require.Equal(t, `["first","second","third"]`, end.Body)
}

func TestStepsWithTheSameKey(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		names  []string
		counts bool // whether the last one has the key of another
	}{
		"counted first":  {[]string{"poll", "poll", "poll:1"}, true},
		"counted last":   {[]string{"poll", "poll:1", "poll"}, true},
		"third":          {[]string{"poll:2", "poll", "poll", "poll"}, true},
		"not reached":    {[]string{"poll:2", "poll", "poll"}, false},
		"zero":           {[]string{"poll", "poll", "poll:0"}, false},
		"leading zero":   {[]string{"poll", "poll", "poll:01"}, false},
		"sign":           {[]string{"poll", "poll", "poll:+1"}, false},
		"no number":      {[]string{"poll", "poll", "poll:x1"}, false},
		"without a name": {[]string{"1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			memoized := map[string]any{}
			for _, name := range []string{"poll", "poll:1", "poll:2", "poll:0", "poll:01", "poll:+1", "poll:x1", "1"} {
				memoized[name] = name
			}
			end := serve(t, given{Steps: memoized}, func(ctx context.Context) (any, error) {
				return nil, of(new([]string), tc.names...)(ctx)
			})
			if tc.counts {
				require.ErrorContains(t, end.Err, "has the ID that Inngest gives to step number")
			} else {
				require.NoError(t, end.Err)
			}
		})
	}
}

func TestAnEmptyID(t *testing.T) {
	t.Parallel()
	end := serve(t, given{}, func(ctx context.Context) (any, error) { return run(ctx, new([]string), "") })
	require.EqualError(t, end.Err, "a step has an empty ID: give it one that names it in the run")
}

// A response hands over at most 1000 new steps. Memoized ones do not count.
func TestTooManySteps(t *testing.T) {
	t.Parallel()
	memoized := map[string]any{"memoized": 1}
	for n, refused := range map[int]bool{1000: false, 1001: true} {
		end := serve(t, given{Steps: memoized}, func(ctx context.Context) (any, error) {
			all := branches{func(ctx context.Context) error {
				_, err := call.Run(ctx, "memoized", func(context.Context) (int, error) { return 0, nil })
				return err
			}}
			for i := range n {
				all = append(all, of(new([]string), "s"+strconv.Itoa(i)))
			}
			return nil, call.Parallel(ctx, all)
		})
		if refused {
			require.ErrorContains(t, end.Aborted(), `step "s1000" is one too many`)
		} else {
			require.Len(t, end.operations(t), n)
		}
	}
}
