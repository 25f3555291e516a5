package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"crypto/sha1" // the protocol names steps by their SHA-1

	"github.com/gin-gonic/gin"
	"github.com/gowebpki/jcs"
	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/middleware"
	"github.com/stretchr/testify/require"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// The benchmarks come in pairs: "sdk" is the bare SDK mounted on Gin by hand, as in its README,
// "ours" the same function on the Gin adapter. Both get the same signed request, in the form in
// which the server sends it. See docs/performance.md.

const (
	benchKey   = "signkey-test-0123456789abcdef0123456789abcdef"
	benchAppID = "bench"
)

// benchData is event data of one shape and an approximate size.
type benchData struct {
	ID    string      `json:"id"`
	Text  string      `json:"text,omitempty"`
	Items []benchItem `json:"items,omitempty"`
}

type benchItem struct {
	SKU   string   `json:"sku"`
	Qty   int      `json:"qty"`
	Price float64  `json:"price"`
	Tags  []string `json:"tags"`
}

// itemsOf returns an order of many small items, whose JSON has about size bytes.
func itemsOf(size int) benchData {
	data := benchData{ID: "order-1"}
	const perItem = 58
	for i := range size / perItem {
		item := benchItem{SKU: fmt.Sprintf("sku-%05d", i), Qty: 3, Price: 12.5, Tags: []string{"a", "bb"}}
		data.Items = append(data.Items, item)
	}
	return data
}

// textOf returns one text of about size bytes.
func textOf(size int) benchData {
	return benchData{ID: "text-1", Text: strings.Repeat("All work and no play. ", size/22)}
}

func BenchmarkCall(b *testing.B) {
	for _, shape := range []struct {
		name string
		of   func(size int) benchData
	}{{"items", itemsOf}, {"text", textOf}} {
		for _, size := range eventSizes {
			b.Run(fmt.Sprintf("data=%s/event=%dKiB", shape.name, size>>10), func(b *testing.B) {
				body := callBody(b, shape.of(size), 0)
				b.Run("sdk", func(b *testing.B) { run(b, bareSDK(b, 1, done), body) })
				b.Run("ours", func(b *testing.B) { run(b, onGin(b, 1, done), body) })
				b.Run("ours+3", func(b *testing.B) { run(b, onGinWith(b, 1, done, threeMiddlewares()...), body) })
			})
		}
	}
}

func done(context.Context, inngestkit.Input[benchData]) (any, error) { return "done", nil }

func BenchmarkMemoizedSteps(b *testing.B) {
	const steps = 100
	body := callBody(b, itemsOf(1<<10), steps)
	sdk, ours := sdkStepsThenDone(steps), stepsThenDone(steps)
	b.Run(fmt.Sprintf("steps=%d", steps), func(b *testing.B) {
		b.Run("sdk", func(b *testing.B) { run(b, bareSDK(b, 1, sdk), body) })
		b.Run("ours", func(b *testing.B) { run(b, onGin(b, 1, ours), body) })
		b.Run("ours+3", func(b *testing.B) { run(b, onGinWith(b, 1, ours, threeMiddlewares()...), body) })
	})
}

// stepsThenDone returns a function with this number of steps.
func stepsThenDone(steps int) benchHandler {
	return func(ctx context.Context, _ inngestkit.Input[benchData]) (any, error) {
		for i := range steps {
			if _, err := step.Run(ctx, stepName(i), benchStep); err != nil {
				return nil, err
			}
		}
		return "done", nil
	}
}

// BenchmarkMiddleware measures what each middleware adds to a small call.
func BenchmarkMiddleware(b *testing.B) {
	body := callBody(b, itemsOf(1<<10), 0)
	three := threeMiddlewares()
	for _, with := range []struct {
		name       string
		middleware []inngestkit.Middleware
	}{
		{"none", nil},
		{"logging", three[:1]},
		{"recover", three[1:2]},
		{"own", three[2:]},
		{"all", three},
		{"sdk", []inngestkit.Middleware{inngestkit.SDKMiddleware(func() middleware.Middleware { return &middleware.BaseMiddleware{} })}},
	} {
		b.Run("middleware="+with.name, func(b *testing.B) { run(b, onGinWith(b, 1, done, with.middleware...), body) })
	}
}

// threeMiddlewares returns what an app might have: the two of the core, with logs at a level
// that the logger omits, and one of its own.
func threeMiddlewares() []inngestkit.Middleware {
	return []inngestkit.Middleware{
		inngestkit.Logging(slog.LevelDebug),
		inngestkit.Recover(func(context.Context, *inngestkit.PanicError) {}),
		{
			Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
				return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
					return next(context.WithValue(ctx, benchTenant{}, "acme"), call)
				}
			},
			Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
				return func(ctx context.Context, s *inngestkit.StepCall) (any, error) { return next(ctx, s) }
			},
		},
	}
}

type benchTenant struct{}

type benchResult struct {
	Status string `json:"status"`
	Count  int    `json:"count"`
}

func benchStep(context.Context) (benchResult, error) { return benchResult{}, nil }

func stepName(i int) string { return fmt.Sprintf("step-%d", i) }

// stepKey returns the key of a step's memoized result.
func stepKey(i int) string { return fmt.Sprintf("%x", sha1.Sum([]byte(stepName(i)))) }

type benchHandler = func(context.Context, inngestkit.Input[benchData]) (any, error)

// run sends the same call again and again.
func run(b *testing.B, handler http.Handler, body []byte) {
	b.Helper()
	call := caller(b, body)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		call(handler)
	}
}

// caller returns a function that sends a call to a handler, and checks that the function
// ends.
func caller(tb testing.TB, body []byte) func(http.Handler) {
	tb.Helper()
	return callerOf(tb, body, http.StatusOK, `"done"`)
}

// callerOf returns a function that sends a call to a handler, and checks the status and the
// beginning of the response.
func callerOf(tb testing.TB, body []byte, status int, answer string) func(http.Handler) {
	tb.Helper()
	signature, err := inngestgo.Sign(tb.Context(), time.Now(), []byte(benchKey), body)
	require.NoError(tb, err)
	return func(handler http.Handler) {
		r := httptest.NewRequest(http.MethodPost, "/api/inngest?fnId=bench-fn-0&stepId=step", bytes.NewReader(body))
		r.Header.Set("X-Inngest-Signature", signature)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != status || !strings.HasPrefix(w.Body.String(), answer) {
			tb.Fatalf("%d %s", w.Code, w.Body)
		}
	}
}

func functionName(i int) string { return fmt.Sprintf("fn-%d", i) }

func bareSDK(tb testing.TB, functions int, handler benchHandler) http.Handler {
	tb.Helper()
	client, err := newClient(functions, handler)
	require.NoError(tb, err)
	r := gin.New()
	r.Any(path, gin.WrapH(client.Serve()))
	return r
}

func newClient(functions int, handler benchHandler) (inngestgo.Client, error) {
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{
		AppID: benchAppID, SigningKey: new(benchKey), Dev: new(false), Logger: benchLogger(),
	})
	if err != nil {
		return nil, err
	}
	for i := range functions {
		_, err := inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: functionName(i)},
			inngestgo.EventTrigger("bench", nil), handler)
		if err != nil {
			return nil, err
		}
	}
	return client, nil
}

func onGin(tb testing.TB, functions int, handler benchHandler) http.Handler {
	tb.Helper()
	return onGinWith(tb, functions, handler)
}

func onGinWith(tb testing.TB, functions int, handler benchHandler, use ...inngestkit.Middleware) http.Handler {
	tb.Helper()
	app, err := newApp(functions, handler, use...)
	require.NoError(tb, err)
	return mounted(app)
}

func mounted(app *inngestkit.App) http.Handler {
	r := gin.New()
	inngestgin.Mount(r, app)
	return r
}

func newApp(functions int, handler benchHandler, use ...inngestkit.Middleware) (*inngestkit.App, error) {
	return newAppWith(nil, functions, handler, use...)
}

func newAppWith(codec inngestkit.JSON, functions int, handler benchHandler, use ...inngestkit.Middleware) (*inngestkit.App, error) {
	app, err := inngestkit.New(inngestkit.Config{AppID: benchAppID, SigningKey: benchKey, Logger: benchLogger(), JSON: codec})
	if err != nil {
		return nil, err
	}
	app.Use(use...)
	for i := range functions {
		if err := app.Register(inngestkit.OnEvent(functionName(i), inngestkit.DefineEvent[benchData]("bench"), handler)); err != nil {
			return nil, err
		}
	}
	return app, nil
}

// benchLogger formats records from level info on, like the logger of an app.
func benchLogger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // it must format
}

// callBody returns a call in the form in which the server sends it: canonical JSON that contains
// the event twice.
func callBody(tb testing.TB, data any, steps int) []byte {
	tb.Helper()
	return batchBody(tb, 1, data, steps)
}

// batchBody is callBody with several events.
func batchBody(tb testing.TB, events int, data any, steps int) []byte {
	tb.Helper()
	event := map[string]any{"name": "bench", "data": data, "id": "01J0000000000000000000000", "ts": 1700000000000, "user": map[string]any{}}
	memoized := map[string]any{}
	stack := []string{}
	for i := range steps {
		id := stepKey(i)
		memoized[id] = map[string]any{"data": benchResult{Status: "done", Count: i}}
		stack = append(stack, id)
	}
	raw, err := json.Marshal(map[string]any{
		"event": event, "events": slices.Repeat([]any{event}, events), "steps": memoized, "use_api": false, "version": 1,
		"ctx": map[string]any{
			"fn_id": "6a1e4d3b-4d2c-4f0e-9a55-0c6a2c5d1f10", "run_id": "01J0000000000000000000000", "step_id": "step",
			"attempt": 0, "env": "", "use_api": false, "disable_immediate_execution": false,
			"stack": map[string]any{"stack": stack, "current": len(stack)},
		},
	})
	require.NoError(tb, err)
	body, err := jcs.Transform(raw)
	require.NoError(tb, err)
	return body
}
