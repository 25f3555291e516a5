package call_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// notes calls steps, and records when the call becomes fresh and whether it replays before
// and after each.
func notes(notes *[]string, names ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		c := call.From(ctx)
		note := func(text string) {
			if c.Replay.Replaying() {
				text += ", replaying"
			}
			*notes = append(*notes, text)
		}
		for _, name := range names {
			note("before " + name)
			_, err := call.Run(ctx, name, func(context.Context) (int, error) { note("in " + name); return 0, nil })
			if err != nil {
				return err
			}
			note("after " + name)
		}
		return nil
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		given given
		want  []string
	}{
		"nothing memoized": {given{}, []string{"before a", "in a"}},
		"one memoized": {given{Steps: map[string]any{"a": 1}},
			[]string{"before a, replaying", "fresh", "after a", "before b", "in b"}},
		"all memoized": {given{Steps: map[string]any{"a": 1, "b": 2}},
			[]string{"before a, replaying", "after a, replaying", "before b, replaying", "fresh", "after b"}},
		"one unclaimed": {given{Steps: map[string]any{"a": 1, "x": 2}},
			[]string{"before a, replaying", "after a, replaying", "before b, replaying", "fresh", "in b"}},
		"targeted": {given{Steps: map[string]any{"a": 1}, Target: "b"},
			[]string{"before a, replaying", "after a, replaying", "before b, replaying", "fresh", "in b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var noted []string
			serve(t, tc.given, func(ctx context.Context) (any, error) {
				if replay := &call.From(ctx).Replay; replay.Replaying() {
					replay.OnFresh(func() { noted = append(noted, "fresh") })
				}
				return nil, notes(&noted, "a", "b")(ctx)
			})
			require.Equal(t, tc.want, noted)
		})
	}
}

func TestOnFreshAtOnce(t *testing.T) {
	t.Parallel()
	serve(t, given{}, func(ctx context.Context) (any, error) {
		called := false
		call.From(ctx).Replay.OnFresh(func() { called = true })
		require.True(t, called)
		return nil, nil
	})
}

// In a targeted call, a branch after that of the target replays again.
func TestReplayAfterTheTarget(t *testing.T) {
	t.Parallel()
	var noted []string
	serve(t, given{Target: "b"}, func(ctx context.Context) (any, error) {
		return nil, call.Parallel(ctx, branches{notes(&noted, "a"), notes(&noted, "b"), notes(&noted, "c")})
	})
	require.Equal(t, []string{"before a, replaying", "before b, replaying", "in b", "after b", "before c, replaying"}, noted)
}

func TestMemoizedResults(t *testing.T) {
	t.Parallel()
	end := serve(t, given{Steps: map[string]any{"a": 1}}, func(context.Context) (any, error) { return nil, nil })
	require.Len(t, end.Replay.Results(), 1)
	require.Equal(t, "1", string(end.Replay.Result(call.ID{Name: "a"}).Data))
	require.Nil(t, end.Replay.Result(call.ID{Name: "b"}))
}
