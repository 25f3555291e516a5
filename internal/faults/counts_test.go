package faults_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// failures counts the calls that fail.
type failures struct {
	mu      sync.Mutex
	open    map[*lab.Exchange]bool // without a response so far
	refused int
}

// countFailures replaces the faults of the proxy.
func countFailures(l *lab.Lab) *failures {
	f := &failures{open: map[*lab.Exchange]bool{}}
	l.Calls.Inject(func(e *lab.Exchange) lab.Fault {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open[e] = true
		return lab.Fault{AfterResponse: func() { f.end(e) }}
	})
	return f
}

func (f *failures) end(e *lab.Exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, e)
	if e.Status >= http.StatusBadRequest {
		f.refused++
	}
}

// errors returns how many calls were answered with an error.
func (f *failures) errors() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refused
}

// all also counts calls without a response.
func (f *failures) all() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refused + len(f.open)
}

// openAt counts the calls that a process has not responded to.
func (f *failures) openAt(p *lab.Process) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for e := range f.open {
		if e.Upstream == p.Addr {
			n++
		}
	}
	return n
}

// startedBy counts the bodies of a step that have begun in a process.
func startedBy(l *lab.Lab, p *lab.Process, step string) (n int) {
	for _, e := range l.Ledger.Entries() {
		if e.Kind == lab.Started && e.App == p.Config.Name && e.Step == step {
			n++
		}
	}
	return n
}

// mostRunning returns the largest number of steps that ran at the same time.
func mostRunning(l *lab.Lab) (most int) {
	running := 0
	for _, e := range l.Ledger.Entries() {
		if e.Kind == lab.Started {
			running++
		}
		if e.Kind == lab.Finished {
			running--
		}
		most = max(most, running)
	}
	return most
}

// requireFewRepeated fails the test if more than most steps of a run ran again. A death
// costs the steps that run in that moment: the server has the results of those before.
func requireFewRepeated(t *testing.T, l *lab.Lab, most int) {
	t.Helper()
	for run, steps := range repeatedSteps(l) {
		require.LessOrEqual(t, len(steps), most, "steps of run %s that ran again", run)
	}
}

// repeatedSteps returns the steps that ran again, by run.
func repeatedSteps(l *lab.Lab) map[string][]string {
	type step struct{ run, id string }
	started, repeated := map[step]bool{}, map[string][]string{}
	for _, e := range l.Ledger.Entries() {
		if e.Kind != lab.Started {
			continue
		}
		s := step{e.Run, e.Step}
		if started[s] {
			repeated[e.Run] = append(repeated[e.Run], e.Step)
		}
		started[s] = true
	}
	return repeated
}

// atATime returns how many steps of a function run at the same time.
func atATime(function string) int {
	if function == app.Branches {
		return 3
	}
	return 1
}
