package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/examples/tracing/internal/demo"
)

func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "OTEL_") {
			_ = os.Unsetenv(name)
		}
	}
	goleak.VerifyTestMain(m,
		// fasthttp has one for the whole process, which updates the time for the Date header.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Each fasthttp server has one that checks only every ten seconds whether to end.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// run runs the program and returns its exit status and output.
func run(ctx context.Context, orders, shipping demo.Service, args ...string) (int, string) {
	var out bytes.Buffer
	status := demo.Run(ctx, args, &out, orders, shipping)
	return status, out.String()
}

// A program is the running program, with -keep.
type program struct {
	out    printed
	stop   context.CancelFunc
	status chan int
	ended  chan struct{}
}

func start(t *testing.T, orders, shipping demo.Service) *program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &program{stop: stop, status: make(chan int, 1), ended: make(chan struct{})}
	p.out.changed = make(chan struct{})
	go func() {
		defer close(p.ended)
		p.status <- demo.Run(ctx, []string{"-keep"}, &p.out, orders, shipping)
	}()
	t.Cleanup(func() {
		stop()
		<-p.ended
	})
	return p
}

// await waits until the program has printed text n times.
func (p *program) await(t *testing.T, text string, n int) {
	t.Helper()
	tooLong := time.After(3 * time.Minute)
	for {
		found, changed := p.out.count(text)
		if found >= n {
			return
		}
		select {
		case <-changed:
		case <-p.ended:
			require.Fail(t, "the program ended before it printed: "+text, p.out.String())
		case <-tooLong:
			require.Fail(t, "it was not printed: "+text, p.out.String())
		}
	}
}

// url returns the URL printed after a name.
func (p *program) url(t *testing.T, name string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + name + ` +(http://[\w.:]+)`).FindStringSubmatch(p.out.String())
	require.NotNil(t, found, p.out.String())
	return found[1]
}

// printed is output that tests can wait for.
type printed struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed and replaced by each write
}

// Write implements io.Writer.
func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// count counts text, and returns a channel that is closed when more output arrives.
func (p *printed) count(text string) (int, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.text.String(), text), p.changed
}

// get returns the response to a GET.
func get(t *testing.T, url string, header http.Header) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header = header
	return do(t, req, http.StatusOK)
}

// post returns the response to a POST of JSON.
func post(t *testing.T, url, body string, status int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	return do(t, req, status)
}

func do(t *testing.T, req *http.Request, status int) string {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, status, resp.StatusCode, "%s", body)
	return string(body)
}

// observed returns a service whose spans also go to exporter, before the program sees
// them.
func observed(service demo.Service, exporter *tracetest.InMemoryExporter) demo.Service {
	return func(ctx context.Context, env demo.Env) error {
		env.Spans = append([]sdktrace.SpanProcessor{sdktrace.NewSimpleSpanProcessor(exporter)}, env.Spans...)
		return service(ctx, env)
	}
}
