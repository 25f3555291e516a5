package load_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// sections is how often the gauges of a process are read during a load.
const sections = 10

// gauges are those of a process before a load and after each of its sections.
type gauges []app.Gauge

// course runs the sections of a load, and returns the gauges of a process.
func course(t *testing.T, process *lab.Process, section func()) gauges {
	t.Helper()
	g := gauges{process.Gauge(t)}
	for range sections {
		section()
		g = append(g, process.Gauge(t))
	}
	return g
}

func (g gauges) last() app.Gauge { return g[len(g)-1] }

// requireFlat allows for what is in the pools and caches of a framework.
func (g gauges) requireFlat(t *testing.T) {
	t.Helper()
	const mib = 1 << 20
	for i, now := range g {
		t.Logf("%d/%d: heap %.1f MiB, resident %.1f MiB, %d goroutines, %d files",
			i, len(g)-1, float64(now.Heap)/mib, float64(now.Resident)/mib, now.Goroutines, now.Files)
	}
	first, last := g[0], g.last()
	require.LessOrEqual(t, last.Goroutines, first.Goroutines+callers, "goroutines")
	require.LessOrEqual(t, last.Files, first.Files+callers, "files")
	require.LessOrEqual(t, last.Heap, first.Heap+first.Heap/2+8*mib, "heap")
	require.LessOrEqual(t, last.Resident, 2*first.Resident+32*mib, "resident memory")
}
