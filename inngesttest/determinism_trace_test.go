package inngesttest

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// traceOf returns a trace from steps in a short form: "a" has no result, "a!" is memoized,
// "a*" is run, "poll:1" is the second poll. A "/" at the end cuts the trace.
func traceOf(name, steps string) *trace {
	t := &trace{name: name}
	for text := range strings.FieldsSeq(steps) {
		if text == "/" {
			t.cut = true
			continue
		}
		v := visit{kind: kindRun}
		v.memoized, v.ran = strings.HasSuffix(text, "!"), strings.HasSuffix(text, "*")
		id, index, counted := strings.Cut(strings.TrimRight(text, "!*"), ":")
		v.id = id
		if counted {
			v.index, _ = strconv.Atoi(index)
		}
		t.visits = append(t.visits, v)
	}
	return t
}

// Two traces agree if the one with fewer results is part of the other, which goes further only
// behind what it has passed in addition.
func TestDifference(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		earlier, later string
		want           string // "" if they agree
	}{
		"the same":                               {"a", "a", ""},
		"nothing":                                {"", "", ""},
		"one step further":                       {"a*", "a! b*", ""},
		"another ID":                             {"a*", "x*", `later reached step "x" at its beginning, where earlier reached step "a"`},
		"another ID behind a memoized step":      {"a! b*", "a! x*", `later reached step "x" after step "a", where earlier reached step "b"`},
		"a memoized step behind a new one":       {"a! b*", "x! a! b!", `later reached step "x" before step "a", which earlier did not reach`},
		"added in the middle":                    {"a! b*", "a! x! b! c", `later reached step "x" before step "b", which earlier did not reach`},
		"left out":                               {"a! b! c*", "a! c!", `later did not reach step "b", which earlier reached after step "a"`},
		"left out at the end":                    {"a! b*", "a!", `later did not reach step "b", which earlier reached after step "a"`},
		"reordered":                              {"a! b! c*", "b! a! c!", `later reached step "b" before step "a", and earlier reached it later`},
		"a failure before a step":                {"a! b*", "a! /", ""},
		"a failure before all steps":             {"a*", "/", ""},
		"a failure behind another step":          {"a! b*", "x* /", `where earlier reached step "a"`},
		"the second of equal IDs":                {"poll! poll:1*", "poll! poll:1! poll:2*", ""},
		"the second of equal IDs left out":       {"poll! poll:1! end*", "poll! end!", `later did not reach step "poll" (number 2 with this ID)`},
		"checkpoints":                            {"a* b* c", "a! b! c! d*", ""},
		"checkpoints that were lost":             {"a* b* c", "a*", ""},
		"checkpoints that were lost in part":     {"a* b* c* d", "a! b*", ""},
		"results of a branch that were lost":     {"a! a2 b", "a b", ""},
		"checkpoints, and another step":          {"a* b* c", "a! x! c", `later reached step "x" after step "a", where|did not reach|before`},
		"parallel steps":                         {"a b", "a! b", ""},
		"a branch that goes on":                  {"a b", "a! a2 b", ""},
		"branches that go on":                    {"a b c", "a! a2 b! b2 c! c2", ""},
		"a branch that has nothing to go on for": {"a b", "a a2 b", `later reached step "a2" before step "b", which earlier did not reach`},
		"a branch behind those that go on":       {"a b", "a! a2 b x", ""}, // could be in a2's branch
		"another parallel step":                  {"a b", "a c", `where earlier reached step "b"`},
		"one parallel step less":                 {"a b c", "a b", `later did not reach step "c"`},
		"a parallel step in its own call":        {"a b c", "a! b* /", ""},
		"a parallel step in the call of another": {"a b c", "b* /", `later reached step "b" before step "a"`},
		"branches in another order":              {"a b c", "c! a! b!", `later reached step "c" before step "a"`},
		"behind the parallel steps":              {"a b", "a! b! after*", ""},
		"behind one of the parallel steps":       {"a! b", "a! after* b", `later reached step "after" before step "b"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := difference(traceOf("earlier", c.earlier), traceOf("later", c.later))
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Regexp(t, strings.NewReplacer("(", `\(`, ")", `\)`).Replace(c.want), got)
		})
	}
}

// A step that is of another kind is another step.
func TestDifferenceOfKinds(t *testing.T) {
	t.Parallel()
	earlier, later := traceOf("earlier", "a"), traceOf("later", "a")
	later.visits[0].kind = kindSleep
	require.Equal(t, `step "a" is a Sleep in later and was a StepRun in earlier`, difference(earlier, later))
}
