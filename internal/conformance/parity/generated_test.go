package parity

import (
	"flag"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var (
	programs  = flag.Int("parity.functions", 30, "how many functions to make at random")
	firstSeed = flag.Uint64("parity.seed", 1, "the seed of the first of them")
)

const (
	// appSize is how many programs share an app and a server.
	appSize = 100
	// atOnce is how many of them run at the same time.
	atOnce = 20
)

// runsPrograms runs programs on a target and returns a verdict on each.
type runsPrograms func(t *testing.T, programs []program) []Verdict

// Functions made at random have the same verdict on the virtual engine and on the real server.
func TestGenerated(t *testing.T) {
	t.Parallel()
	all := make([]program, *programs)
	for i := range all {
		all[i] = generate(*firstSeed + uint64(i))
	}
	for _, version := range versions {
		server, engine := onReal(version), onVirtual(version)
		for some := range slices.Chunk(all, appSize) {
			a, b := server(t, some), engine(t, some)
			for i, p := range some {
				if a[i] != b[i] {
					t.Errorf("%s; rerun with -parity.functions=1 -parity.seed=%d\n%s%s", version, p.seed, p, Compare(a[i], b[i]))
					if small, diff := shrink(t, server, engine, p); diff != "" {
						t.Errorf("the smallest program like it:\n%s%s", small, diff)
					}
				}
			}
		}
	}
}

// shrink returns the smallest program it finds that still has different verdicts, and the
// difference, or "" if p has equal ones the second time.
func shrink(t *testing.T, one, other runsPrograms, p program) (program, string) {
	t.Helper()
	diff := ""
	for candidates := []program{p}; len(candidates) > 0; {
		a, b := one(t, candidates), other(t, candidates)
		smaller := []program(nil)
		for i := range candidates {
			if a[i] != b[i] {
				p, diff, smaller = candidates[i], Compare(a[i], b[i]), candidates[i].smaller()
				break
			}
		}
		candidates = smaller
	}
	return p, diff
}

// onReal runs programs on a server of a version.
func onReal(version string) runsPrograms {
	return func(t *testing.T, programs []program) (verdicts []Verdict) {
		t.Helper()
		t.Run(version, func(t *testing.T) { //nolint:paralleltest // it ends with its server
			recorder := newRecorder()
			probes := make([]*Probe, len(programs))
			functions := helpers()
			for i, p := range programs {
				probes[i] = newProbe(generatedName(i), recorder)
				functions = append(functions, p.function(probes[i]))
			}
			verdicts = judgeAll(t, newRealWorld(t, version, recorder, functions...), probes)
		})
		return verdicts
	}
}

// onVirtual runs programs on engines that play a version of the server.
func onVirtual(version string) runsPrograms {
	return func(t *testing.T, programs []program) []Verdict {
		t.Helper()
		verdicts := make([]Verdict, len(programs))
		for i, p := range programs {
			synctest.Test(t, func(t *testing.T) {
				probe := newProbe(generatedName(i), newRecorder())
				w := newVirtualWorld(t, version, probe.recorder, append(helpers(), p.function(probe))...)
				verdicts[i] = judgeAll(t, w, []*Probe{probe})[0]
			})
		}
		return verdicts
	}
}

// generatedName returns the ID of the function of a program.
func generatedName(i int) string { return "generated-" + strconv.Itoa(i) }

// judgeAll runs the functions of the probes and returns the verdicts on them.
func judgeAll(t testing.TB, w World, probes []*Probe) []Verdict {
	verdicts := make([]Verdict, 0, len(probes))
	for some := range slices.Chunk(probes, atOnce) {
		events := make([]inngestkit.AnyEvent, len(some))
		for i, p := range some {
			events[i] = p.Event("").New(Data{ID: p.row})
		}
		w.Ended(t, w.Send(t, events...)...)
		for _, p := range some {
			verdicts = append(verdicts, look(t, w, p, false))
		}
	}
	require.Len(t, verdicts, len(probes))
	return verdicts
}
