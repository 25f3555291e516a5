package load_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// sections is how often the gauges of a process are read during a load.
const sections = 10

const mib = 1 << 20

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

// requireFlat requires that a process comes back to what it used before the load, once the
// load has ended: what it does meanwhile, such as the check of its own endpoint with the
// largest bodies, takes memory too.
func (g gauges) requireFlat(t *testing.T, process *lab.Process) {
	t.Helper()
	for i, now := range g {
		t.Logf("%d/%d: %s", i, len(g)-1, describe(now))
	}
	first := g[0]
	for end := time.Now().Add(testsite.Timeout); ; time.Sleep(100 * time.Millisecond) {
		now := process.Gauge(t)
		grown := growth(first, now)
		if grown == "" {
			return
		}
		if time.Now().After(end) {
			require.Fail(t, grown+" grew", "%s before the load, %s at %s after it", describe(first), describe(now), testsite.Timeout)
		}
	}
}

// growth names what grew, and allows for what is in the pools and caches of a framework.
func growth(first, last app.Gauge) string {
	switch {
	case last.Goroutines > first.Goroutines+callers:
		return "the number of goroutines"
	case last.Files > first.Files+callers:
		return "the number of open files"
	case last.Heap > first.Heap+first.Heap/2+8*mib:
		return "the heap"
	case last.Resident > 2*first.Resident+32*mib:
		return "the resident memory"
	default:
		return ""
	}
}

func describe(g app.Gauge) string {
	return fmt.Sprintf("heap %.1f MiB, resident %.1f MiB, %d goroutines, %d files",
		float64(g.Heap)/mib, float64(g.Resident)/mib, g.Goroutines, g.Files)
}
