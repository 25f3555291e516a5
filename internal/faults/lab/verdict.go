package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	// Completed, Failed and Cancelled runs are those that the server reports.
	Completed, Failed, Cancelled int
	// Lost events have no run, and the server has ended after it accepted them, or was about
	// to start: it keeps events in memory until it has begun their runs (docs/servers.md).
	Lost int
	// Unreported runs are running according to the server, which ended after their end had
	// reached it, and before it had recorded this.
	Unreported int
	// Started and Finished count bodies of steps.
	Started, Finished int
	// Repeated counts bodies that ran again with a good reason: they had not finished, or
	// their result had not reached the server, or the proxy had duplicated their call.
	Repeated int
	// Unstored is the longest time between a result's delivery and the end of the server,
	// after which the server did not have the result.
	Unstored time.Duration
	// Broken lists the promises that were broken.
	Broken []string
}

// String returns the verdict in one line.
func (v *Verdict) String() string {
	return fmt.Sprintf("%d events, %d lost, %d runs, %d completed, %d failed, %d cancelled, %d unreported; "+
		"%d steps started, %d finished, %d repeated, unstored after %s; %d promises broken",
		v.Events, v.Lost, v.Runs, v.Completed, v.Failed, v.Cancelled, v.Unreported,
		v.Started, v.Finished, v.Repeated, v.Unstored, len(v.Broken))
}

// Judge waits until the runs of all events have ended, or none has ended for
// [Config.Patience], and returns the verdict.
func (l *Lab) Judge() *Verdict {
	l.t.Helper()
	runs, durable, deadline := map[string][]devserver.Run{}, l.cfg.Backend.Durable(), time.Now().Add(l.cfg.Patience)
	entries := l.Ledger.Entries()
	for _, e := range entries {
		if e.Kind != Sent {
			continue
		}
		until := deadline
		if !durable && followed(e.At, entries, Forgotten) {
			until = time.Now() // what has not ended with the server never will
		}
		var ended bool
		if runs[e.Event], ended = l.runsOf(e.Event, until); ended {
			deadline = time.Now().Add(l.cfg.Patience)
		}
	}
	return judge(l.Ledger.Entries(), runs, durable)
}

// Holds judges, and fails the test if a promise was broken, an event was lost or a run has
// not completed.
func (l *Lab) Holds() *Verdict {
	l.t.Helper()
	v := l.Judge()
	l.t.Log(v)
	require.Empty(l.t, v.Broken, "%s", v)
	require.Zero(l.t, v.Lost, "%s", v)
	require.Zero(l.t, v.Unreported, "%s", v)
	require.Equal(l.t, v.Runs, v.Completed, "%s", v)
	return v
}

// runsOf waits for the end of the run of an event. It returns what there is in the end, and
// whether a run has ended.
func (l *Lab) runsOf(eventID string, deadline time.Time) (runs []devserver.Run, ended bool) {
	ctx, cancel := context.WithDeadline(l.t.Context(), deadline)
	defer cancel()
	_, notEnded := l.Server.AwaitRuns(ctx, eventID, 1) // the verdict tells what is missing
	runs, err := l.Server.Runs(l.t.Context(), eventID)
	require.NoError(l.t, err)
	return runs, notEnded == nil
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
		if e.Kind == Forgotten || e.Kind == Up {
			for _, h := range steps {
				h.forget(outageBefore(e, entries), durable)
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
// a step, only knows which calls were duplicated.
type history struct {
	started   bool
	copies    []*copied // of calls of the run, made by the proxy
	delivered time.Time // zero if the server has no result
	memoized  bool      // the server has shown that it has stored the result
	// unstored is how long before the end of the server the last result was delivered, if
	// the server need not have it.
	unstored time.Duration
}

// forget is called after an outage. A durable server only forgets a result that it may not
// have stored.
func (h *history) forget(o outage, durable bool) {
	if h.delivered.IsZero() || durable && (h.memoized || !o.contains(h.delivered)) {
		return
	}
	*h = history{started: h.started, copies: h.copies, unstored: o.to.Sub(h.delivered)}
}

// A copied call may run each step that it lacks, once. Without checkpoints it runs one step.
type copied struct {
	has []string // keys of steps
	ran bool
}

// excuse reports whether a copied call may have run a step again, and takes it that it has. Of
// several it takes the one with the most results: the others may run more of the other steps.
func (h *history) excuse(e Entry) bool {
	if h == nil {
		return false
	}
	var from *copied
	for _, c := range h.copies {
		if !c.ran && !slices.Contains(c.has, keyOf(e.Step)) && (from == nil || len(c.has) > len(from.has)) {
			from = c
		}
	}
	switch {
	case from == nil:
		return false
	case e.Function == app.Checkpoints:
		from.has = append(from.has, keyOf(e.Step))
	default:
		from.ran = true
	}
	return true
}

func (v *Verdict) count(e Entry) {
	switch e.Kind {
	case Sent:
		v.Events++
	case Started:
		v.Started++
	case Finished:
		v.Finished++
	case Delivered, Memoized, Duplicated, Ended, Forgotten, Down, Up, Back:
	}
}

func (v *Verdict) judgeStep(e Entry, step, run *history) {
	switch e.Kind {
	case Started:
		if step.started {
			v.Repeated++
			v.Unstored = max(v.Unstored, step.unstored)
		}
		step.started = true
		if step.delivered.IsZero() {
			return
		}
		if !run.excuse(e) {
			v.brokenf("%s of run %s runs again on %s, %s after its result has reached the server",
				e.Step, e.Run, e.App, e.At.Sub(step.delivered))
		}
	case Delivered:
		step.delivered, step.unstored = e.At, 0
	case Memoized:
		step.memoized = true
		if step.delivered.IsZero() { // the proxy does not see all results, for example none over Connect
			step.delivered = e.At
		}
	case Duplicated:
		step.copies = append(step.copies, &copied{has: e.Has})
	case Sent, Finished, Ended, Forgotten, Down, Up, Back:
	}
}

// judgeEvent judges the runs of an event.
func (v *Verdict) judgeEvent(sent Entry, runs []devserver.Run, entries []Entry) {
	v.Runs += len(runs)
	switch {
	case len(runs) == 0 && followed(sent.At, entries, Forgotten, Back):
		v.Lost++
	case len(runs) != 1:
		v.brokenf("event %s for %s was accepted, and has %d runs instead of one", sent.Event, sent.Function, len(runs))
	}
	for _, run := range runs {
		switch run.Status {
		case devserver.RunCompleted:
			v.Completed++
			v.judgeCompleted(sent, run, entries)
		case devserver.RunFailed:
			v.Failed++
		case devserver.RunCancelled:
			v.Cancelled++
		default:
			if ended(run.RunID, entries) {
				v.Unreported++
				continue
			}
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

// followed reports whether an entry of one of the kinds follows a time.
func followed(at time.Time, entries []Entry, kinds ...Kind) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool { return !e.At.Before(at) && slices.Contains(kinds, e.Kind) })
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
