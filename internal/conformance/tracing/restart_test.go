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
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// restarts lists how an instance ends in the middle of its runs, while their slow steps run.
var restarts = map[string]struct {
	end func(t *testing.T, server *devserver.Server, first *instance, w *testsite.Wire, release chan struct{}, eventIDs []string)
	// exported is the number of calls of a run that the two instances export. Nothing exports
	// the call in which a process was killed.
	exported [2]int
}{
	"stopped": {
		func(t *testing.T, server *devserver.Server, first *instance, _ *testsite.Wire, release chan struct{}, eventIDs []string) {
			close(release)
			for _, id := range eventIDs {
				_, err := server.AwaitStep(testsite.Within(t), id, "nap")
				require.NoError(t, err)
			}
			first.stop()
		}, [2]int{3, 2},
	},
	"killed": {
		func(t *testing.T, _ *devserver.Server, _ *instance, w *testsite.Wire, release chan struct{}, _ []string) {
			w.Cut()
			t.Cleanup(func() { close(release) })
		}, [2]int{1, 4},
	},
}

// A run that one instance of the app begins and another one ends is one trace, although only
// the server connects the two: with an event that carries a trace, and with one that does not.
func TestRestartInMidRun(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	for name, how := range restarts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began, release := inngestkit.DefineEvent[order](name), make(chan struct{})
			var c testsite.Counter
			serve := func(w *testsite.Wire) *instance {
				return process{appID: name, server: server, with: frameworks[0], listener: w, alone: true}.serve(t,
					inngestkit.OnEvent("long", began, long(&c, release), flow.Retries(20))) // calls without a listener count as attempts
			}
			w := testsite.NewWire(t, "")
			first := serve(w)
			eventIDs := []string{testsite.Send(t, first.app, began.New(order{ID: "traced"})), sendBare(t, server, began)}
			c.Await(t, "slow traced")
			c.Await(t, "slow bare")
			how.end(t, server, first, w, release, eventIDs)
			second := serve(testsite.NewWire(t, first.addr))
			ended(t, server, eventIDs[0])
			bare := ended(t, server, eventIDs[1])
			second.stop()

			all := newForest(t, first, second)
			all.plain = true
			require.Equal(t, map[trace.TraceID]string{
				all.only("send " + name).SpanContext.TraceID(): strings.ReplaceAll(runTraced, "SENT", "send "+name),
				traceOf(t, bare.RunID):                         runBare,
			}, all.trees())
			for i, one := range []*instance{first, second} {
				require.Equal(t, 2*how.exported[i], calls(one))
			}
		})
	}
}

// long returns a function whose slow step runs until release the first time.
func long(c *testsite.Counter, release <-chan struct{}) func(ctx context.Context, in input) (any, error) {
	return func(ctx context.Context, in input) (any, error) {
		if err := nothing(ctx, "before"); err != nil {
			return nil, err
		}
		if _, err := step.Run(ctx, "slow", func(context.Context) (any, error) {
			if c.Add("slow "+in.Event.Data.ID) == 1 {
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

// A run of the function long: in its own trace, and in that of an event sent by the span SENT.
const (
	runBare = `
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

// calls returns the number of calls that an instance has exported.
func calls(i *instance) (n int) {
	for _, span := range i.spans.GetSpans() {
		if span.Name == "process long" {
			n++
		}
	}
	return n
}
