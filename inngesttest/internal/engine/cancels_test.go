package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

func TestCancelOn(t *testing.T) {
	t.Parallel()
	stop := inngestkit.DefineEvent[data]("stop")
	sleeps := func(ctx context.Context, _ input) (any, error) {
		step.Sleep(ctx, "sleep", time.Hour)
		return nil, nil
	}
	for name, test := range map[string]struct {
		options []flow.CancelOption
		start   string
		stop    string
		want    Status
		says    string
	}{
		"any":                   {nil, `{}`, `{}`, Cancelled, `event "stop" cancels the run`},
		"match":                 {[]flow.CancelOption{flow.Match("data.id")}, `{"id":"a"}`, `{"id":"a"}`, Cancelled, ""},
		"no match":              {[]flow.CancelOption{flow.Match("data.id")}, `{"id":"a"}`, `{"id":"b"}`, Completed, `event "stop" does not cancel the run: the condition "a" == async.data.id is false`},
		"both lack it":          {[]flow.CancelOption{flow.Match("data.id")}, `{}`, `{}`, Cancelled, "because"},
		"false for the trigger": {[]flow.CancelOption{flow.If("event.data.n > 1.0 && async.data.id == 'a'")}, `{"n":1}`, `{"id":"a"}`, Completed, `cancelOn "stop" never applies`},
		"timeout":               {[]flow.CancelOption{flow.Timeout(time.Minute)}, `{}`, `{}`, Completed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachVersion(t, func(t *testing.T, v version.Version) {
				s := newSite(t, Config{Version: v}, on("f", "x", sleeps, flow.CancelOn(stop, test.options...)),
					on("g", "inngest/function.cancelled", echo))
				s.sendRaw(`{"name":"stop","data":` + test.stop + `}`)
				s.sendRaw(`{"name":"x","data":` + test.start + `}`)
				s.sendRaw(`{"name":"stop","data":` + test.stop + `}`)
				s.settle()
				require.Equal(t, Running, s.only("f").Status, "events that arrive before the run begins do not count: %s", s.text())
				s.pass(2 * time.Minute)
				s.sendRaw(`{"name":"stop","data":` + test.stop + `}`)
				s.settle()
				s.pass(time.Hour)
				require.Equal(t, test.want, s.only("f").Status, s.text())
				s.says(test.says)
				require.Empty(t, s.cancels)
				require.Len(t, s.runsOf("g"), map[Status]int{Cancelled: 1}[test.want])
			})
		})
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := slow(t, v, flow.Concurrency(1), flow.StartTimeout(90*time.Second))
		s.sendN("x", 3)
		s.pass(10 * time.Minute)
		require.Equal(t, []Status{Completed, Completed, Cancelled}, s.statuses("f"))
		s.says("is cancelled: it has not started within 1m30s")

		s = newSite(t, Config{Version: v}, on("f", "x", func(ctx context.Context, _ input) (any, error) {
			step.Sleep(ctx, "sleep", time.Hour)
			return nil, nil
		}, flow.FinishTimeout(time.Minute)))
		s.send("x", data{})
		s.pass(time.Minute - time.Millisecond)
		require.Equal(t, Running, s.only("f").Status)
		s.pass(time.Millisecond)
		require.Equal(t, Cancelled, s.only("f").Status)
		_, scheduled := s.Next()
		require.False(t, scheduled, "nothing is left of a run that has ended")
	})
}

// A run that is cancelled while it sleeps gives its place to one that is due in the same
// instant.
func TestFnConcurrencyOfACancelledRun(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", sleeping(time.Hour), flow.FnConcurrency(1),
		flow.CancelOn(inngestkit.DefineEvent[data]("stop"), flow.Match("data.id"))))
	s.sendN("x", 2)
	s.pass(time.Minute)
	s.send("stop", data{ID: "1"})
	s.settle()
	require.Equal(t, seconds(0, 60), s.starts("f"), s.text())
}

// An expression that v1.12.1 cannot evaluate when a run begins crashes it. v1.43.0 ignores it.
func TestCancelOnThatCrashesTheServer(t *testing.T) {
	t.Parallel()
	stop := inngestkit.DefineEvent[data]("stop")
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, on("f", "x", echo,
			flow.CancelOn(stop, flow.If(`event.data.id == async.data.id && async.data["id"] == "h"`))))
		s.send("x", data{})
		s.Settle(t.Context())
		if v == version.Newest {
			require.Empty(t, s.faults)
			return
		}
		require.Len(t, s.faults, 1)
		require.Contains(t, s.faults[0], "the real server v1.12.1 crashes")
	})
}
