package load_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

const (
	// places is the MaxInFlight of each process in TestScale.
	places = 4
	// work is how long each of its steps waits, in milliseconds.
	work = 250
)

// Processes share nothing: more of them run more steps at the same time.
func TestScale(t *testing.T) {
	t.Parallel()
	numbers := []int{2}
	if *loadAll {
		numbers = []int{1, 2, 4, 8}
	}
	for _, n := range numbers {
		t.Run(strconv.Itoa(n), func(t *testing.T) { scale(t, backend(t), n) })
	}
}

func scale(t *testing.T, backend lab.Backend, processes int) {
	t.Helper()
	l := lab.New(t, lab.Config{
		Framework: "nethttp", Backend: backend, Processes: processes,
		App: func(_ int, cfg *app.Config) { cfg.MaxInFlight = places },
	})
	load := &serverCaller{lab: l, sender: newSender(t, l), data: app.Data{Item: "load", Work: work}}
	load.run(t, *loadTime/5)
	var taken latencies
	l.Calls.Observe(taken.add)
	begun, runs, used := time.Now(), len(load.events), processorTimes(t)
	load.run(t, *loadTime)
	seconds := time.Since(begun).Seconds()
	runs = len(load.events) - runs
	t.Logf("on %d processes: %d runs in %.0f s, %.1f/s; %d calls, %.1f/s; %.1f steps at the same time; a call takes %s",
		processes, runs, seconds, float64(runs)/seconds, taken.len(), float64(taken.len())/seconds,
		float64(5*runs*work)/1000/seconds, &taken)
	for name, now := range processorTimes(t) {
		t.Logf("%s: %.2f cores", name, (now-used[name]).Seconds()/seconds)
	}
	load.requireCompleted(t)
	require.Equal(t, 5*len(load.events), l.Ledger.Count(lab.Finished, ""), "steps, each once")
	took := map[string]bool{}
	for _, e := range l.Ledger.Entries() {
		if e.Kind == lab.Started {
			took[e.App] = true
		}
	}
	require.Len(t, took, processes, "processes that ran steps")
}

// processorTimes returns the processor time that the children of this process have used, by
// the names of their programs.
func processorTimes(t *testing.T) map[string]time.Duration {
	t.Helper()
	self, err := process.NewProcess(int32(os.Getpid()))
	require.NoError(t, err)
	used := map[string]time.Duration{}
	var add func(p *process.Process)
	add = func(p *process.Process) {
		children, err := p.ChildrenWithContext(t.Context())
		require.NoError(t, err)
		for _, child := range children {
			name, nameErr := child.NameWithContext(t.Context())
			times, timesErr := child.TimesWithContext(t.Context())
			if nameErr != nil || timesErr != nil {
				continue // it has ended
			}
			used[name] += time.Duration((times.User + times.System) * float64(time.Second))
			add(child)
		}
	}
	add(self)
	return used
}
