package tracing

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// restarts is how an instance ends in the middle of a run, when its slow step runs.
var restarts = map[string]struct {
	end func(t *testing.T, server *inngesttest.Server, first *instance, w *testsite.Wire, release chan struct{}, eventID string)
	// exported is the calls that the two instances tell of. Nothing tells of the one
	// that a process was killed in.
	exported [2]int
}{
	"stopped": {
		func(t *testing.T, server *inngesttest.Server, first *instance, _ *testsite.Wire, release chan struct{}, eventID string) {
			close(release)
			_, err := server.AwaitStep(testsite.Within(t), eventID, "nap")
			require.NoError(t, err)
			first.stop()
		}, [2]int{3, 2},
	},
	"killed": {
		func(t *testing.T, _ *inngesttest.Server, _ *instance, w *testsite.Wire, release chan struct{}, _ string) {
			w.Cut()
			t.Cleanup(func() { close(release) })
		}, [2]int{1, 4},
	},
}

// A run that an instance of the app has begun, and another one ends, is one trace,
// though nothing but the server has told the other one of it.
func TestRestartInMidRun(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for name, how := range restarts {
		for _, traced := range []bool{true, false} {
			id := name + "-alone"
			if traced {
				id = name + "-traced"
			}
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				began, release := inngestkit.NewEvent[order](id), make(chan struct{})
				var c testsite.Counter
				serve := func(w *testsite.Wire) *instance {
					return process{appID: id, server: server, with: frameworks[0], listener: w, alone: true}.serve(t,
						inngestkit.OnEvent("long", began, long(&c, release), flow.Retries(20))) // calls that meet nobody count as tries
				}
				w := testsite.NewWire(t, "")
				first := serve(w)
				var eventID string
				if traced {
					eventID = testsite.Send(t, first.app, began.New(order{}))
				} else {
					eventID = sendBare(t, server, began)
				}
				c.Await(t, "slow")
				how.end(t, server, first, w, release, eventID)
				second := serve(testsite.NewWire(t, first.addr))
				run := ended(t, server, eventID)
				second.stop()

				all := newForest(t, first, second)
				all.plain = true
				want := map[trace.TraceID]string{traceOf(t, run.RunID): runAlone}
				if traced {
					want = map[trace.TraceID]string{
						all.only("send " + id).SpanContext.TraceID(): strings.ReplaceAll(runTraced, "SENT", "send "+id),
					}
				}
				require.Equal(t, want, all.trees())
				for i, one := range []*instance{first, second} {
					require.Equal(t, how.exported[i], calls(one))
				}
			})
		}
	}
}

// long is a function whose slow step takes until release, when it first runs.
func long(c *testsite.Counter, release <-chan struct{}) func(ctx context.Context, in input) (any, error) {
	return func(ctx context.Context, _ input) (any, error) {
		if err := nothing(ctx, "before"); err != nil {
			return nil, err
		}
		if _, err := step.Run(ctx, "slow", func(context.Context) (any, error) {
			if c.Add("slow") == 1 {
				<-release
			}
			return nil, nil
		}); err != nil {
			return nil, err
		}
		step.Sleep(ctx, "nap", 2*time.Second)
		return nil, nothing(ctx, "after")
	}
}

// A run of the function long: in a trace of its own, and in that of an event which
// the span SENT has sent.
const (
	runAlone = `
process long: yielded
  step before: completed
process long: yielded
  step slow: completed
process long: yielded
process long: yielded
  step after: completed
process long: completed
`
	runTraced = `
SENT
  process long: yielded <- SENT
    step before: completed
  process long: yielded <- SENT
    step slow: completed
  process long: yielded <- SENT
  process long: yielded <- SENT
    step after: completed
  process long: completed <- SENT
`
)

// calls is how many calls an instance tells of.
func calls(i *instance) (n int) {
	for _, span := range i.spans.GetSpans() {
		if span.Name == "process long" {
			n++
		}
	}
	return n
}
