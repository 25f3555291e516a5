package lab

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/inngestkit/inngestkit/internal/faults/app"
)

// A Ledger records what happened, in the order in which it happened. App processes report
// the start and the end of each step's body before they go on, so that the ledger is
// complete even if they are killed.
type Ledger struct {
	url string

	mu      sync.Mutex
	entries []Entry
	counts  map[counted]int
	orders  []*standing
	changed chan struct{}   // closed by the next entry
	stop    context.Context //nolint:containedctx // ends the wait of reports that are held
}

// An Entry of the ledger.
type Entry struct {
	At   time.Time
	Kind Kind
	// App is the name of the process, where there is one.
	App string
	// Function, Run and Step name the step.
	Function, Run, Step string
	// Event and Item are the ID of an event that was sent and its data.
	Event, Item string
	// Has lists the steps whose results a duplicated call has, by their keys.
	Has []string
}

// Kind is the kind of an [Entry].
type Kind string

const (
	// Sent means that the server has accepted an event.
	Sent Kind = "sent"
	// Started means that the body of a step has begun.
	Started Kind = "started"
	// Finished means that it has ended.
	Finished Kind = "finished"
	// Delivered means that the result of a step has reached the server.
	Delivered Kind = "delivered"
	// Memoized means that the server has passed the result of a step back with a call: the
	// server has stored it.
	Memoized Kind = "memoized"
	// Duplicated means that the proxy has delivered a call of the run once more, so a step whose
	// result the call lacks may run once more; with checkpoints, each of them.
	Duplicated Kind = "duplicated"
	// Ended means that the end of a run has reached the server.
	Ended Kind = "ended"
	// Forgotten means that the server has ended and lost what it had not stored.
	Forgotten Kind = "forgotten"
	// Down means that a database of the server has ended.
	Down Kind = "down"
	// Up means that it responds again.
	Up Kind = "up"
	// Back means that the server has started, and passes on the events that it accepts.
	Back Kind = "back"
)

// A standing order applies to reports that match, as often as left says.
type standing struct {
	match func(app.Report) bool
	order app.Order
	left  int
	hold  <-chan struct{}
}

// newLedger starts a ledger.
func newLedger(t *testing.T) *Ledger {
	t.Helper()
	l := &Ledger{counts: map[counted]int{}, changed: make(chan struct{}), stop: t.Context()}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

// ServeHTTP takes the reports of app processes.
func (l *Ledger) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var report app.Report
	if err := json.NewDecoder(req.Body).Decode(&report); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	kind := Started
	switch {
	case report.Finished:
		kind = Finished
	case report.Memoized:
		kind = Memoized
	}
	l.Add(Entry{Kind: kind, App: report.App, Function: report.Function, Run: report.Run, Step: report.Step})
	order, hold := l.orderFor(report)
	if hold != nil {
		select {
		case <-hold:
		case <-req.Context().Done():
		case <-l.stop.Done():
		}
	}
	_ = json.NewEncoder(w).Encode(order)
}

// Add adds an entry with the current time.
func (l *Ledger) Add(entry Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.At = time.Now()
	l.entries = append(l.entries, entry)
	l.counts[counted{entry.Kind, entry.Step}]++
	if entry.Step != "" {
		l.counts[counted{entry.Kind, ""}]++
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// Entries returns all entries, in order.
func (l *Ledger) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// counted is what Count counts.
type counted struct {
	kind Kind
	step string
}

// Count returns the number of entries of a kind for a step, in all runs. An empty step means
// all steps.
func (l *Ledger) Count(kind Kind, step string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[counted{kind, step}]
}

// Await waits for n entries of a kind for a step. An empty step means all steps.
func (l *Ledger) Await(t *testing.T, kind Kind, step string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for seen := l.Count(kind, step); seen < n; seen = l.Count(kind, step) {
		if !l.AwaitMore(ctx, kind, step, seen) {
			t.Fatalf("the ledger has %d entries %q for step %q instead of %d", seen, kind, step, n)
		}
	}
}

// AwaitMore waits for more entries than seen, and reports whether there are before ctx ends.
func (l *Ledger) AwaitMore(ctx context.Context, kind Kind, step string, seen int) bool {
	for {
		l.mu.Lock()
		changed, n := l.changed, l.counts[counted{kind, step}]
		l.mu.Unlock()
		if n > seen {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// Order gives the next n reports about a step an order: at its start, or at its end.
func (l *Ledger) Order(order app.Order, step string, finished bool, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orders = append(l.orders, &standing{match: reports(step, finished), order: order, left: n})
}

// OrderFor is [Ledger.Order] for the reports of one process.
func (l *Ledger) OrderFor(process string, order app.Order, step string, finished bool, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	match := func(r app.Report) bool { return r.App == process && reports(step, finished)(r) }
	l.orders = append(l.orders, &standing{match: match, order: order, left: n})
}

// Hold holds the next n reports about a step until the function that it returns is called.
func (l *Ledger) Hold(step string, finished bool, n int) (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := make(chan struct{})
	l.orders = append(l.orders, &standing{match: reports(step, finished), left: n, hold: held})
	return sync.OnceFunc(func() { close(held) })
}

func reports(step string, finished bool) func(app.Report) bool {
	return func(r app.Report) bool { return r.Step == step && r.Finished == finished && !r.Memoized }
}

func (l *Ledger) orderFor(report app.Report) (app.Order, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.orders {
		if o.left > 0 && o.match(report) {
			o.left--
			return o.order, o.hold
		}
	}
	return app.Continue, nil
}
