package parity

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Compare shows the lines in which verdicts differ, among those that they share.
func TestCompare(t *testing.T) {
	t.Parallel()
	require.Empty(t, Compare("a\nb\n", "a\nb\n"))
	require.Equal(t, "  a\n- b\n+ x\n+ y\n  c\n", Compare("a\nb\nc", "a\nx\ny\nc"))
	require.Equal(t, "- a\n+ b\n", Compare("a", "b"))
	require.Equal(t, "  a\n+ b\n", Compare("a", "a\nb"))
}

// Verdicts do not contain what differs from run to run.
func TestCanonical(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"data":{"a":1,"b":"run ULID"},"id":"UUID"}`, canonical([]byte(
		`{"ts":1,"id":"f47ac10b-58cc-4372-a567-0e02b2c3d479","data":{"b":"run 01M8JEJGFW4QFMGKH62K3S9MX4","a":1,"stack":"x"}}`)))
	require.Equal(t, "nothing", canonical(nil))
	require.Equal(t, "not JSON", canonical([]byte("not JSON\n")))
}

// Shrinking keeps what makes the difference, and nothing else.
func TestShrink(t *testing.T) {
	t.Parallel()
	p := program{seed: 1, checkpoint: 2, body: []node{
		{kind: runs, id: "a"}, {kind: forks, id: "b", branches: [][]node{{{kind: runs, id: "b0a"}}, {{kind: maps, id: "b1a"}, {kind: runs, id: "b1b"}}}},
	}}
	var has func(nodes []node) bool
	has = func(nodes []node) bool {
		return slices.ContainsFunc(nodes, func(n node) bool { return n.kind == maps || slices.ContainsFunc(n.branches, has) })
	}
	verdicts := func(wrong Verdict) runsPrograms {
		return func(_ *testing.T, programs []program) []Verdict {
			all := make([]Verdict, len(programs))
			for i, p := range programs {
				if has(p.body) {
					all[i] = wrong
				}
			}
			return all
		}
	}
	small, diff := shrink(t, verdicts("left"), verdicts("right"), p)
	require.Equal(t, "- left\n+ right\n", diff)
	require.Equal(t, program{seed: 1, body: []node{{kind: forks, id: "b", branches: [][]node{{}, {{kind: maps, id: "b1a"}}}}}}, small)
	_, diff = shrink(t, verdicts("same"), verdicts("same"), p)
	require.Empty(t, diff)
}

// Equal seeds make equal programs, and programs have all kinds of nodes.
func TestGenerate(t *testing.T) {
	t.Parallel()
	kinds := map[kind]bool{}
	var visit func(nodes []node)
	visit = func(nodes []node) {
		for _, n := range nodes {
			kinds[n.kind] = true
			for _, branch := range n.branches {
				visit(branch)
			}
		}
	}
	for seed := range uint64(50) {
		once, again := generate(seed), generate(seed)
		require.Equal(t, once, again)
		visit(once.body)
	}
	require.Len(t, kinds, 9)
}
