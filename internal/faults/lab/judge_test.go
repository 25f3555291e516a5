package lab

import (
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
	}{
		"a good run":                  {entries: whole, runs: []devserver.Run{completed}},
		"an event without a run":      {entries: whole[:1], broken: "event 1 for naps was accepted, and has 0 runs"},
		"an event with two runs":      {entries: whole, runs: []devserver.Run{completed, completed}, broken: "has 2 runs"},
		"a run that has not ended":    {entries: whole, runs: []devserver.Run{{RunID: run, Status: devserver.RunRunning}}, broken: "has not ended"},
		"a run that failed":           {entries: whole, runs: []devserver.Run{{RunID: run, Status: devserver.RunFailed}}},
		"completed before its step":   {entries: whole[:5], runs: []devserver.Run{completed}, broken: "step after has not finished"},
		"a memoized step again":       {entries: append(whole, of(Started, "before")), runs: []devserver.Run{completed}, broken: "runs again", repeated: 1},
		"a step whose result is lost": {entries: append([]Entry{sent, of(Started, "before"), of(Finished, "before")}, whole[1:]...), runs: []devserver.Run{completed}, repeated: 1},
		"a step of a duplicated call": {
			entries: append(whole, Entry{Kind: Duplicated, Run: run}, of(Started, "after")), runs: []devserver.Run{completed}, repeated: 1,
		},
		"a server that forgot": {
			entries: append(whole, Entry{Kind: Forgotten}, of(Started, "before")), runs: []devserver.Run{completed}, repeated: 1,
		},
		"a durable server that forgot what it had stored": {
			entries: append(whole, Entry{Kind: Forgotten, At: time.Time{}.Add(time.Hour)}, of(Started, "before")),
			runs:    []devserver.Run{completed}, durable: true, broken: "runs again", repeated: 1,
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
			require.Equal(t, c.repeated, v.Repeated)
			if c.broken == "" {
				require.Empty(t, v.Broken)
				return
			}
			require.Len(t, v.Broken, 1)
			require.Contains(t, v.Broken[0], c.broken)
		})
	}
}
