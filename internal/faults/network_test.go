package faults_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// repeats is whether a fault makes bodies of steps run again.
type repeats int

const (
	never  repeats = iota // the app has not seen the call, or the server has its result
	always                // the result is lost, or the app gets the call twice
)

func (r repeats) check(t *testing.T, v *lab.Verdict) {
	t.Helper()
	if r == always {
		require.Positive(t, v.Repeated)
	} else {
		require.Zero(t, v.Repeated)
	}
}

// callFaults are what the network does to the server's calls.
var callFaults = map[string]struct {
	short   string
	fault   lab.Fault
	repeats repeats
}{
	"refused":                     {"nethttp", lab.Fault{Refuse: true}, never},
	"delayed":                     {"gin", lab.Fault{DelayRequest: 300 * time.Millisecond}, never},
	"cut in the head":             {"echo", lab.Fault{CutRequest: 40}, never},
	"cut in the body":             {"fiber", lab.Fault{CutRequest: -20}, never},
	"half closed":                 {"fiberv3", lab.Fault{HalfClose: true}, never},
	"response delayed":            {"echov5", lab.Fault{DelayResponse: 300 * time.Millisecond}, never},
	"response lost":               {"nethttp", lab.Fault{Reset: true}, always},
	"response cut in status line": {"gin", lab.Fault{CutResponse: 10}, always},
	"response cut in the headers": {"echo", lab.Fault{CutResponse: 60, Reset: true}, always},
	"response cut in the body":    {"fiber", lab.Fault{CutResponse: -2}, always},
	"response reset in the body":  {"fiberv3", lab.Fault{CutResponse: -2, Reset: true}, always},
	"response duplicated":         {"echov5", lab.Fault{DuplicateResponse: true}, never},
	"duplicated at the same time": {"gin", lab.Fault{Duplicates: 1}, always},
	"replayed":                    {"echo", lab.Fault{ReplayAfter: 100 * time.Millisecond}, always},
	"replayed after the end":      {"fiber", lab.Fault{ReplayAfter: 2 * time.Second}, always},
}

// Whatever the network does to a call, its run completes once, and a step runs again only
// if its result was lost or the app got the call twice.
func TestCallsThroughABadNetwork(t *testing.T) {
	t.Parallel()
	for name, test := range callFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, test.short, func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework})
				injected := everyThirdCall(l, func() lab.Fault { return test.fault })
				for _, function := range []string{app.Steps, app.Branches, app.Checkpoints} {
					l.Send(function, 5)
				}
				l.Holds()
				require.GreaterOrEqual(t, injected(), 5, "faults")
				l.Calls.AwaitRepeats()
				test.repeats.check(t, l.Holds()) // calls that the app gets after the end change nothing
			})
		})
	}
}

// everyThirdCall injects a fault into every third call of a function. It returns a function
// that counts them.
func everyThirdCall(l *lab.Lab, fault func() lab.Fault) (injected func() int) {
	var mu sync.Mutex
	calls, faults := 0, 0
	l.Calls.Inject(func(e *lab.Exchange) lab.Fault {
		mu.Lock()
		defer mu.Unlock()
		if e.Run == "" {
			return lab.Fault{}
		}
		if calls++; calls%3 != 1 {
			return lab.Fault{}
		}
		faults++
		return fault()
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return faults
	}
}

// A random mix of all faults, over all functions. The seed fixes the order of the faults;
// which call gets which depends on the server.
func TestRandomNetwork(t *testing.T) {
	t.Parallel()
	const each, seed = 20, 18
	withAdapters(t, "nethttp", func(t *testing.T, framework string) {
		l := lab.New(t, lab.Config{Framework: framework})
		kinds := slices.Sorted(maps.Keys(callFaults))
		random := rand.New(rand.NewPCG(seed, seed))
		injected := everyThirdCall(l, func() lab.Fault { return callFaults[kinds[random.IntN(len(kinds))]].fault })
		for _, function := range []string{app.Steps, app.Branches, app.Checkpoints, app.Answers} {
			l.Send(function, each)
		}
		l.SendData(app.Naps, each, app.Data{Nap: 1000})
		answerAll(t, l, each)
		l.Holds()
		l.Calls.AwaitRepeats()
		v := l.Holds()
		require.Equal(t, 5*each, v.Completed)
		t.Logf("%d faults", injected())
	})
}

// answerAll sends the events that n runs wait for, until all of these have got one.
func answerAll(t *testing.T, l *lab.Lab, n int) {
	t.Helper()
	testsite.Eventually(t, time.Second, func() bool {
		answered := map[string]bool{}
		for _, e := range l.Ledger.Entries() {
			if e.Function == app.Answers && e.Kind == lab.Started && e.Step == "after" {
				answered[e.Run] = true
			}
		}
		for i := range n {
			_, err := l.Server.Send(t.Context(), app.Answered, app.Data{Item: fmt.Sprintf("%s-%d", app.Answers, i)})
			require.NoError(t, err)
		}
		return len(answered) == n
	})
}
