package tracing

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// An instance is a running app with its own telemetry, like a process.
type instance struct {
	telemetry

	app  *inngestkit.App
	addr string
	// stop returns when everything has ended, including spans.
	stop func()
}

// process configures an instance.
type process struct {
	appID    string
	server   *devserver.Server
	with     framework
	listener net.Listener // nil means a free port
	options  []inngestotel.Option
	// alone omits the framework's instrumentation.
	alone bool
}

// serve runs an app and syncs it.
func (p process) serve(t *testing.T, functions ...inngestkit.Function) *instance {
	t.Helper()
	if p.listener == nil {
		p.listener = testsite.Listen(t, "")
	}
	i := &instance{telemetry: newTelemetry(), addr: p.listener.Addr().String()}
	var err error
	i.app, err = inngestkit.New(inngestkit.Config{
		AppID: p.appID, Dev: true, BaseURL: p.server.URL(), ServeHost: i.addr, Logger: testsite.Logger(t),
	})
	require.NoError(t, err)
	require.NoError(t, inngestotel.Install(i.app, append(p.options, inngestotel.WithTracerProvider(i.traces))...))
	require.NoError(t, i.app.Register(functions...))
	in := instrumented{traces: i.traces}
	if p.alone {
		in = instrumented{}
	}
	i.stop = testsite.ServeApp(t, i.app, p.with.serve(i.app, in), p.listener)
	require.NoError(t, i.app.Start(t.Context()))
	require.NoError(t, i.app.AwaitSync(testsite.Within(t)))
	return i
}

// serveAlone runs an app without other instrumentation.
func serveAlone(t *testing.T, server *devserver.Server, appID string, functions ...inngestkit.Function) *instance {
	t.Helper()
	return process{appID: appID, server: server, with: frameworks[0], alone: true}.serve(t, functions...)
}

// ended waits until the only run of an event has completed.
func ended(t *testing.T, server *devserver.Server, eventID string) devserver.Run {
	t.Helper()
	run := testsite.Ended(t, server, eventID, testsite.Timeout)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	return run
}

// nothing is a step that does nothing.
func nothing(ctx context.Context, id string) error {
	_, err := step.Run(ctx, id, func(context.Context) (any, error) { return nil, nil })
	return err
}

func TestRealServer(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	for name, test := range map[string]func(t *testing.T, server *devserver.Server){
		"one trace across services":    testOneTrace,
		"no trace in the event":        testNoTraceInTheEvent,
		"batch":                        testBatch,
		"invoked function":             testInvoke,
		"failure handler":              testFailureHandler,
		"waiting for event and signal": testWaiting,
		"parallel steps":               testParallel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

// An order that arrives over HTTP is one trace: the request, the run that it starts, whose step
// is retried, and the run of another service.
func testOneTrace(t *testing.T, server *devserver.Server) {
	shipped := inngestkit.DefineEvent[order]("order.shipped")
	var tries testsite.Counter
	shop := process{appID: "shop", server: server, with: frameworks[1]}.serve(t,
		onPlaced(func(ctx context.Context, in input) (any, error) {
			if err := nothing(ctx, "reserve"); err != nil {
				return nil, err
			}
			if _, err := step.Run(ctx, "charge", func(context.Context) (any, error) {
				if tries.Add("charge") == 1 {
					return nil, errors.New("the bank is closed")
				}
				return nil, nil
			}); err != nil {
				return nil, err
			}
			if err := nothing(ctx, "pack"); err != nil {
				return nil, err
			}
			return step.SendEvent(ctx, "hand over", shipped.New(in.Event.Data))
		}, flow.Retries(2)))
	post := process{appID: "post", server: server, with: framework{"fiber", onFiber}}.serve(t,
		inngestkit.OnEvent("deliver", shipped, func(ctx context.Context, _ input) (any, error) {
			if err := nothing(ctx, "load"); err != nil {
				return nil, err
			}
			step.Sleep(ctx, "night", time.Second)
			return nil, nothing(ctx, "hand out")
		}))
	status, eventID, err := testsite.Request(testsite.Within(t), testsite.NewClient(t), http.MethodPost, "http://"+shop.addr+"/orders", "", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, eventID)
	sent := string(ended(t, server, eventID).Output)
	ended(t, server, sent[2:len(sent)-2])
	shop.stop()
	post.stop()

	all := newForest(t, shop, post)
	id := all.only("POST /orders").SpanContext.TraceID()
	require.Equal(t, `
POST /orders
  send order.placed
    process fulfil: yielded <- send order.placed, POST /api/inngest
      step reserve: completed
    process fulfil: yielded <- send order.placed, POST /api/inngest
      step charge: retried
    process fulfil: yielded, attempt 1 <- send order.placed, POST /api/inngest
      step charge: completed, attempt 1
    process fulfil: yielded <- send order.placed, POST /api/inngest
      step pack: completed
    process fulfil: yielded <- send order.placed, POST /api/inngest
      step hand over: completed
        send order.shipped
          process deliver: yielded <- send order.shipped, /api/inngest
            step load: completed
          process deliver: yielded <- send order.shipped, /api/inngest
          process deliver: yielded <- send order.shipped, /api/inngest
            step hand out: completed
          process deliver: completed <- send order.shipped, /api/inngest
    process fulfil: completed <- send order.placed, POST /api/inngest
`, all.tree(id))
	requests := map[string]int{}
	for _, span := range all.spans {
		if span.SpanContext.TraceID() == id {
			continue
		}
		require.Equal(t, trace.SpanKindServer, span.SpanKind, span.Name)
		for _, link := range span.Links { // the other requests are not calls
			call, _ := all.find(link.SpanContext)
			require.Contains(t, linked(call), span.SpanContext)
			requests[all.line(span)]++
		}
	}
	require.Equal(t, map[string]int{
		"POST /api/inngest <- process fulfil": 6, "/api/inngest <- process deliver": 4,
	}, requests, "each of another call")
}
