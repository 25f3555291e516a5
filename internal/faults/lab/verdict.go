package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/faults/app"
)

// A Verdict says what held.
type Verdict struct {
	// Events were accepted by the server, Runs are theirs.
	Events, Runs int
	// Completed and Failed runs are those that the server reports.
	Completed, Failed int
	// Started and Finished count bodies of steps.
	Started, Finished int
	// Repeated counts bodies that ran again with a good reason: they had not finished, or
	// their result had not reached the server, or the proxy had duplicated their call.
	Repeated int
	// Broken lists the promises that were broken.
	Broken []string
}

// String returns the verdict in one line.
func (v *Verdict) String() string {
	return fmt.Sprintf("%d events, %d runs, %d completed, %d failed; "+
		"%d steps started, %d finished, %d repeated; %d promises broken",
		v.Events, v.Runs, v.Completed, v.Failed, v.Started, v.Finished, v.Repeated, len(v.Broken))
}

// storeTime is how long before its end a server may have got a result without having stored
// it.
const storeTime = 5 * time.Second

// Judge waits for the end of the runs of all events, and returns the verdict. Once it has
// waited in vain, it waits only a moment for the others, which have had the same time.
func (l *Lab) Judge() *Verdict {
	l.t.Helper()
	runs := map[string][]devserver.Run{}
	wait := patience
	for _, e := range l.Ledger.Entries() {
		if e.Kind != Sent {
			continue
		}
		var ended bool
		if runs[e.Event], ended = l.runsOf(e.Event, wait); !ended {
			wait = time.Second
		}
	}
	return judge(l.Ledger.Entries(), runs, l.cfg.Backend.Durable())
}

// Holds judges, and fails the test if a promise was broken or a run has not completed.
func (l *Lab) Holds() *Verdict {
	l.t.Helper()
	v := l.Judge()
	l.t.Log(v)
	require.Empty(l.t, v.Broken, "%s", v)
	require.Equal(l.t, v.Runs, v.Completed, "%s", v)
	return v
}

// runsOf waits for the end of the run of an event. It returns what there is in the end, and
// whether the run has ended.
func (l *Lab) runsOf(eventID string, wait time.Duration) (runs []devserver.Run, ended bool) {
	ctx, cancel := context.WithTimeout(l.t.Context(), wait)
	defer cancel()
	_, awaited := l.Server.AwaitRuns(ctx, eventID, 1) // the verdict tells what is missing
	runs, err := l.Server.Runs(l.t.Context(), eventID)
	require.NoError(l.t, err)
	return runs, awaited == nil
}

// judge compares the ledger with the runs of the server, by event. durable servers do not
// lose results that they have stored.
func judge(entries []Entry, runs map[string][]devserver.Run, durable bool) *Verdict {
	v := &Verdict{}
	steps := map[stepKey]*history{}
	for _, e := range entries {
		v.count(e)
		if e.Kind == Sent {
			v.judgeEvent(e, runs[e.Event], entries)
		}
		if e.Kind == Forgotten {
			for _, h := range steps {
				h.forget(e.At, durable)
			}
			continue
		}
		key := stepKey{e.Run, e.Step}
		if steps[key] == nil {
			steps[key] = &history{}
		}
		v.judgeStep(e, steps[key], steps[stepKey{run: e.Run}])
	}
	return v
}

type stepKey struct{ run, step string }

// A history is what has happened to a step of a run so far. That of the run itself, without
// a step, only knows whether a call was duplicated.
type history struct {
	started, duplicated bool
	delivered           time.Time // zero if the server has no result
}

// forget is called when the server has been killed.
func (h *history) forget(at time.Time, durable bool) {
	if !durable || at.Sub(h.delivered) < storeTime {
		h.delivered = time.Time{}
	}
}

func (v *Verdict) count(e Entry) {
	switch e.Kind {
	case Sent:
		v.Events++
	case Started:
		v.Started++
	case Finished:
		v.Finished++
	case Delivered, Duplicated, Forgotten:
	}
}

func (v *Verdict) judgeStep(e Entry, step, run *history) {
	switch e.Kind {
	case Started:
		if step.started {
			v.Repeated++
		}
		step.started = true
		if !step.delivered.IsZero() && (run == nil || !run.duplicated) {
			v.brokenf("%s of run %s runs again on %s, %s after its result has reached the server",
				e.Step, e.Run, e.App, e.At.Sub(step.delivered))
		}
	case Delivered:
		step.delivered = e.At
	case Duplicated:
		step.duplicated = true
	case Sent, Finished, Forgotten:
	}
}

// judgeEvent judges the runs of an event.
func (v *Verdict) judgeEvent(sent Entry, runs []devserver.Run, entries []Entry) {
	v.Runs += len(runs)
	if len(runs) != 1 {
		v.brokenf("event %s for %s was accepted, and has %d runs instead of one", sent.Event, sent.Function, len(runs))
	}
	for _, run := range runs {
		switch run.Status {
		case devserver.RunCompleted:
			v.Completed++
			v.judgeCompleted(sent, run, entries)
		case devserver.RunFailed:
			v.Failed++
		default:
			v.brokenf("run %s of %s has not ended: it is %s", run.RunID, sent.Function, run.Status)
		}
	}
}

// judgeCompleted judges a run that the server reports as completed: its output consists of
// the results of its steps, and each of them has finished in the run.
func (v *Verdict) judgeCompleted(sent Entry, run devserver.Run, entries []Entry) {
	var output string
	if err := json.Unmarshal(run.Output, &output); err != nil {
		v.brokenf("run %s of %s is completed with the output %s, which is not text", run.RunID, sent.Function, run.Output)
		return
	}
	finished := map[string]bool{}
	for _, e := range entries {
		if e.Kind == Finished && e.Run == run.RunID {
			finished[e.Step] = true
		}
	}
	steps := stepsIn(output, sent.Item)
	if !known(sent.Function, steps) {
		v.brokenf("run %s of %s is completed with the output %q, which no build returns for %q",
			run.RunID, sent.Function, output, sent.Item)
	}
	for _, step := range steps {
		if !finished[step] {
			v.brokenf("run %s of %s is completed, and its step %s has not finished", run.RunID, sent.Function, step)
		}
	}
}

func (v *Verdict) brokenf(format string, args ...any) {
	v.Broken = append(v.Broken, fmt.Sprintf(format, args...))
}

// stepsIn returns the IDs of the steps whose results are in an output, or nil if it holds
// anything else.
func stepsIn(output, item string) (ids []string) {
	for result := range strings.SplitSeq(output, " ") {
		id, ok := strings.CutSuffix(result, "("+item+")")
		if !ok {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// known reports whether a build of the function has these steps. During a deploy a run may
// mix the steps of two builds, so steps whose order has changed may come in both orders.
func known(function string, steps []string) bool {
	for _, build := range []app.Build{app.Original, app.Added, app.Removed, app.Renamed, app.Reordered} {
		if strings.Join(app.StepsOf(function, build), " ") == strings.Join(steps, " ") {
			return true
		}
	}
	return false
}
