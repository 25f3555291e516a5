package tracing

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// sendBare sends the order "bare" without any telemetry.
func sendBare(t *testing.T, server *devserver.Server, event inngestkit.EventType[order]) (eventID string) {
	t.Helper()
	id, err := server.Send(testsite.Within(t), event.Name(), order{ID: "bare"})
	require.NoError(t, err)
	return id
}

// All calls of a run are in the run's own trace if its event carries none, or if the field is
// not to be read.
func testNoTraceInTheEvent(t *testing.T, server *devserver.Server) {
	for name, tc := range map[string]struct {
		options []inngestotel.Option
		send    func(t *testing.T, app *inngestkit.App, event inngestkit.EventType[order]) (eventID string)
	}{
		"by-others": {nil, func(t *testing.T, _ *inngestkit.App, event inngestkit.EventType[order]) string {
			return sendBare(t, server, event)
		}},
		"no-field": {[]inngestotel.Option{inngestotel.WithField("")},
			func(t *testing.T, app *inngestkit.App, event inngestkit.EventType[order]) string {
				return testsite.Send(t, app, event.New(order{}))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries testsite.Counter
			began := inngestkit.DefineEvent[order](name + ".began")
			app := process{appID: name, server: server, with: frameworks[0], alone: true, options: tc.options}.serve(t,
				inngestkit.OnEvent("alone", began, func(ctx context.Context, _ input) (any, error) {
					if err := nothing(ctx, "first"); err != nil {
						return nil, err
					}
					if tries.Add("end") == 1 {
						return nil, errors.New("not yet")
					}
					return nil, nil
				}))
			run := ended(t, server, tc.send(t, app.app, began))
			app.stop()
			all := newForest(t, app)
			require.Equal(t, `
process alone: yielded
  step first: completed
process alone: retried
process alone: completed, attempt 1
`, all.trees()[traceOf(t, run.RunID)])
			for _, span := range all.spans {
				if span.SpanContext.TraceID() != traceOf(t, run.RunID) {
					require.Equal(t, "send "+began.Name(), span.Name)
				}
			}
		})
	}
}

// The run of a batch is not part of the trace of any of its events. It links to where each was
// sent.
func testBatch(t *testing.T, server *devserver.Server) {
	item := inngestkit.DefineEvent[order]("batch.item")
	app := serveAlone(t, server, "batch", inngestkit.OnEvent("collect", item, func(ctx context.Context, in input) (any, error) {
		return len(in.Events), nothing(ctx, "work")
	}, flow.BatchEvents(2, testsite.Timeout)))
	sent := map[string]trace.SpanContext{} // the span of the request, by the event's ID
	for range 2 {
		ctx, request := app.traces.Tracer("shop").Start(t.Context(), "request")
		ids, err := app.app.Send(ctx, item.New(order{}))
		request.End()
		require.NoError(t, err)
		sent[ids[0]] = request.SpanContext()
	}
	runs, err := server.AwaitRunsOf(testsite.Within(t), "batch-collect", 1)
	require.NoError(t, err)
	app.stop()
	all := newForest(t, app)
	trees := all.trees()
	require.Len(t, trees, 3)
	require.Equal(t, `
process collect: yielded <- send batch.item, send batch.item
  step work: completed
process collect: completed <- send batch.item, send batch.item
`, trees[traceOf(t, runs[0].RunID)])
	for _, span := range all.spans {
		linked := map[string]trace.SpanContext{} // the server may take the events in another order
		for _, link := range span.Links {
			from, _ := all.find(link.SpanContext)
			eventID := attributes(from)[semconv.MessagingMessageIDKey].(string)
			require.Equal(t, []attribute.KeyValue{semconv.MessagingMessageID(eventID)}, link.Attributes)
			linked[eventID] = from.Parent
		}
		if span.SpanKind == trace.SpanKindConsumer {
			require.Equal(t, sent, linked)
		}
	}
}

// The span of an invoked function is a child of the call that has invoked it.
func testInvoke(t *testing.T, server *devserver.Server) {
	invoking := inngestkit.DefineEvent[order]("invoking")
	invoked := inngestkit.OnEvent("invoked", inngestkit.DefineEvent[order]("never.sent"), func(ctx context.Context, in input) (string, error) {
		return in.Event.Data.ID, nothing(ctx, "work")
	})
	app := serveAlone(t, server, "invoke", invoked, inngestkit.OnEvent("invoking", invoking, func(ctx context.Context, in input) (string, error) {
		return step.Invoke(ctx, "ask", invoked, in.Event.Data)
	}))
	send := testsite.Send(t, app.app, invoking.New(order{ID: "o1"}))
	bare := sendBare(t, server, invoking)
	ended(t, server, send)
	run := ended(t, server, bare)
	app.stop()
	all := newForest(t, app)
	trees := all.trees()
	require.Len(t, trees, 2)
	require.Equal(t, `
send invoking
  process invoking: yielded <- send invoking
    process invoked: yielded <- process invoking
      step work: completed
    process invoked: completed <- process invoking
  process invoking: completed <- send invoking
`, trees[all.only("send invoking").SpanContext.TraceID()])
	require.Equal(t, `
process invoking: yielded
  process invoked: yielded <- process invoking
    step work: completed
  process invoked: completed <- process invoking
process invoking: completed
`, trees[traceOf(t, run.RunID)])
}

// A failure handler belongs to the trace of the failed run.
func testFailureHandler(t *testing.T, server *devserver.Server) {
	doomed := inngestkit.DefineEvent[order]("doomed")
	app := serveAlone(t, server, "failing", inngestkit.OnEvent("doomed", doomed, func(context.Context, input) (any, error) {
		return nil, inngestkit.NoRetry(errors.New("doomed"))
	}, inngestkit.OnFailure(func(ctx context.Context, _ inngestkit.Input[inngestkit.FailedRun[order]]) (any, error) {
		return nil, nothing(ctx, "tell")
	})))
	testsite.Send(t, app.app, doomed.New(order{}))
	run := testsite.Ended(t, server, sendBare(t, server, doomed), testsite.Timeout)
	_, err := server.AwaitRunsOf(testsite.Within(t), "failing-doomed-failure", 2)
	require.NoError(t, err)
	app.stop()
	all := newForest(t, app)
	trees := all.trees()
	require.Len(t, trees, 2)
	require.Equal(t, `
send doomed
  process doomed: non_retriable <- send doomed
  process doomed-failure: yielded <- send doomed
    step tell: completed
  process doomed-failure: completed <- send doomed
`, trees[all.only("send doomed").SpanContext.TraceID()])
	require.Equal(t, `
process doomed: non_retriable
process doomed-failure: yielded
  step tell: completed
process doomed-failure: completed
`, trees[traceOf(t, run.RunID)])
}

// The event that a run waits for does not change its trace.
func testWaiting(t *testing.T, server *devserver.Server) {
	asked, answer := inngestkit.DefineEvent[order]("asked"), inngestkit.DefineEvent[order]("answer")
	app := serveAlone(t, server, "waiting", inngestkit.OnEvent("ask", asked, func(ctx context.Context, _ input) (any, error) {
		if _, err := step.WaitForEvent(ctx, "wait", answer, step.Timeout(testsite.Timeout)); err != nil {
			return nil, err
		}
		if _, err := step.WaitForSignal[order](ctx, "approval", "approve", step.Timeout(testsite.Timeout)); err != nil {
			return nil, err
		}
		return nil, nothing(ctx, "after")
	}))
	id := testsite.Send(t, app.app, asked.New(order{}))
	_, err := server.AwaitStep(testsite.Within(t), id, "wait")
	require.NoError(t, err)
	testsite.Send(t, app.app, answer.New(order{}))
	_, err = server.AwaitStep(testsite.Within(t), id, "approval")
	require.NoError(t, err)
	require.NoError(t, app.app.SendSignal(testsite.Within(t), "approve", order{}))
	ended(t, server, id)
	app.stop()
	all := newForest(t, app)
	require.Equal(t, map[trace.TraceID]string{
		all.only("send asked").SpanContext.TraceID(): `
send asked
  process ask: yielded <- send asked
  process ask: yielded <- send asked
  process ask: yielded <- send asked
    step after: completed
  process ask: completed <- send asked
`,
		all.only("send answer").SpanContext.TraceID(): "\nsend answer\n",
	}, all.trees())
}

// Parallel steps are in their own calls, and in the same trace.
func testParallel(t *testing.T, server *devserver.Server) {
	forked := inngestkit.DefineEvent[order]("forked")
	var c testsite.Counter
	// Each of the two ends when the other has begun.
	meeting := func(id, other string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := step.Run(ctx, id, func(ctx context.Context) (any, error) {
				c.Add(id)
				return nil, c.Wait(ctx, other)
			})
			return err
		}
	}
	app := serveAlone(t, server, "parallel", inngestkit.OnEvent("fork", forked, func(ctx context.Context, _ input) (any, error) {
		err := step.Parallel(ctx, meeting("left", "right"), meeting("right", "left"), func(ctx context.Context) error {
			_, err := step.Run(ctx, "flaky", func(context.Context) (any, error) {
				if c.Add("flaky") == 1 {
					return nil, errors.New("not yet")
				}
				return nil, nil
			})
			return err
		})
		if err != nil {
			return nil, err
		}
		return nil, nothing(ctx, "after")
	}))
	ended(t, server, testsite.Send(t, app.app, forked.New(order{})))
	app.stop()
	all := newForest(t, app)
	require.Len(t, all.trees(), 1)
	send, steps := all.only("send forked").SpanContext, map[string]int{}
	for _, span := range all.spans {
		parent, _ := all.find(span.Parent)
		switch {
		case span.Name == "process fork":
			require.Equal(t, []trace.SpanContext{send.WithRemote(true), send.WithRemote(true)}, append(linked(span), span.Parent))
		case strings.HasPrefix(span.Name, "step "):
			require.Equal(t, "process fork", parent.Name, span.Name)
			steps[all.line(span)]++
		}
	}
	require.Equal(t, map[string]int{
		"step left: completed": 1, "step right: completed": 1, "step flaky: retried": 1,
		"step flaky: completed, attempt 1": 1, "step after: completed": 1,
	}, steps)
}
