package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// sendN sends n events with IDs from 1 in one instant.
func (s *site) sendN(name string, n int) {
	s.t.Helper()
	for i := range n {
		s.send(name, data{ID: strconv.Itoa(i + 1)})
	}
}

// outputs returns the outputs of the runs of a function.
func (s *site) outputs(function string) (outputs []string) {
	for _, run := range s.runsOf(function) {
		outputs = append(outputs, string(run.Output))
	}
	return outputs
}

func seconds(all ...float64) (durations []time.Duration) {
	for _, s := range all {
		durations = append(durations, time.Duration(s*float64(time.Second)))
	}
	return durations
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		option         inngestkit.Option
		newest, oldest []time.Duration
	}{
		"one":     {flow.Throttle(1, 10*time.Second), seconds(0, 10, 20, 30, 40), seconds(0, 10, 20, 30, 40)},
		"several": {flow.Throttle(2, 10*time.Second), seconds(0, 0, 5, 10, 15), seconds(0, 0, 5, 10, 15)},
		"burst":   {flow.Throttle(1, 10*time.Second, flow.Burst(2)), seconds(0, 0, 0, 10, 20), seconds(0, 0, 10, 10, 20)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachVersion(t, func(t *testing.T, v version.Version) {
				s := newSite(t, Config{Version: v}, on("f", "x", echo, test.option))
				s.sendN("x", 5)
				s.pass(time.Minute)
				want := test.newest
				if v == version.Oldest {
					want = test.oldest
				}
				require.Equal(t, want, s.starts("f"))
				require.Equal(t, []string{`"1"`, `"2"`, `"3"`, `"4"`, `"5"`}, s.outputs("f"))
				s.says("waits for the throttle of")
			})
		})
	}
	t.Run("key", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, Config{}, on("f", "x", echo, flow.Throttle(1, 10*time.Second, flow.Key("event.data.id"))))
		for _, id := range []string{"a", "b", "a"} {
			s.send("x", data{ID: id})
		}
		s.pass(time.Minute)
		require.Equal(t, seconds(0, 0, 10), s.starts("f"))
		s.says(`waits for the throttle of 1 per 10s of key "a"`)
	})
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, on("f", "x", echo, flow.RateLimit(2, 10*time.Second, flow.Key("event.data.id"))))
		for _, id := range []string{"a", "a", "b"} {
			s.send("x", data{ID: id})
		}
		s.pass(5 * time.Second)
		s.send("x", data{ID: "a"})
		s.send("x", data{})
		s.send("x", data{})
		s.settle()
		require.Equal(t, []string{`"a"`, `"b"`, `"a"`, `""`, `""`}, s.outputs("f"), "a key that is missing does not count")
		s.says(`event "x" starts no run of test-f: the rate limit of key "a" is reached, for 5s`,
			`event "x" does not count under the rate limit of test-f: its key event.data.id is false`)
	})
}

func TestIdempotencyOption(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", echo, flow.Idempotency("event.data.id")))
	for _, id := range []string{"a", "b", "a"} {
		s.send("x", data{ID: id})
	}
	s.pass(24*time.Hour + time.Second)
	s.send("x", data{ID: "a"})
	s.settle()
	require.Equal(t, []string{`"a"`, `"b"`, `"a"`}, s.outputs("f"))
	s.says(`starts no run of test-f: the option idempotency of key "a" is reached, for 1d`)
}

// slow returns a function whose calls take a minute, and a site with it.
func slow(t *testing.T, v version.Version, options ...inngestkit.Option) *site {
	s := newSite(t, Config{Version: v}, on("f", "x", echo, options...), on("g", "y", echo, options...))
	s.takes["test-f"], s.takes["test-g"] = time.Minute, time.Minute
	return s
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		for name, test := range map[string]struct {
			options []inngestkit.Option
			events  []string // name and ID
			f, g    []time.Duration
			says    string
		}{
			"of a function": {
				[]inngestkit.Option{flow.Concurrency(2)}, []string{"x1", "x2", "x3", "y4"},
				seconds(0, 0, 60), seconds(0), "waits for concurrency 2",
			},
			"of a key": {
				[]inngestkit.Option{flow.Concurrency(1, flow.Key("event.data.id"))}, []string{"xa", "xa", "xb", "ya"},
				seconds(0, 60, 0), seconds(0), `waits for concurrency 1 of key "a"`,
			},
			"of a key in the environment": {
				[]inngestkit.Option{flow.Concurrency(1, flow.Key("event.data.id"), flow.Scope(flow.ScopeEnv))}, []string{"xa", "ya", "yb"},
				seconds(0), seconds(60, 0), `waits for concurrency 1 of key "a" in the env`,
			},
			"of a constant in the account": {
				[]inngestkit.Option{flow.Concurrency(1, flow.Key(`"all"`), flow.Scope(flow.ScopeAccount))}, []string{"xa", "ya", "yb"},
				seconds(0), seconds(60, 120), `waits for concurrency 1 of key "all" in the account`,
			},
			"two limits": {
				[]inngestkit.Option{flow.Concurrency(1, flow.Key("event.data.id")), flow.Concurrency(2)}, []string{"xa", "xa", "xb", "xc"},
				seconds(0, 60, 0, 60), nil, "waits for concurrency 2",
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := slow(t, v, test.options...)
				for _, ev := range test.events {
					s.send(ev[:1], data{ID: ev[1:]})
				}
				s.pass(10 * time.Minute)
				require.Equal(t, test.f, s.starts("f"), s.text())
				require.Equal(t, test.g, s.starts("g"), s.text())
				s.says(test.says)
			})
		}
	})
}

func TestSleepingRunsTakeNoConcurrency(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", func(ctx context.Context, in input) (any, error) {
		step.Sleep(ctx, "sleep", time.Hour)
		return in.Event.Data.ID, nil
	}, flow.Concurrency(1)))
	s.sendN("x", 3)
	s.pass(time.Hour)
	require.Equal(t, seconds(0, 0, 0), s.starts("f"))
	require.Equal(t, []string{`"1"`, `"2"`, `"3"`}, s.outputs("f"))
}

func TestFnConcurrency(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, on("f", "x", func(ctx context.Context, _ input) (any, error) {
			step.Sleep(ctx, "sleep", time.Minute)
			return nil, nil
		}, flow.FnConcurrency(1, flow.Key("event.data.id"))))
		for _, id := range []string{"a", "a", "b"} {
			s.send("x", data{ID: id})
		}
		s.pass(10 * time.Minute)
		if v == version.Oldest {
			require.Equal(t, seconds(0, 0, 0), s.starts("f"))
			return
		}
		require.Equal(t, seconds(0, 60, 0), s.starts("f"))
		s.says(`waits for FnConcurrency 1 of key "a"`)
	})
}

// A server of the newest version takes a second place for the retry of a first call.
func TestFnConcurrencyWaitsForItself(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", func(context.Context, input) (any, error) {
		return nil, errors.New("not yet")
	}, flow.FnConcurrency(1)))
	s.send("x", data{})
	s.AdvanceTo(t.Context(), begin.Add(time.Hour))
	require.Len(t, s.faults, 1)
	require.Contains(t, s.faults[0], "the run waits for itself forever")
}

func TestPriority(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := slow(t, v, flow.Concurrency(1), flow.Priority("int(event.data.n)"))
		s.send("x", data{ID: "holds"})
		s.settle()
		for i, p := range []float64{0, 100, -100, 300} {
			s.pass(time.Second)
			s.send("x", data{ID: strconv.Itoa(i), N: p})
		}
		s.pass(10 * time.Minute)
		require.Equal(t, seconds(0, 180, 120, 240, 60), s.starts("f"), s.text())
		s.says("goes ahead by 300 s because of its priority")
	})
}

func TestPriorityThatIsNoInteger(t *testing.T) {
	t.Parallel()
	s := slow(t, version.Newest, flow.Concurrency(1), flow.Priority("event.data.n"))
	for i, p := range []float64{0, 0, 100} {
		s.send("x", data{ID: strconv.Itoa(i), N: p})
		s.pass(time.Second)
	}
	s.pass(10 * time.Minute)
	require.Equal(t, seconds(0, 60, 120), s.starts("f"))
}

func TestSingleton(t *testing.T) {
	t.Parallel()
	sleeps := func(ctx context.Context, in input) (any, error) {
		step.Sleep(ctx, "sleep", time.Minute)
		return in.Event.Data.ID, nil
	}
	eachVersion(t, func(t *testing.T, v version.Version) {
		t.Run("skip", func(t *testing.T) {
			t.Parallel()
			s := newSite(t, Config{Version: v}, on("f", "x", sleeps, flow.Singleton(flow.SingletonSkip, flow.Key("event.data.id"))))
			var ids []string
			for _, id := range []string{"a", "a", "b", "", ""} {
				ids = append(ids, s.send("x", data{ID: id}))
			}
			s.pass(2 * time.Minute)
			s.send("x", data{ID: "a"})
			s.pass(2 * time.Minute)
			want := []Status{Completed, Skipped, Completed, Completed, Completed, Completed}
			if v == version.Oldest {
				want = []Status{Completed, Completed, Completed, Completed, Completed}
			}
			require.Equal(t, want, s.statuses("f"), s.text())
			require.Empty(t, s.RunsOf(ids[1]))
			s.says("of the singleton is under way", "does not count as a singleton: its key event.data.id is false")
		})
		t.Run("cancel", func(t *testing.T) {
			t.Parallel()
			s := newSite(t, Config{Version: v}, on("f", "x", sleeps, flow.Singleton(flow.SingletonCancel)))
			s.sendN("x", 3)
			s.pass(2 * time.Minute)
			require.Equal(t, []Status{Cancelled, Cancelled, Completed}, s.statuses("f"))
			s.says("is cancelled because run " + s.runsOf("f")[2].ID + " of the singleton starts")
		})
	})
}

// Two events whose key cannot be evaluated, as seen on servers.
func TestKeysThatFail(t *testing.T) {
	t.Parallel()
	handler := func(ctx context.Context, in inngestkit.Input[json.RawMessage]) (any, error) {
		step.Sleep(ctx, "sleep", time.Minute)
		return len(in.Events), nil
	}
	key := flow.Key(`event.data.id.startsWith("a")`)
	for name, test := range map[string]struct {
		option inngestkit.Option
		starts []time.Duration
		says   string
	}{
		"batch":           {flow.BatchEvents(2, time.Second, key), nil, "of its batch fails"},
		"batch condition": {flow.BatchEvents(2, time.Second, flow.If(`event.data.id.startsWith("a")`)), seconds(0, 0), "starts a run alone"},
		"debounce":        {flow.Debounce(10*time.Second, key), seconds(11.05), `of key "<invalid>"`},
		"rate limit":      {flow.RateLimit(1, time.Hour, key), nil, "of the rate limit fails"},
		"idempotency":     {flow.Idempotency(`event.data.id.startsWith("a")`), nil, "of the option idempotency fails"},
		"throttle":        {flow.Throttle(1, time.Hour, key), seconds(0, 3600), `of key "false"`},
		"concurrency":     {flow.Concurrency(1, key), seconds(0, 0), `of key "false"`},
		"singleton":       {flow.Singleton(flow.SingletonSkip, key), seconds(0, 0), "does not count as a singleton: its key"},
		"runs at a time":  {flow.FnConcurrency(1, key), seconds(0, 60), `waits for FnConcurrency 1 of key ""`},
		"priority":        {flow.Priority(`int(event.data.id.startsWith("a"))`), seconds(0, 0), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, Config{}, inngestkit.OnEvent("f", inngestkit.DefineEvent[json.RawMessage]("x"), handler, test.option))
			s.sendRaw(`{"name":"x","data":{"id":7}}`)
			s.sendRaw(`{"name":"x","data":{"id":7}}`)
			s.pass(2 * time.Hour)
			require.Equal(t, test.starts, s.starts("f"), s.text())
			s.says(test.says)
		})
	}
}
