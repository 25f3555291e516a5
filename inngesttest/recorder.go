package inngesttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/testhooks"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// A Recorder takes the place of the Inngest server in a test of code that only sends events
// and signals. It accepts them, as far as the server would, and keeps them. Functions do not
// run; [Virtual] runs them.
//
// The code sends with the Recorder's [Recorder.App], with the [Recorder.Context], or through
// the [Recorder.Client].
type Recorder struct {
	tb  testing.TB
	app *inngestkit.App
	// engine checks events as the server does. It has no functions.
	engine *engine.Engine

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when an event arrives
	events   []inngestkit.RawEvent
	signals  []SentSignal
	seeds    map[string]bool // of the requests
	failures []int           // the statuses of the next responses
	latency  time.Duration
}

// A SentSignal is a signal that was sent.
type SentSignal struct {
	Name string
	Data json.RawMessage
}

// NewRecorder returns a recorder whose app has the configuration, or that of an app called
// test in dev mode if none is given. The recorder sets HTTPClient, and Logger unless it is set:
// logs become the test's.
func NewRecorder(tb testing.TB, config ...inngestkit.Config) *Recorder {
	tb.Helper()
	r := &Recorder{
		tb: tb, changed: make(chan struct{}), seeds: map[string]bool{},
		engine: engine.New(engine.Config{Version: version.Newest, Start: time.Now(), Bubble: inBubble(), Seed: 1}),
	}
	c := inngestkit.Config{AppID: testAppID, Dev: true}
	switch len(config) {
	case 0:
	case 1:
		c = config[0]
	default:
		tb.Fatalf("inngesttest: NewRecorder takes one Config at most, and got %d", len(config))
	}
	c.HTTPClient = r.Client()
	if c.Logger == nil {
		c.Logger = testLogger(tb)
	}
	app, err := inngestkit.New(c)
	if err != nil {
		tb.Fatalf("inngesttest: NewRecorder: the configuration of the app: %v", err)
	}
	tb.Cleanup(func() {
		if err := app.Shutdown(context.Background()); err != nil {
			tb.Errorf("inngesttest: the recorder's app: %v", err)
		}
	})
	r.app = app
	return r
}

// App returns an app that sends to the recorder, for code that takes an app. Middleware can be
// added to it.
func (r *Recorder) App() *inngestkit.App { return r.app }

// Client returns an HTTP client whose requests the recorder answers. It is for code that
// builds its own app, as HTTPClient of the Config, and for clients of the SDK.
func (r *Recorder) Client() *http.Client { return &http.Client{Transport: transport(r.roundTrip)} }

// Context returns a context with which every app sends to the recorder, regardless of how the
// app was built. If ctx has no app, the new context has the recorder's, so inngestkit.Send
// works with it.
func (r *Recorder) Context(ctx context.Context) context.Context {
	if inngestkit.FromContext(ctx) == nil {
		ctx = inngestkit.NewContext(ctx, r.app)
	}
	hooks := *testhooks.From(ctx)
	hooks.RoundTrip = r.roundTrip
	return testhooks.NewContext(ctx, &hooks)
}

// Events returns the events that were accepted, in the order in which they arrived. Those that
// were sent without an ID or a time have the server's. [EventsOf] and [RequireEvents] return
// those of one type, with their data decoded.
func (r *Recorder) Events() []inngestkit.RawEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Signals returns the signals that were accepted, in the order in which they arrived.
func (r *Recorder) Signals() []SentSignal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.signals)
}

// Clear forgets the events and signals so far.
func (r *Recorder) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.signals = nil, nil
}

// FailNext makes the next n requests fail with the status, from 400 to 599, or with a refused
// connection if it is 0. Their events and signals are not recorded.
//
// An app retries a request after 429, 5xx and refused connections, with pauses of 0.1 s and
// more for up to 30 s. So FailNext(1, 503) tests that a send survives, and takes a moment. For
// the error after the last attempt, run the test in a bubble of testing/synctest, where the
// pauses take no time, and let 1,000 requests fail. Other statuses, such as 401, fail the send
// at once. A signal that gets 404 fails with inngestkit.ErrNoSignalWaiter.
func (r *Recorder) FailNext(n, status int) {
	r.tb.Helper()
	if n < 1 || status != 0 && (status < http.StatusBadRequest || status > 599) {
		r.tb.Fatalf("inngesttest: FailNext(%d, %d): give a number of requests from 1, and a status from 400 to 599 or 0",
			n, status)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, slices.Repeat([]int{status}, n)...)
}

// Latency makes each response arrive d after the request, 0 at once. Events are recorded when
// the request arrives, so a send whose context ends earlier fails although its events were
// accepted. In a bubble of testing/synctest this takes no time.
func (r *Recorder) Latency(d time.Duration) {
	r.tb.Helper()
	if d < 0 {
		r.tb.Fatalf("inngesttest: Latency has the negative duration %s", d)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latency = d
}

// waitingLog is after how much waiting Await logs what it waits for.
const waitingLog = 10 * time.Second

// Await waits until at least n events have been recorded, and returns them. It is for code
// that sends on goroutines of its own. It fails the test when ctx is done, or shortly before
// the timeout of go test.
func (r *Recorder) Await(ctx context.Context, n int) []inngestkit.RawEvent {
	r.tb.Helper()
	ctx, cancel := untilDeadline(ctx, r.tb)
	defer cancel()
	slow := time.NewTimer(waitingLog)
	defer slow.Stop()
	for {
		r.mu.Lock()
		events, changed := slices.Clone(r.events), r.changed
		r.mu.Unlock()
		if len(events) >= n {
			return events
		}
		select {
		case <-changed:
		case <-slow.C:
			r.tb.Logf("inngesttest: Await still waits: %d of %d events were recorded", len(events), n)
		case <-ctx.Done():
			r.tb.Fatalf("inngesttest: Await: %v, and %d of %d events were recorded:%s",
				context.Cause(ctx), len(events), n, listed(events))
		}
	}
}

// untilDeadline returns a context that ends a second before the timeout of go test.
func untilDeadline(ctx context.Context, tb testing.TB) (context.Context, context.CancelFunc) {
	tb.Helper()
	deadline, ok := deadlineOf(tb)
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadlineCause(ctx, deadline.Add(-time.Second), errDeadline)
}

var errDeadline = errors.New("the timeout of go test is near")

// deadlineOf returns when go test ends the test. A bubble of testing/synctest has no such time:
// Deadline panics there, and a test that waits forever ends as a deadlock.
func deadlineOf(tb testing.TB) (deadline time.Time, ok bool) {
	tb.Helper()
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	if timed, isTest := tb.(interface{ Deadline() (time.Time, bool) }); isTest {
		return timed.Deadline()
	}
	return deadline, false
}

// RequireEvents fails the test unless exactly n events of the type were recorded, and returns
// them with their data decoded.
func RequireEvents[T any](r *Recorder, eventType inngestkit.EventType[T], n int) []inngestkit.Event[T] {
	r.tb.Helper()
	events := EventsOf(r, eventType)
	if len(events) != n {
		r.tb.Fatalf("inngesttest: %d events %q were recorded instead of %d. All events:%s",
			len(events), eventType.Name(), n, listed(r.Events()))
	}
	return events
}

// RequireNothing fails the test if events or signals were recorded.
func (r *Recorder) RequireNothing() {
	r.tb.Helper()
	if events := r.Events(); len(events) > 0 {
		r.tb.Fatalf("inngesttest: events were recorded:%s", listed(events))
	}
	for _, s := range r.Signals() {
		r.tb.Fatalf("inngesttest: signal %q was recorded, with data %s", s.Name, s.Data)
	}
}

// maxListed is how many events a failure lists.
const maxListed = 20

// listed returns events in the form of failures, one a line.
func listed(events []inngestkit.RawEvent) string {
	if len(events) == 0 {
		return " none"
	}
	var b strings.Builder
	for _, e := range events[:min(len(events), maxListed)] {
		fmt.Fprintf(&b, "\n\t%s %s", e.Name, e.Data)
	}
	if more := len(events) - maxListed; more > 0 {
		fmt.Fprintf(&b, "\n\tand %d more", more)
	}
	return b.String()
}
