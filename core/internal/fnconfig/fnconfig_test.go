package fnconfig_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// once returns an option that may be given once, several one that may be given several
// times. Both record what they were allowed to set.
func once(got *[]string, field, value string) fnconfig.Func {
	return func(c *fnconfig.Config) {
		if c.SetOnce(field, value) {
			*got = append(*got, field+"="+value)
		}
	}
}

func several(got *[]string, field, value string) fnconfig.Func {
	return func(c *fnconfig.Config) {
		if c.Append(field) {
			*got = append(*got, field+"="+value)
		}
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	var got []string
	for _, tc := range []struct {
		name     string
		levels   [][]fnconfig.Func // of the function, of its group, …
		want     []string
		problems []fnconfig.Problem
	}{
		{
			"the function before its group, an inner group before an outer one",
			[][]fnconfig.Func{
				{once(&got, "a", "function")},
				{once(&got, "a", "group"), once(&got, "b", "group")},
				{once(&got, "a", "outer"), once(&got, "b", "outer"), once(&got, "c", "outer")},
			},
			[]string{"a=function", "b=group", "c=outer"}, nil,
		},
		{
			"twice on one level",
			[][]fnconfig.Func{{once(&got, "a", "1"), once(&got, "a", "2")}, {once(&got, "b", "3"), once(&got, "b", "4")}},
			[]string{"a=1", "b=3"},
			[]fnconfig.Problem{
				{Field: "a", Value: "2", Reason: "is given twice; give it once"},
				{Field: "b", Value: "4", Reason: "is given twice; give it once"},
			},
		},
		{
			"overridden twice without a problem",
			[][]fnconfig.Func{{once(&got, "a", "1")}, {once(&got, "a", "2"), once(&got, "a", "3")}},
			[]string{"a=1"}, nil,
		},
		{
			"several on one level",
			[][]fnconfig.Func{
				{several(&got, "a", "1"), several(&got, "a", "2")},
				{several(&got, "a", "3"), several(&got, "b", "4")},
				{several(&got, "b", "5"), several(&got, "c", "6"), several(&got, "c", "7")},
			},
			[]string{"a=1", "a=2", "b=4", "c=6", "c=7"}, nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got = nil
			var c fnconfig.Config
			for i, level := range tc.levels {
				if i > 0 {
					c.NextLevel()
				}
				for _, option := range level {
					option(&c)
				}
			}
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.problems, c.Problems)
		})
	}
}

func TestSetByFunction(t *testing.T) {
	t.Parallel()
	var c fnconfig.Config
	require.True(t, c.SetOnce("a", 1))
	c.NextLevel()
	require.True(t, c.SetOnce("b", 1))
	require.True(t, c.SetByFunction("a"))
	require.False(t, c.SetByFunction("b"))
	require.False(t, c.SetByFunction("c"))
}

type foreign struct{}

func (foreign) FunctionOption() any { return foreign{} }

func TestApply(t *testing.T) {
	t.Parallel()
	var got []string
	var c fnconfig.Config
	require.True(t, fnconfig.Apply(once(&got, "a", "1"), &c))
	require.False(t, fnconfig.Apply(foreign{}, &c))
	require.Equal(t, []string{"a=1"}, got)
}
