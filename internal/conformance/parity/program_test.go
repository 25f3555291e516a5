package parity

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A program is a function made at random. Equal seeds make equal programs.
type program struct {
	seed       uint64
	retries    int
	checkpoint int // steps of a checkpoint, 0 for none
	body       []node
}

// A node is what a program does at one place.
type node struct {
	kind kind
	id   string
	// fails is how many attempts of a step, or of the function at this place, fail.
	fails int
	// final means that the error must not be retried.
	final bool
	// handled means that the program goes on after an error.
	handled bool
	// value is the index of the result of a step in values.
	value int
	sleep time.Duration
	// answered means that another function sends the event that a wait is for.
	answered bool
	branches [][]node
}

// kind is what a node does.
type kind string

const (
	runs      kind = "run"
	sleeps    kind = "sleep"
	awaits    kind = "wait"
	calls     kind = "invoke"
	sends     kind = "send"
	forks     kind = "parallel"
	maps      kind = "map"
	stumbles  kind = "stumble" // the function fails outside a step
	loops     kind = "loop"    // three steps with the same ID
	forever        = 99        // more attempts than any function has
	maxNodes       = 12
	maxDepth       = 3
	maxFanOut      = 3
)

// values are results of steps.
var values = []string{
	`1`, `"text"`, `null`, `{"b":[1,2.50,1e300],"a":{"data":null}}`, `9007199254740993`, `"{\"a\":1}"`, `[]`, `{"error":{"message":"m"}}`, `-0.0`,
}

// generator makes a program.
type generator struct {
	*rand.Rand

	left int // nodes that may still be added
}

// generate returns the program of a seed.
func generate(seed uint64) program {
	g := generator{rand.New(rand.NewPCG(seed, 1)), maxNodes}
	p := program{seed: seed, retries: g.IntN(3)}
	if g.IntN(5) == 0 {
		p.checkpoint = 1 + g.IntN(3)
	}
	p.body = g.sequence("", 0)
	return p
}

// sequence makes the nodes of a program, or of a branch.
func (g *generator) sequence(path string, depth int) (nodes []node) {
	longest := 5
	if depth > 0 {
		longest = 3
	}
	for i := range 1 + g.IntN(longest) {
		if g.left--; g.left < 0 {
			return nodes
		}
		nodes = append(nodes, g.node(fmt.Sprintf("%s%c", path, 'a'+i), depth))
	}
	return nodes
}

func (g *generator) node(id string, depth int) node {
	kinds := []kind{runs, runs, runs, runs, sleeps, awaits, calls, sends, loops}
	if depth == 0 {
		kinds = append(kinds, stumbles, stumbles)
	}
	if depth < maxDepth {
		kinds = append(kinds, forks, maps)
	}
	n := node{
		kind: kinds[g.IntN(len(kinds))], id: id, handled: g.IntN(2) == 0, value: g.IntN(len(values)),
		sleep: time.Duration(g.IntN(4)) * 100 * time.Millisecond, answered: g.IntN(2) == 0,
	}
	if slices.Contains([]kind{runs, maps, calls, stumbles}, n.kind) {
		n.fails = []int{0, 0, 0, 1, 1, 2, forever}[g.IntN(7)]
		n.final = g.IntN(4) == 0
	}
	if n.kind == stumbles && n.fails > 0 {
		// A function that goes on after such an error depends on how often it was called, which the
		// engine's replays change.
		n.handled = false
	}
	if n.kind == forks {
		for i := range 2 + g.IntN(maxFanOut-1) {
			n.branches = append(n.branches, g.sequence(fmt.Sprintf("%s%d", id, i), depth+1))
		}
	}
	return n
}

// String writes the program as a tree.
func (p program) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d, %d retries, checkpoints of %d steps\n", p.seed, p.retries, p.checkpoint)
	write(&text, "  ", p.body)
	return text.String()
}

func write(text *strings.Builder, indent string, nodes []node) {
	for _, n := range nodes {
		fmt.Fprintf(text, "%s%s %s%s, handled %t\n", indent, n.kind, n.id, n.details(), n.handled)
		for i, branch := range n.branches {
			fmt.Fprintf(text, "%s  branch %d\n", indent, i)
			write(text, indent+"    ", branch)
		}
	}
}

// details describes what is special about the node.
func (n node) details() (text string) {
	if n.kind == runs {
		text = " value " + values[n.value]
	}
	if n.kind == sleeps {
		text = " " + n.sleep.String()
	}
	if n.kind == awaits {
		text = fmt.Sprintf(" answered %t", n.answered)
	}
	if n.fails > 0 {
		text += fmt.Sprintf(" fails %d times, final %t", n.fails, n.final)
	}
	return text
}

// smaller returns the programs that lack one node of p, or an option.
func (p program) smaller() (all []program) {
	for _, body := range without(p.body) {
		q := p
		q.body = body
		all = append(all, q)
	}
	if p.checkpoint > 0 {
		q := p
		q.checkpoint = 0
		all = append(all, q)
	}
	return all
}

// without returns all lists that lack one of the nodes, or a part of one.
func without(nodes []node) (all [][]node) {
	for i, n := range nodes {
		all = append(all, slices.Delete(slices.Clone(nodes), i, i+1))
		for b, branch := range n.branches {
			for _, smaller := range without(branch) {
				changed := n
				changed.branches = slices.Clone(n.branches)
				changed.branches[b] = smaller
				list := slices.Clone(nodes)
				list[i] = changed
				all = append(all, list)
			}
		}
	}
	return all
}
