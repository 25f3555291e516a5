package limits

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// debounceRun adds events at their times and returns which event starts when.
type debounceRun struct {
	debounces *Debounces[string]
	starts    []string
}

func (r *debounceRun) until(at time.Time) {
	for due, ok := r.debounces.Next(); ok && !due.After(at); due, ok = r.debounces.Next() {
		for _, d := range r.debounces.Due(due) {
			text := fmt.Sprintf("%.2f: %s", seconds(due), d.Event)
			if d.Reencoded {
				text += " through Lua"
			}
			r.starts = append(r.starts, text)
		}
	}
}

func debounced(period, timeout time.Duration, at ...float64) []string {
	r := &debounceRun{debounces: NewDebounces[string](period, timeout)}
	for _, a := range at {
		r.until(after(a))
		r.debounces.Add("k", fmt.Sprint(a), after(a), after(a))
	}
	r.until(after(1_000_000))
	return r.starts
}

// Measured on both servers, which start the runs up to 0.4 s later: period 4 s with an event
// at 3.5 s (one run), 4.3 s and 4.7 s (two runs each); the rows with a timeout.
func TestDebounces(t *testing.T) {
	t.Parallel()
	const s = time.Second
	tests := []struct {
		period, timeout time.Duration
		at              []float64
		want            []string
	}{
		{4 * s, 0, []float64{0}, []string{"5.05: 0"}},
		{4 * s, 0, []float64{0, 3.5}, []string{"8.55: 3.5"}},
		{4 * s, 0, []float64{0, 3.999}, []string{"9.05: 3.999"}},
		{4 * s, 0, []float64{0, 4}, []string{"5.05: 0", "9.05: 4"}},
		{4 * s, 0, []float64{0, 4.3}, []string{"5.05: 0", "9.35: 4.3"}},
		{4 * s, 0, []float64{0, 4.3, 5.2}, []string{"5.05: 0", "10.25: 5.2"}},
		{4 * s, 0, []float64{0, 6}, []string{"5.05: 0", "11.05: 6"}},
		{2 * s, 0, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, []string{"12.05: 9"}},
		// At 3.15 s the timeout shortens the period to 1 s.
		{2 * s, 5 * s, []float64{0, 1.05, 2.1, 3.15, 4.2, 5.25}, []string{"5.20: 3.15 through Lua", "8.30: 5.25 through Lua"}},
		{2 * s, 2500 * time.Millisecond, []float64{0, 0.7}, []string{"2.75: 0.7 through Lua"}},
		// After the timeout, each event within a second restarts it.
		{2 * s, 3 * s, []float64{0, 1.5, 2.4, 3.3, 4.2, 5.1}, []string{"7.15: 5.1 through Lua"}},
		{2 * s, 20 * s, []float64{0}, []string{"3.05: 0"}},
		{2 * s, 20 * s, []float64{0, 1}, []string{"4.05: 1 through Lua"}},
		{5 * s, 2600 * time.Millisecond, []float64{0}, []string{"4.05: 0"}}, // rounded
		{5 * s, 300 * time.Millisecond, []float64{0}, []string{"2.05: 0"}},
		// The fraction of a period counts for the first event only, and not for closing.
		{2500 * time.Millisecond, 0, []float64{0}, []string{"3.55: 0"}},
		{2500 * time.Millisecond, 0, []float64{0, 1}, []string{"4.05: 1"}},
		{2500 * time.Millisecond, 0, []float64{0, 2}, []string{"3.55: 0", "5.55: 2"}},
		{7 * 24 * time.Hour, 0, []float64{0}, []string{"604801.05: 0"}},
	}
	for _, test := range tests {
		require.Equal(t, test.want, debounced(test.period, test.timeout, test.at...),
			"period %s timeout %s events %v", test.period, test.timeout, test.at)
	}
}

// An event with an older ts neither runs nor restarts the period. Measured on both servers:
// period 2 s, an event of a minute before at 1 s; the run started with the first event at
// 3.6 s.
func TestDebouncesNewestEvent(t *testing.T) {
	t.Parallel()
	debounces := NewDebounces[string](2*time.Second, 0)
	due, dropped := debounces.Add("k", "new", after(0), after(0))
	require.InDelta(t, 3.05, seconds(due), 0.0001)
	require.Empty(t, dropped)
	due, dropped = debounces.Add("k", "old", after(-60), after(1))
	require.InDelta(t, 3.05, seconds(due), 0.0001)
	require.Equal(t, []string{"old"}, dropped)
	due, dropped = debounces.Add("k", "same", after(0), after(1))
	require.InDelta(t, 4.05, seconds(due), 0.0001)
	require.Equal(t, []string{"new"}, dropped)
	require.Empty(t, debounces.Due(after(3.05)))
	require.Equal(t, []Debounced[string]{{Key: "k", Event: "same"}}, debounces.Due(after(4.05)))
}

func TestDebouncesKeysAreApart(t *testing.T) {
	t.Parallel()
	debounces := NewDebounces[string](2*time.Second, 0)
	debounces.Add("b", "1", after(0), after(0))
	debounces.Add("a", "2", after(0), after(0))
	debounces.Add("b", "3", after(1), after(1))
	debounces.Add("", "4", after(1), after(1))
	var order []string
	for _, d := range debounces.Due(after(10)) {
		order = append(order, d.Key+d.Event)
	}
	require.Equal(t, []string{"a2", "b3", "4"}, order, "by the time they are due, then as they came")
}
