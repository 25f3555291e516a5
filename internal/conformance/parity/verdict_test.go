package parity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// A Verdict is what a row has done on a target, as text: the notes, and each run with all that
// the app has seen of it, its status and its output.
type Verdict string

// Compare returns the lines in which two verdicts differ, "" if they are equal.
func Compare(a, b Verdict) string {
	if a == b {
		return ""
	}
	left, right := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	common := longestCommon(left, right)
	var diff strings.Builder
	for i, j := 0, 0; i < len(left) || j < len(right); {
		switch {
		case len(common) > 0 && i < len(left) && j < len(right) && left[i] == common[0] && right[j] == common[0]:
			fmt.Fprintf(&diff, "  %s\n", left[i])
			common, i, j = common[1:], i+1, j+1
		case i < len(left) && (len(common) == 0 || left[i] != common[0]):
			fmt.Fprintf(&diff, "- %s\n", left[i])
			i++
		default:
			fmt.Fprintf(&diff, "+ %s\n", right[j])
			j++
		}
	}
	return diff.String()
}

// longestCommon returns the longest common subsequence of two lists of lines.
func longestCommon(a, b []string) (common []string) {
	lengths := make([][]int, len(a)+1)
	for i := range lengths {
		lengths[i] = make([]int, len(b)+1)
	}
	for i, left := range slices.Backward(a) {
		for j, right := range slices.Backward(b) {
			if left == right {
				lengths[i][j] = lengths[i+1][j+1] + 1
			} else {
				lengths[i][j] = max(lengths[i+1][j], lengths[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			common, i, j = append(common, a[i]), i+1, j+1
		case lengths[i+1][j] >= lengths[i][j+1]:
			i++
		default:
			j++
		}
	}
	return common
}

// judge returns the verdict on a row that has run on w, once it no longer changes.
func judge(t testing.TB, w World, p *Probe, unordered bool) Verdict {
	last := look(t, w, p, unordered)
	for range 20 {
		w.LetPass(t, quiet)
		next := look(t, w, p, unordered)
		if next == last {
			return last
		}
		last = next
	}
	require.FailNow(t, "the verdict still changes", "%s", last)
	return ""
}

// quiet is how long a verdict must not change.
const quiet = 500 * time.Millisecond

// look returns the verdict on a row so far.
func look(t testing.TB, w World, p *Probe, unordered bool) Verdict {
	var blocks []string
	for _, function := range slices.Compact(slices.Sorted(slices.Values(p.functions))) {
		for _, id := range []string{function, function + "-failure"} {
			if id == function || len(p.recorder.runsOf(id)) > 0 {
				blocks = append(blocks, runBlocks(t, w, p, id)...)
			}
		}
	}
	notes := p.allNotes()
	if unordered {
		slices.Sort(notes)
	}
	return Verdict(strings.Join(slices.Concat(notes, blocks), "\n") + "\n")
}

// runBlocks describes the runs of a function, in an order that does not depend on the target.
func runBlocks(t testing.TB, w World, p *Probe, id string) []string {
	var blocks []string
	for _, run := range settled(t, w, p.recorder, id) {
		record := p.recorder.of(run.ID)
		lines := append([]string{fmt.Sprintf("run of %s: %s", id, run.Status)}, record.render(oldest(w))...)
		if run.Status == devserver.RunCompleted || run.Status == devserver.RunFailed {
			lines = append(lines, "output "+outputOf(run))
		}
		blocks = append(blocks, strings.Join(lines, "\n    "))
	}
	slices.Sort(blocks)
	return blocks
}

// settleAttempts is how often the target gets time to finish, which is about a minute on a
// server.
const settleAttempts = 80

// settled returns the runs of a function once the target lists all that the app has seen, and
// the app has got the events about those that have ended.
func settled(t testing.TB, w World, recorder *Recorder, id string) []Run {
	for range settleAttempts {
		runs := w.RunsOf(t, id)
		missing := recorder.runsOf(id)
		for _, run := range runs {
			if !awaitsInternal(recorder, run) {
				missing = slices.DeleteFunc(missing, func(id string) bool { return id == run.ID })
			}
		}
		if len(missing) == 0 {
			return runs
		}
		w.LetPass(t, moment)
	}
	require.FailNow(t, "the target does not list all runs of "+id+", or has not sent events about their end")
	return nil
}

// awaitsInternal reports whether a run has ended, but the app has not got the event about it.
// The server sends none about runs that internal events have triggered.
func awaitsInternal(recorder *Recorder, run Run) bool {
	record := recorder.of(run.ID)
	switch run.Status {
	case devserver.RunRunning, devserver.RunSkipped:
		return false
	case devserver.RunCompleted:
		return !record.isFailureHandler() && !record.hasInternal(1)
	default:
		return !record.isFailureHandler() && !record.hasInternal(2)
	}
}

// outputOf returns the output of a run. Of an error it is the name and the message.
func outputOf(run Run) string {
	if run.Status == devserver.RunCompleted {
		return canonical(run.Output)
	}
	if run.Failure != nil {
		return fmt.Sprintf("%s: %s", run.Failure.Name, masked(firstLine(run.Failure.Message)))
	}
	type failure struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	}
	var output struct {
		failure

		// Error has the failure if the server has ended the run, and not the function.
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(run.Output, &output); err != nil {
		return masked(string(run.Output))
	}
	if len(output.Error) > 0 && output.Error[0] == '{' {
		_ = json.Unmarshal(output.Error, &output.failure)
	}
	return fmt.Sprintf("%s: %s", output.Name, masked(firstLine(output.Message)))
}
