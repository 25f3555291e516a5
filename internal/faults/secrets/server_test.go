package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/planted"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A site is an app with every secret, on a real server, and what all its parts have written.
type site struct {
	app     *inngestkit.App
	server  *devserver.Server
	log     *record
	seen    *record // what the program's own code can see
	spans   *tracetest.InMemoryExporter
	metrics *sdkmetric.ManualReader
	health  *inngesthealth.Health
	parts   testsite.Counter
}

// failureHandler is the part that counts calls of the OnFailure handler.
const failureHandler = "failure handler"

// newSite returns an app with functions, telemetry and health checks.
func newSite(t *testing.T, dev bool, server *devserver.Server) *site {
	t.Helper()
	s := &site{server: server, log: &record{}, seen: &record{}, spans: tracetest.NewInMemoryExporter(), metrics: sdkmetric.NewManualReader()}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := config(dev, inngestotel.LogHandler(s.log), bodies{transport, s.seen})
	cfg.BaseURL, cfg.APIBaseURL, cfg.ServeHost, cfg.EventKey = withPassword(server.URL()), withToken(server.URL()), "", plainEventKey
	app, err := inngestkit.New(cfg)
	require.NoError(t, err)
	s.app = app
	require.NoError(t, inngestotel.Install(app,
		inngestotel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(s.spans))),
		inngestotel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(s.metrics))),
		inngestotel.WithEventData(1<<20), inngestotel.WithStepData(1<<20)))
	s.health, err = inngesthealth.Install(app, inngesthealth.WithServerCheck(), inngesthealth.WithInterval(100*time.Millisecond),
		inngesthealth.WithBasicAuth("ops", password))
	require.NoError(t, err)
	app.Use(s.watches(), inngestkit.Logging(-100), inngestkit.Recover(func(ctx context.Context, p *inngestkit.PanicError) { s.seen.write(ctx, p) }))
	require.NoError(t, app.Register(s.functions()...))
	return s
}

// bodies is a transport that records what the app sends.
type bodies struct {
	next http.RoundTripper
	to   *record
}

// RoundTrip implements http.RoundTripper.
func (b bodies) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		b.to.write(string(body))
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	return b.next.RoundTrip(req)
}

// watches returns middleware that prints everything it gets.
func (s *site) watches() inngestkit.Middleware {
	return inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				call.OnEnd(func(outcome inngestkit.Outcome, err error) { s.seen.write(outcome, err) })
				s.seen.write(ctx, call, struct{ call *inngestkit.FunctionCall }{call})
				output, err := next(ctx, call)
				s.seen.write(output, err)
				return output, err
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, step *inngestkit.StepCall) (any, error) {
				s.seen.write(ctx, step)
				return next(ctx, step)
			}
		},
		Send: func(next inngestkit.SendHandler) inngestkit.SendHandler {
			return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
				ids, err := next(ctx, events)
				s.seen.write(ctx, events, ids, err)
				return ids, err
			}
		},
	}
}

// functions returns functions that end in every way, on one event.
func (s *site) functions() []inngestkit.Function {
	on := func(id string, handler func(ctx context.Context, in inngestkit.Input[any]) (any, error), options ...inngestkit.Option) inngestkit.Function {
		return inngestkit.OnEvent(id, placed, func(ctx context.Context, in inngestkit.Input[any]) (any, error) {
			s.seen.write(ctx, in, inngestkit.FromContext(ctx))
			inngestkit.Logger(ctx).Debug("called", "ctx", ctx, "input", in, "app", inngestkit.FromContext(ctx))
			return handler(ctx, in)
		}, append(options, flow.Retries(0))...)
	}
	return []inngestkit.Function{
		on("returns", func(ctx context.Context, _ inngestkit.Input[any]) (any, error) {
			if _, err := step.Run(ctx, "pack", func(context.Context) (any, error) { return "packed", nil }); err != nil {
				return nil, err
			}
			return step.SendEvent(ctx, "tell", inngestkit.DefineEvent[any]("order/packed").New(item))
		}),
		on("checkpoints", func(ctx context.Context, _ inngestkit.Input[any]) (any, error) {
			return step.Run(ctx, "pack", func(context.Context) (any, error) { return "packed", nil })
		}, flow.Checkpoint()),
		on("fails", func(context.Context, inngestkit.Input[any]) (any, error) { return nil, errors.New("out of stock") },
			inngestkit.OnFailure(func(ctx context.Context, in inngestkit.Input[inngestkit.FailedRun[any]]) (any, error) {
				s.parts.Add(failureHandler)
				s.seen.write(ctx, in)
				return nil, nil
			})),
		on("panics", func(context.Context, inngestkit.Input[any]) (any, error) { panic(s.app) }),
		on("panics-in-a-step", func(ctx context.Context, _ inngestkit.Input[any]) (any, error) {
			return step.Run(ctx, "pack", func(ctx context.Context) (any, error) { panic(ctx) })
		}),
	}
}

// run has all functions run, and prints what the server knows of the runs.
func (s *site) run(t *testing.T) {
	t.Helper()
	runs, err := s.server.AwaitRuns(testsite.Within(t), testsite.Send(t, s.app, placed.New(item)), 5)
	require.NoError(t, err)
	s.parts.Await(t, failureHandler)
	ended := map[devserver.RunStatus]int{}
	for _, run := range runs {
		ended[run.Status]++
		s.seen.write(run)
	}
	require.Equal(t, map[devserver.RunStatus]int{devserver.RunCompleted: 2, devserver.RunFailed: 3}, ended, "%+v", runs)
}

// fail kills the server, and prints the errors of everything that needs it.
func (s *site) fail(t *testing.T) {
	t.Helper()
	require.NoError(t, s.server.Kill()) // the SDK takes one that stops for connected, for a time
	// Nothing responds there, not even the server of another test.
	silent := testsite.Listen(t, strings.TrimPrefix(s.server.URL(), "http://"))
	defer func() { require.NoError(t, silent.Close()) }()
	// Over Connect, Ping makes no request, and succeeds until the app has noticed.
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return s.app.Connection() != inngestkit.ConnectionConnected })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for what, operate := range operations {
		if what == "Ping" || what == "Sync" || what == "Send" || what == "SendSignal" {
			result := operate(ctx, s.app)
			require.NotNil(t, result, what)
			s.seen.write(result)
		}
	}
}

// search fails the test if anything contains a secret.
func (s *site) search(t *testing.T) {
	t.Helper()
	s.seen.absent(t, "what the program can see")
	s.log.absent(t, "the log")
	for _, span := range s.spans.GetSpans() {
		encoded, err := json.Marshal(span)
		require.NoError(t, err)
		finder.Absent(t, "a span", string(encoded)+fmt.Sprintf("%+v", span))
	}
	var metrics metricdata.ResourceMetrics
	require.NoError(t, s.metrics.Collect(context.WithoutCancel(t.Context()), &metrics))
	finder.Absent(t, "a metric", fmt.Sprintf("%+v", metrics))
	finder.Absent(t, "the health checks", printed(s.health.DetailedReport())+printed(s.health.Report())+printed(s.health.Functions()))
	finder.Absent(t, "the server", printed(s.server)+printed(struct{ server *devserver.Server }{s.server})+s.server.Logs())
	// The app has stopped: some verbs read all of its fields.
	finder.Absent(t, "a field with the app", printed(struct{ app *inngestkit.App }{s.app}))
	last, _ := s.app.LastSync()
	finder.Absent(t, "the last sync", printed(last))
	require.NotEmpty(t, s.spans.GetSpans())
}

// searchCommandLines fails the test if a command line of this machine contains a secret: every
// user can read them.
func searchCommandLines(t *testing.T, finder *planted.Finder) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline") // none on other systems than Linux
	require.NoError(t, err)
	for _, line := range lines {
		text, err := os.ReadFile(line)
		if err == nil { // the process may have ended
			finder.Absent(t, "a command line", string(text))
		}
	}
}

// newServer starts a server: a self-hosted one with the keys, or a dev server.
func newServer(t *testing.T, dev bool, cfg devserver.Config) *devserver.Server {
	t.Helper()
	cfg.RetryInterval = time.Second
	if !dev {
		cfg.SigningKey, cfg.EventKey = signingKey, plainEventKey
	}
	return devserver.New(t, cfg)
}

// With every framework, in both modes, nothing that an app writes contains a secret, and no
// response: neither to strangers nor to the server.
func TestFrameworks(t *testing.T) {
	t.Parallel()
	for mode, dev := range modes {
		for framework, mount := range testsite.Frameworks {
			t.Run(framework+", "+mode, func(t *testing.T) {
				t.Parallel()
				listener := testsite.Listen(t, "")
				endpoint := "http://" + listener.Addr().String()
				s := newSite(t, dev, newServer(t, dev, devserver.Config{AppURLs: []string{endpoint + "/api/inngest"}}))
				stop := testsite.ServeApp(t, s.app, mount(s.app), listener)
				require.NoError(t, s.app.AwaitSync(testsite.Within(t)))
				require.NoError(t, s.server.AwaitFunctions(testsite.Within(t), "shop-returns"))
				s.run(t)
				searchCommandLines(t, finder)
				c := caller{t, testsite.NewClient(t), endpoint}
				c.asStranger()
				c.asOperator()
				c.asServer(dev)
				s.fail(t)
				stop()
				s.search(t)
			})
		}
	}
}

// Over a connection, nothing that an app writes contains a secret.
func TestConnect(t *testing.T) {
	t.Parallel()
	for mode, dev := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			// The oldest server has fixed ports for connections.
			s := newSite(t, dev, newServer(t, dev, devserver.Config{Version: devserver.NewestVersion}))
			ended := make(chan error, 1)
			go func() { ended <- s.app.Connect(context.WithoutCancel(t.Context())) }()
			require.NoError(t, s.app.AwaitSync(testsite.Within(t)))
			require.NoError(t, s.server.AwaitFunctions(testsite.Within(t), "shop-returns"))
			s.run(t)
			s.fail(t)
			testsite.Stop(t, s.app.Shutdown)
			s.seen.write(<-ended)
			http.DefaultTransport.(*http.Transport).CloseIdleConnections() // the SDK's requests go through it
			s.search(t)
		})
	}
}
