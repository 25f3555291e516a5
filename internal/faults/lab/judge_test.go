package lab

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// The verdict names each promise that a run breaks.
func TestJudge(t *testing.T) {
	t.Parallel()
	const event, run, item = "event 1", "run 1", "x"
	sent := Entry{Kind: Sent, Function: "naps", Event: event, Item: item}
	of := func(kind Kind, step string) Entry { return Entry{Kind: kind, Run: run, Step: step} }
	completed := devserver.Run{RunID: run, Status: devserver.RunCompleted, Output: []byte(`"before(x) after(x)"`)}
	whole := []Entry{
		sent, of(Started, "before"), of(Finished, "before"), of(Delivered, "before"),
		of(Started, "after"), of(Finished, "after"), of(Delivered, "after"),
	}
	for name, c := range map[string]struct {
		entries  []Entry
		runs     []devserver.Run
		durable  bool
		broken   string // in the only broken promise
		repeated int

		lost, unreported int
	}{
		"a good run":                  {entries: whole, runs: []devserver.Run{completed}},
		"an event without a run":      {entries: whole[:1], broken: "event 1 for naps was accepted, and has 0 runs"},
		"an event with two runs":      {entries: whole, runs: []devserver.Run{completed, completed}, broken: "has 2 runs"},
		"a run that has not ended":    {entries: whole, runs: []devserver.Run{{RunID: run, Status: devserver.RunRunning}}, broken: "has not ended"},
		"a run that failed":           {entries: whole, runs: []devserver.Run{{RunID: run, Status: devserver.RunFailed}}},
		"completed before its step":   {entries: whole[:5], runs: []devserver.Run{completed}, broken: "step after has not finished"},
		"a memoized step again":       {entries: append(slices.Clone(whole), of(Started, "before")), runs: []devserver.Run{completed}, broken: "runs again", repeated: 1},
		"a step whose result is lost": {entries: append([]Entry{sent, of(Started, "before"), of(Finished, "before")}, whole[1:]...), runs: []devserver.Run{completed}, repeated: 1},
		"a step that a duplicated call lacks": {
			entries: append(slices.Clone(whole), Entry{Kind: Duplicated, Run: run, Has: []string{keyOf("before")}}, of(Started, "after")),
			runs:    []devserver.Run{completed}, repeated: 1,
		},
		"steps of two copies, the one with more results first": {
			entries: append(slices.Clone(whole), Entry{Kind: Duplicated, Run: run},
				Entry{Kind: Duplicated, Run: run, Has: []string{keyOf("before")}}, of(Started, "after"), of(Started, "before")),
			runs: []devserver.Run{completed}, repeated: 2,
		},
		"a step that a duplicated call has": {
			entries: append(slices.Clone(whole), Entry{Kind: Duplicated, Run: run, Has: []string{keyOf("before")}}, of(Started, "before")),
			runs:    []devserver.Run{completed}, broken: "runs again", repeated: 1,
		},
		"steps of a copy that runs one": {
			entries: append(slices.Clone(whole), Entry{Kind: Duplicated, Run: run}, of(Started, "before"), of(Started, "after")),
			runs:    []devserver.Run{completed}, broken: "runs again", repeated: 2,
		},
		"a step that runs more often than its call was duplicated": {
			entries: append(slices.Clone(whole), Entry{Kind: Duplicated, Run: run}, of(Started, "after"), of(Started, "after")),
			runs:    []devserver.Run{completed}, broken: "runs again", repeated: 2,
		},
		"a server that forgot": {
			entries: append(slices.Clone(whole), Entry{Kind: Forgotten}, of(Started, "before")), runs: []devserver.Run{completed}, repeated: 1,
		},
		"a durable server that forgot what it had stored": {
			entries: append(slices.Clone(whole), Entry{Kind: Forgotten, At: time.Time{}.Add(time.Hour)}, of(Started, "before")),
			runs:    []devserver.Run{completed}, durable: true, broken: "runs again", repeated: 1,
		},
		"a durable server that may not have stored a result": {
			entries: append(slices.Clone(whole), Entry{Kind: Forgotten}, of(Started, "before")), runs: []devserver.Run{completed}, durable: true, repeated: 1,
		},
		"a durable server that forgot what it had shown": {
			entries: append(slices.Clone(whole), of(Memoized, "before"), Entry{Kind: Forgotten}, of(Started, "before")),
			runs:    []devserver.Run{completed}, durable: true, broken: "runs again", repeated: 1,
		},
		"a memoized step again, over Connect": {
			entries: []Entry{
				sent, of(Started, "before"), of(Finished, "before"), of(Memoized, "before"), of(Started, "before"),
				of(Started, "after"), of(Finished, "after"),
			},
			runs: []devserver.Run{completed}, broken: "runs again", repeated: 1,
		},
		"an event in the memory of a server that ends": {entries: []Entry{sent, {Kind: Forgotten}}, lost: 1},
		"an event of a server that starts":             {entries: []Entry{sent, {Kind: Back}}, lost: 1},
		"an event after the start of the server":       {entries: []Entry{{Kind: Forgotten}, {Kind: Back}, sent}, broken: "has 0 runs"},
		"two runs of an event, and the server has ended": {
			entries: append(slices.Clone(whole), Entry{Kind: Forgotten}), runs: []devserver.Run{completed, completed}, broken: "has 2 runs",
		},
		"a run whose end the server has not recorded": {
			entries: append(slices.Clone(whole), of(Ended, ""), Entry{Kind: Forgotten}), runs: []devserver.Run{{RunID: run, Status: devserver.RunRunning}},
			unreported: 1,
		},
		"a result that came while a database was down": {
			entries: append([]Entry{{Kind: Down}}, append(slices.Clone(whole), Entry{Kind: Up}, of(Started, "before"))...),
			runs:    []devserver.Run{completed}, durable: true, repeated: 1,
		},
		"a result that came when the database was back": {
			entries: append([]Entry{{Kind: Down}, {Kind: Up}}, append(slices.Clone(whole), of(Started, "before"))...),
			runs:    []devserver.Run{completed}, durable: true, broken: "runs again", repeated: 1,
		},
		"a run that ends while a database is down": {
			entries: append([]Entry{{Kind: Down}}, append(slices.Clone(whole), of(Ended, ""), Entry{Kind: Up})...),
			runs:    []devserver.Run{{RunID: run, Status: devserver.RunRunning}}, unreported: 1,
		},
		"a run that ends after the start of the server": {
			entries: append(slices.Clone(whole), Entry{Kind: Forgotten}, of(Ended, "")), runs: []devserver.Run{{RunID: run, Status: devserver.RunRunning}},
			broken: "has not ended",
		},
		"an output without results": {
			entries: whole, runs: []devserver.Run{{RunID: run, Status: devserver.RunCompleted, Output: []byte(`null`)}}, broken: "no build returns",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries := make([]Entry, len(c.entries))
			for i, e := range c.entries {
				if e.At.IsZero() {
					e.At = time.Time{}.Add(time.Minute + time.Duration(i))
				}
				entries[i] = e
			}
			v := judge(entries, map[string][]devserver.Run{event: c.runs}, c.durable)
			require.Equal(t, []int{c.repeated, c.lost, c.unreported}, []int{v.Repeated, v.Lost, v.Unreported})
			if c.broken == "" {
				require.Empty(t, v.Broken)
				return
			}
			require.Len(t, v.Broken, 1)
			require.Contains(t, v.Broken[0], c.broken)
		})
	}
}
