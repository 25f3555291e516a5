package engine

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// waiting returns a handler that waits for the event "go" and returns its ID, or "timeout".
func waiting(options ...step.WaitOption) func(context.Context, input) (any, error) {
	options = append(options, step.Timeout(time.Hour))
	return func(ctx context.Context, _ input) (any, error) {
		ev, err := step.WaitForEvent(ctx, "wait", inngestkit.DefineEvent[data]("go"), options...)
		if errors.Is(err, step.ErrTimeout) {
			return "timeout", nil
		}
		return ev.Data.ID, err
	}
}

func TestWaitForEvent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		condition string
		start, ev string // data of the events
		want      string
		says      string
	}{
		"any":              {"", `{}`, `{"id":"a"}`, `"a"`, `receives event "go"`},
		"met":              {"async.data.n > 1", `{}`, `{"id":"a","n":2}`, `"a"`, ""},
		"not met":          {"async.data.n > 1", `{}`, `{"id":"a","n":1}`, `"timeout"`, "the condition async.data.n > 1 is false"},
		"of both events":   {"async.data.n == event.data.n", `{"n":3}`, `{"id":"a","n":3}`, `"a"`, ""},
		"differ":           {"async.data.n == event.data.n", `{"n":3}`, `{"id":"a","n":4}`, `"timeout"`, ""},
		"both lack it":     {"event.data.n == async.data.n", `{}`, `{"id":"a"}`, `"a"`, "async.data.n == null"},
		"the other way":    {"async.data.n == event.data.n", `{}`, `{"id":"a"}`, `"timeout"`, "event.data.n is missing"},
		"one has it":       {"async.data.n == event.data.n", `{}`, `{"id":"a","n":1}`, `"timeout"`, ""},
		"fails":            {`async.data.id.startsWith("a")`, `{}`, `{"id":7}`, `"timeout"`, ""},
		"not a text, true": {`async.data.n == 2`, `{}`, `{"id":"a","n":2}`, `"a"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachVersion(t, func(t *testing.T, v version.Version) {
				var options []step.WaitOption
				if test.condition != "" {
					options = append(options, step.If(test.condition))
				}
				s := newSite(t, Config{Version: v}, on("f", "x", waiting(options...)))
				s.sendRaw(`{"name":"x","data":` + test.start + `}`)
				s.settle()
				s.pass(time.Minute)
				s.sendRaw(`{"name":"go","data":` + test.ev + `}`)
				s.settle()
				s.pass(time.Hour)
				require.Equal(t, test.want, string(s.only("f").Output), s.text())
				s.says(test.says)
			})
		})
	}
}

func TestWaitTimesOutAtItsTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", waiting()))
	s.send("x", data{})
	s.pass(time.Hour - time.Millisecond)
	require.Equal(t, Running, s.only("f").Status)
	require.Equal(t, `event "go"`, s.only("f").Steps[0].Waits)
	s.pass(time.Millisecond)
	require.Equal(t, `"timeout"`, string(s.only("f").Output))
	s.send("go", data{ID: "late"})
	s.settle()
	require.Empty(t, s.waits)
	s.says(`times out: event "go"`)
}

func TestEventBeforeTheWaitDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", func(ctx context.Context, in input) (any, error) {
		_, err := step.SendEvent(ctx, "send", inngestkit.DefineEvent[data]("go").New(data{ID: "early"}))
		if err != nil {
			return nil, err
		}
		return waiting()(ctx, in)
	}))
	s.send("x", data{})
	s.pass(2 * time.Hour)
	require.Equal(t, `"timeout"`, string(s.only("f").Output))
	s.says(`race: event "go" arrived at the same time, just before the wait began, and is not received`)
}

// An event that arrives in the instant in which a wait begins, but before it.
func TestEventThatArrivesJustBeforeTheWait(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{},
		on("sender", "x", func(ctx context.Context, _ input) (any, error) {
			step.Sleep(ctx, "sleep", time.Minute)
			return step.SendEvent(ctx, "send", inngestkit.DefineEvent[data]("go").New(data{ID: "early"}))
		}),
		on("f", "x", func(ctx context.Context, in input) (any, error) {
			step.Sleep(ctx, "sleep", time.Minute)
			return waiting()(ctx, in)
		}))
	s.send("x", data{})
	s.pass(2 * time.Minute)
	require.Equal(t, Running, s.only("f").Status, s.text())
	s.says(`race: event "go" arrived at the same time, just before the wait began, and is not received`)
	s.send("go", data{ID: "later"})
	s.settle()
	require.Equal(t, `"later"`, string(s.only("f").Output))
}

// The engine of a bubble does not drop a wait before it is driven again.
func TestSignalAfterTheTimeoutInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, Config{Bubble: true}, on("f", "x", signalled()))
		s.send("x", data{})
		s.settle()
		time.Sleep(2 * time.Hour)
		_, found := s.Signal("go", nil)
		require.False(t, found)
		s.settle()
		require.Equal(t, `"timeout"`, string(s.only("f").Output))
	})
}

func TestOneEventResumesAllWaits(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", waiting()), on("g", "x", waiting()))
	s.send("x", data{})
	s.send("x", data{})
	s.settle()
	s.send("go", data{ID: "a"})
	s.send("go", data{ID: "b"})
	s.settle()
	for _, run := range s.Runs() {
		require.Equal(t, `"a"`, string(run.Output))
	}
	require.Len(t, s.Runs(), 4)
}

func TestWaitWithInvalidConditionFailsTheRun(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{})
	run := &Run{ID: "r", Function: &Function{Slug: "f", limiters: &limiters{}}, Events: []*Event{{}}}
	s.record(run)
	failed := s.waitForEvent(run, &Step{Key: "k", ID: "w"}, &opcode{Opts: []byte(`{"event":"go","timeout":"1h","if":"async.data.n =="}`)})
	require.Equal(t, "InvalidExpression: Wait for event If expression failed to compile", failed.Error())
	require.Contains(t, failed.stack, "error compiling expression: ERROR: <input>:1:16: Syntax error")

	failed = s.waitForEvent(run, &Step{Key: "k", ID: "w"}, &opcode{Opts: []byte(`{"event":"go","timeout":"367d"}`)})
	require.Equal(t, "InngestErrTimeoutTooLong", failed.name)

	oldest := newSite(t, Config{Version: version.Oldest})
	oldest.record(&Run{ID: "r"})
	require.Nil(t, oldest.waitForEvent(run, &Step{Key: "k", ID: "w"}, &opcode{Opts: []byte(`{"event":"go","timeout":"367d"}`)}))
	require.Len(t, oldest.waits, 1)
	run.waits = nil

	require.Nil(t, s.waitForEvent(run, &Step{Key: "k", ID: "w"}, &opcode{Opts: []byte(`{"event":"go","timeout":"soon"}`)}))
	require.Equal(t, []string{
		`step "w": timeout "soon" is not a duration such as 1d2h: a real server cannot handle this response, and the run would hang`,
	}, s.faults)
}

// signalled returns a handler that waits for the signal "go".
func signalled(options ...step.SignalOption) func(context.Context, input) (any, error) {
	options = append(options, step.Timeout(time.Hour))
	return func(ctx context.Context, _ input) (any, error) {
		d, err := step.WaitForSignal[data](ctx, "wait", "go", options...)
		if errors.Is(err, step.ErrTimeout) {
			return "timeout", nil
		}
		return d.ID, err
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, on("f", "x", signalled()))
		status, _ := s.request("POST", "/v1/signals", `{"signal":"go","data":{"id":"a"}}`)
		require.Equal(t, 404, status)
		s.send("x", data{})
		s.settle()
		status, body := s.request("POST", "/v1/signals", `{"signal":"go","data":{"id":"a"}}`)
		require.Equal(t, 200, status)
		require.Contains(t, body, s.only("f").ID)
		s.settle()
		require.Equal(t, `"a"`, string(s.only("f").Output))
		require.JSONEq(t, `{"data":{"data":{"id":"a"},"signal":"go"}}`, string(s.only("f").Steps[0].Result))
		_, found := s.Signal("go", nil)
		require.False(t, found)

		s.send("x", data{})
		s.pass(2 * time.Hour)
		require.Equal(t, `"timeout"`, string(s.runsOf("f")[1].Output))
	})
}

func TestSignalConflict(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", signalled()), on("g", "y", signalled()), on("h", "z", signalled(step.Replace())))
	s.send("x", data{})
	s.settle()
	s.send("y", data{})
	s.settle()
	refused := s.only("g")
	require.Equal(t, Failed, refused.Status)
	require.Equal(t, 1, refused.Calls)
	require.Contains(t, string(refused.Output), "Signal conflict; signal wait already exists for another run")

	s.pass(30 * time.Minute)
	s.send("z", data{})
	s.settle()
	s.pass(30 * time.Minute)
	require.Equal(t, `"timeout"`, string(s.only("f").Output))
	_, found := s.Signal("go", []byte(`{"id":"a"}`))
	require.True(t, found)
	s.settle()
	require.Equal(t, `"a"`, string(s.only("h").Output))
	require.Empty(t, s.signals)
}

func TestManyWaits(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", waiting(step.If("async.data.id == event.data.id"))))
	for i := range 100 {
		s.send("x", data{ID: strconv.Itoa(i)})
	}
	s.settle()
	s.send("go", data{ID: "42"})
	s.settle()
	var done []string
	for _, run := range s.Runs() {
		if run.Status == Completed {
			done = append(done, string(run.Output))
		}
	}
	require.Equal(t, []string{`"42"`}, done)
	s.pass(time.Hour)
	require.Empty(t, s.waits)
}

// Nothing is left of some conditions when the triggering event is known. They match no event.
func TestConditionOfWhichNothingIsLeft(t *testing.T) {
	t.Parallel()
	const condition = "event.data.id == async.data.id ? true : false"
	t.Run("wait", func(t *testing.T) {
		t.Parallel()
		eachVersion(t, func(t *testing.T, v version.Version) {
			s := newSite(t, Config{Version: v}, on("f", "x", waiting(step.If(condition))))
			s.send("x", data{})
			s.settle()
			s.send("go", data{ID: "a"})
			s.settle()
			s.pass(time.Hour)
			require.Equal(t, `"timeout"`, string(s.only("f").Output))
			s.says(`event "go" is not received: the condition (empty, because the server loses what it cannot read) fails`)
		})
	})
	t.Run("cancelOn", func(t *testing.T) {
		t.Parallel()
		eachVersion(t, func(t *testing.T, v version.Version) {
			stop := flow.CancelOn(inngestkit.DefineEvent[data]("stop"), flow.If(condition))
			s := newSite(t, Config{Version: v}, on("f", "x", waiting(), stop))
			s.send("x", data{})
			s.settle()
			s.send("stop", data{})
			s.settle()
			require.Equal(t, Running, s.only("f").Status)
			s.says(`event "stop" does not cancel the run: the condition (empty, because the server loses what it cannot read) fails`)
		})
	})
}

// With more than 50 waits for an event, the server uses an index that is wrong about some.
func TestManyWaitsUnsuitedForTheIndex(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		condition    string
		waits, stops int
		refused      string
	}{
		"few waits":             {"async.data.n < 5.0", 50, 0, ""},
		"many waits":            {"async.data.n < 5.0", 51, 0, "51 waits and cancelOn options are open for event \"go\""},
		"many equal texts":      {`async.data.id == "a" && async.data.n == 5.0`, 60, 0, ""},
		"waits and cancelOn":    {"async.data.n < 5.0", 30, 30, "unlike async.data.n < 5.0."},
		"cancelOn":              {"async.data.n < 5.0", 0, 60, "unlike async.data.n < 5.0."},
		"nothing is left of it": {"event.data.id == async.data.id ? true : false", 51, 0, "unlike (empty,"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stop := flow.CancelOn(inngestkit.DefineEvent[data]("go"), flow.If(test.condition))
			sleeps := func(ctx context.Context, _ input) (any, error) {
				step.Sleep(ctx, "sleep", time.Hour)
				return nil, nil
			}
			s := newSite(t, Config{}, on("f", "x", waiting(step.If(test.condition))), on("g", "y", sleeps, stop))
			for range test.waits {
				s.send("x", data{})
			}
			for range test.stops {
				s.send("y", data{})
			}
			s.settle()
			s.send("go", data{ID: "b", N: 7})
			s.send("go", data{ID: "b", N: 7})
			s.Settle(t.Context())
			if test.refused == "" {
				require.Empty(t, s.faults)
				return
			}
			require.Len(t, s.faults, 1)
			require.Contains(t, s.faults[0], test.refused)
		})
	}
}
