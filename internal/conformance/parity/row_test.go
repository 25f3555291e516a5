package parity

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A Row is a scenario that runs on each target. Its verdict is in testdata.
type Row struct {
	// Name begins the IDs of its functions.
	Name string
	// Functions returns its functions, made with [On] and p.
	Functions func(p *Probe) []inngestkit.Function
	// Drive lets the functions run.
	Drive func(t testing.TB, w World, p *Probe)
	// Oldest is why the verdict of the oldest supported server differs from that of newer
	// ones. Empty means that it does not.
	Oldest string
	// Unordered is why the order of the notes is left to chance. Empty means that it counts.
	Unordered string
}

// Data is the data of all events.
type Data struct {
	ID     string `json:"id"`
	Plan   string `json:"plan,omitempty"`
	Number int64  `json:"number,omitempty"`
	URL    string `json:"url,omitempty"`
}

// In is the input of all functions.
type In = inngestkit.Input[Data]

// A Probe is the view of a row on one target. Its counter counts what the callbacks of the row
// do.
type Probe struct {
	testsite.Counter

	row       string
	recorder  *Recorder
	functions []string
	gate      chan struct{} // holds calls until the row closes it

	mu    sync.Mutex
	notes []string
	times map[string]time.Time

	gauges gauges
}

func newProbe(row string, recorder *Recorder) *Probe {
	return &Probe{row: row, recorder: recorder, gate: make(chan struct{})}
}

// Event returns the event that triggers the function id.
func (p *Probe) Event(id string) inngestkit.EventType[Data] {
	return inngestkit.DefineEvent[Data](p.name(id), inngestkit.AdditionalProperties())
}

// Note adds a line to the verdict.
func (p *Probe) Note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notes = append(p.notes, text)
}

// name returns the ID of a function. The function "" has the name of the row.
func (p *Probe) name(id string) string {
	if id == "" {
		return p.row
	}
	return p.row + "-" + id
}

// allNotes returns all lines so far.
func (p *Probe) allNotes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.notes)
}

// watched adds a function of the row, whose runs are part of the verdict.
func (p *Probe) watched(id string) string {
	name := p.name(id)
	p.functions = append(p.functions, name)
	return name
}

// On defines a function of a row on the event of the same name.
func On[R any](
	p *Probe, id string, handler func(ctx context.Context, in In) (R, error), options ...inngestkit.Option,
) inngestkit.TypedFunction[Data, R] {
	return inngestkit.OnEvent(p.watched(id), p.Event(id), handler, options...)
}

// OnTrigger defines a function of a row on any trigger.
func OnTrigger[T, R any](
	p *Probe, id string, trigger inngestkit.Trigger[T],
	handler func(ctx context.Context, in inngestkit.Input[T]) (R, error), options ...inngestkit.Option,
) inngestkit.TypedFunction[T, R] {
	return inngestkit.OnEvent(p.watched(id), trigger, handler, options...)
}

// noteIf adds a line to the verdict if the condition holds, and its opposite otherwise.
func (p *Probe) noteIf(holds bool, text string) {
	if !holds {
		text = "not: " + text
	}
	p.Note(text)
}

// clock records when a callback of the row has come to a point, for the first time.
func (p *Probe) clock(point string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.times == nil {
		p.times = map[string]time.Time{}
	}
	if p.times[point].IsZero() {
		p.times[point] = time.Now()
	}
}

// hold holds a call until the row closes the gate.
func (p *Probe) hold(ctx context.Context) error {
	select {
	case <-p.gate:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// clocked runs a step that records when it runs.
func (p *Probe) clocked(ctx context.Context, id string) (string, error) {
	return step.Run(ctx, id, func(context.Context) (string, error) {
		p.clock(id)
		return id, nil
	})
}

// passed returns the time between two points, in any order.
func (p *Probe) passed(from, to string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.times[to].Sub(p.times[from]).Abs()
}

// until gives the target time until a condition holds.
func until(t testing.TB, w World, holds func() bool) {
	for range settleAttempts {
		if holds() {
			return
		}
		w.LetPass(t, moment)
	}
	require.FailNow(t, "it never happened")
}

// atLeast sends one event, waits for the end of its run, and notes whether a time has passed
// between two points.
func atLeast(from, to string, d time.Duration) func(t testing.TB, w World, p *Probe) {
	return func(t testing.TB, w World, p *Probe) {
		w.Ended(t, w.Send(t, p.Event("").New(Data{}))...)
		p.noteIf(p.passed(from, to) >= d, "from "+from+" to "+to+" at least "+d.String())
	}
}
