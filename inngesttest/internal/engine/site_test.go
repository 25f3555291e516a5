package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// begin is the time at which the tests of flow control start, a Monday.
var begin = time.Date(2030, 1, 7, 8, 0, 0, 0, time.UTC)

// data is the data of the events of the tests.
type data struct {
	ID string  `json:"id,omitempty"`
	N  float64 `json:"n,omitempty"`
}

type input = inngestkit.Input[data]

// A site is an engine with an app that has real functions.
type site struct {
	*Engine

	t      *testing.T
	rows   []Row
	faults []string
	// takes is how long a call of a function takes, by slug.
	takes map[string]time.Duration
}

func newSite(t *testing.T, cfg Config, functions ...inngestkit.Function) *site {
	t.Helper()
	s := &site{t: t, takes: map[string]time.Duration{}}
	if cfg.Version == "" {
		cfg.Version = version.Newest
	}
	cfg.Start, cfg.NoJitter, cfg.Observer = begin, true, s
	s.Engine = New(cfg)
	s.add("test", functions...)
	return s
}

func (s *site) Call(ctx context.Context, c *Call) (context.Context, func(*adapter.Response)) {
	c.Takes = s.takes[c.Run.Function.Slug]
	return ctx, func(*adapter.Response) {}
}

func (s *site) Row(r Row) { s.rows = append(s.rows, r) }

func (s *site) Fault(_ *Run, text string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(text, args...))
}

// add syncs an app with functions.
func (s *site) add(id string, functions ...inngestkit.Function) {
	s.t.Helper()
	app, err := inngestkit.New(inngestkit.Config{
		AppID: id, Dev: true, Logger: slog.New(slog.DiscardHandler), HTTPClient: &http.Client{Transport: s.Engine},
	})
	require.NoError(s.t, err)
	require.NoError(s.t, app.Register(functions...))
	require.NoError(s.t, s.AddApp(s.t.Context(), &App{ID: id, Do: app.Do}))
}

// send sends an event with data and returns its ID, without letting anything happen.
func (s *site) send(name string, d data) (id string) {
	s.t.Helper()
	return s.sendRaw(fmt.Sprintf(`{"name":%q,"data":%s}`, name, encode(s.t, d)))
}

func (s *site) sendRaw(event string) (id string) {
	s.t.Helper()
	ids, err := s.Send([]json.RawMessage{json.RawMessage(event)}, "")
	require.NoError(s.t, err)
	return ids[0]
}

func encode(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return string(encoded)
}

// settle lets happen what is due, and requires that nothing is refused.
func (s *site) settle() {
	s.t.Helper()
	s.Settle(s.t.Context())
	require.Empty(s.t, s.faults)
}

// pass lets time pass.
func (s *site) pass(d time.Duration) {
	s.t.Helper()
	s.AdvanceTo(s.t.Context(), s.Now().Add(d))
	require.Empty(s.t, s.faults)
}

// runsOf returns the runs of a function of the app "test".
func (s *site) runsOf(function string) (runs []*Run) {
	for _, run := range s.Runs() {
		if run.Function.Slug == "test-"+function || run.Function.Slug == function {
			runs = append(runs, run)
		}
	}
	return runs
}

// only returns the only run of a function.
func (s *site) only(function string) *Run {
	s.t.Helper()
	runs := s.runsOf(function)
	require.Len(s.t, runs, 1, "runs of %s", function)
	return runs[0]
}

// starts returns how long after the begin the runs of a function have started.
func (s *site) starts(function string) (starts []time.Duration) {
	for _, run := range s.runsOf(function) {
		if !run.Started.IsZero() {
			starts = append(starts, run.Started.Sub(begin))
		}
	}
	return starts
}

// statuses returns the statuses of the runs of a function.
func (s *site) statuses(function string) (statuses []Status) {
	for _, run := range s.runsOf(function) {
		statuses = append(statuses, run.Status)
	}
	return statuses
}

// text returns the timeline.
func (s *site) text() string {
	var b strings.Builder
	for _, r := range s.rows {
		slug := "-"
		if r.Run != nil {
			slug = r.Run.Function.Slug
		}
		fmt.Fprintf(&b, "%8s %s %s %s\n", r.Time.Sub(begin), slug, r.Step, r.Text)
	}
	return b.String()
}

// says requires that the timeline contains each of the texts.
func (s *site) says(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		require.Contains(s.t, s.text(), text)
	}
}

// on defines a function on an event.
func on(id, event string, handler func(context.Context, input) (any, error), options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent(id, inngestkit.DefineEvent[data](event), handler, options...)
}

// echo returns the ID in the event's data.
func echo(_ context.Context, in input) (any, error) { return in.Event.Data.ID, nil }

// eachVersion runs a test for both versions of the server.
func eachVersion(t *testing.T, test func(t *testing.T, v version.Version)) {
	t.Helper()
	for _, v := range []version.Version{version.Newest, version.Oldest} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			test(t, v)
		})
	}
}
