package faults_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// inFlight is how many runs a case has in flight.
const inFlight = 15

// replaceDead waits for the end of the only process, and starts another.
func replaceDead(t *testing.T, l *lab.Lab) {
	t.Helper()
	l.Processes[0].AwaitEnd(t)
	l.Forward()
	l.StartProcess()
}

// A process that is killed in a step, or after its end and before the response, leaves steps
// that run again because the server does not have their results, and nothing else.
func TestKilledInAStep(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		short, function, step string
		finished              bool
	}{
		"in a step":                    {"gin", app.Steps, "three", false},
		"after a step":                 {"echo", app.Steps, "three", true},
		"in a branch":                  {"fiber", app.Branches, "middle", false},
		"after a branch":               {"nethttp", app.Branches, "right", true},
		"in a step with checkpoints":   {"fiberv3", app.Checkpoints, "three", false},
		"after a step with checkpoint": {"echov5", app.Checkpoints, "three", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, test.short, func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework})
				l.Ledger.Order(app.Die, test.step, test.finished, 1)
				l.Send(test.function, inFlight)
				replaceDead(t, l)
				require.Positive(t, l.Holds().Repeated)
				requireFewRepeated(t, l, atATime(test.function))
			})
		})
	}
}

// A process that is killed between two steps of a run leaves nothing to be repeated in this
// run: the server has the result of the first step.
func TestKilledBetweenSteps(t *testing.T) {
	t.Parallel()
	withAdapters(t, "fiber", func(t *testing.T, framework string) {
		l := lab.New(t, lab.Config{Framework: framework})
		first := l.Processes[0]
		var mu sync.Mutex
		run := ""
		l.Calls.Inject(func(e *lab.Exchange) lab.Fault {
			mu.Lock()
			defer mu.Unlock()
			if run != "" && e.Run == run {
				return lab.Fault{Refuse: true} // its next step, which waits for the process to be killed
			}
			return lab.Fault{RewriteResponse: func(e *lab.Exchange) {
				mu.Lock()
				defer mu.Unlock()
				if run == "" && e.Carries("three") {
					run = e.Run
				}
			}, AfterResponse: func() {
				mu.Lock()
				defer mu.Unlock()
				if run != "" && e.Run == run {
					first.Kill(t)
				}
			}}
		})
		l.Send(app.Steps, inFlight)
		first.AwaitEnd(t)
		l.Calls.Inject(func(*lab.Exchange) lab.Fault { return lab.Fault{} })
		replaceDead(t, l)
		l.Holds()
		requireFewRepeated(t, l, atATime(app.Steps))
		require.NotEmpty(t, run)
		require.Empty(t, repeatedSteps(l)[run])
	})
}

// A process that is killed while it answers leaves a truncated response: the server does not
// take it for a result, nor for the end of the run.
func TestKilledWhileAnswering(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		short string
		bytes int
	}{"in the status line": {"gin", 10}, "in the headers": {"echov5", 60}, "in the body": {"fiberv3", -2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, test.short, func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework})
				first := l.Processes[0]
				var cut sync.Once
				l.Calls.Inject(func(e *lab.Exchange) lab.Fault {
					fault := lab.Fault{}
					if e.Run != "" && l.Ledger.Count(lab.Delivered, "two") > 0 {
						cut.Do(func() { fault = lab.Fault{CutResponse: test.bytes, AfterResponse: func() { first.Kill(t) }} })
					}
					return fault
				})
				l.Send(app.Steps, inFlight)
				replaceDead(t, l)
				require.Positive(t, l.Holds().Repeated)
				requireFewRepeated(t, l, atATime(app.Steps))
			})
		})
	}
}

// Runs that sleep or wait for an event do not notice that the process is killed.
func TestKilledDuringAPause(t *testing.T) {
	t.Parallel()
	t.Run("sleep", func(t *testing.T) {
		t.Parallel()
		withAdapters(t, "nethttp", func(t *testing.T, framework string) {
			l := lab.New(t, lab.Config{Framework: framework})
			l.SendData(app.Naps, inFlight, app.Data{Nap: 3000})
			l.Ledger.Await(t, lab.Delivered, "before", inFlight)
			l.Processes[0].Kill(t)
			replaceDead(t, l)
			require.Zero(t, l.Holds().Repeated)
		})
	})
	t.Run("wait for an event", func(t *testing.T) {
		t.Parallel()
		withAdapters(t, "echo", func(t *testing.T, framework string) {
			l := lab.New(t, lab.Config{Framework: framework})
			l.Send(app.Answers, inFlight)
			l.Ledger.Await(t, lab.Delivered, "before", inFlight)
			l.Processes[0].Kill(t)
			replaceDead(t, l)
			answer(t, l)
			require.Zero(t, l.Holds().Repeated)
		})
	})
}

// answer sends the events that runs wait for, again and again, because nothing tells when the
// server has begun to wait.
func answer(t *testing.T, l *lab.Lab) {
	t.Helper()
	entries := l.Ledger.Entries()
	testsite.Eventually(t, time.Second, func() bool {
		for _, e := range entries {
			if e.Kind == lab.Sent {
				_, err := l.Server.Send(t.Context(), app.Answered, app.Data{Item: e.Item})
				require.NoError(t, err)
			}
		}
		return l.Ledger.Count(lab.Started, "after") >= inFlight
	})
}
