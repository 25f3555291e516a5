package inngestkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync/atomic"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/pkg/checkpoint"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
	"github.com/inngestkit/inngestkit/core/internal/manifest"
	"github.com/inngestkit/inngestkit/core/internal/safe"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// A function is a registered function with its engine: an SDK client that serves only this
// function. The app finds the function itself, and calls share no lock with each other or
// with a sync.
type function struct {
	id     string // the composite ID
	app    *App
	source definition
	config inngestgo.FunctionOpts
	// triggers are those of source, in the SDK's form.
	triggers []inngestgo.Trigger
	own      []Middleware // of the groups and the function
	// events are those that start the function, nil for an adopted one.
	events      *eventpath.Events
	expressions []fnconfig.Expression
	chain       atomic.Pointer[chain]
	// adopted is the function itself if it was created on a client of the SDK.
	adopted *adopted
	engine  http.Handler
	query   string // the query of a call that is not for a single step
	// warnedUnclaimed and warnedResent are set once the warning was logged.
	warnedUnclaimed, warnedResent atomic.Bool
}

func (a *App) newFunction(id string, source definition, options *functionOptions) (*function, error) {
	f := &function{
		id: id, app: a, source: source, config: options.Options, own: options.middleware,
		events: &eventpath.Events{All: source.shapes()}, expressions: options.Expressions,
	}
	for _, t := range source.triggers {
		f.triggers = append(f.triggers, t.sdk())
	}
	return f, f.start(a.sdkOptions())
}

// start creates the engine.
func (f *function) start(options inngestgo.ClientOpts) error {
	f.chain.Store(newChain(f.app, f.inside(f.app.middleware)))
	client, err := inngestgo.NewClient(options)
	if err != nil {
		return err
	}
	if err := f.addTo(client); err != nil {
		return err
	}
	f.query = url.Values{"fnId": {f.id}, "stepId": {anyStep}}.Encode()
	f.engine = client.Serve()
	return nil
}

// addTo creates the function on a client of the SDK.
func (f *function) addTo(client inngestgo.Client) error {
	if f.adopted != nil {
		return f.adopted.addTo(client)
	}
	// The SDK decodes an empty event into struct{}; f.run decodes the real one.
	_, err := inngestgo.CreateFunction(client, f.sdkConfig(), inngestgo.MultipleTriggers(f.triggers), f.run)
	return err
}

// sdkOptions configures the SDK and leaves nothing to the environment. [App.Do] has
// verified every call before the SDK gets it, so the SDK runs in dev mode. It needs the keys
// only for its own requests: checkpoints of adopted functions, and realtime.PublishWithURL in
// a function. It sends them as they are, so it gets them hashed.
func (a *App) sdkOptions() inngestgo.ClientOpts {
	c := a.config
	return inngestgo.ClientOpts{
		AppID:              c.AppID,
		AppVersion:         &c.AppVersion,
		Dev:                new(true),
		EventKey:           new(c.eventKey()),
		SigningKey:         new(signing.HashedKey(string(c.SigningKey))),
		SigningKeyFallback: new(signing.HashedKey(string(c.SigningKeyFallback))),
		Env:                &c.Env,
		APIBaseURL:         &c.APIBaseURL,
		EventAPIBaseURL:    &c.EventAPIBaseURL,
		HTTPClient:         c.HTTPClient,
		Logger:             slog.New(sdkLogHandler{c.Logger.Handler()}),
	}
}

// sdkConfig returns the function's configuration for the SDK, which must run step after
// step without sending checkpoints.
func (f *function) sdkConfig() inngestgo.FunctionOpts {
	config := f.config
	if config.Checkpoint != nil {
		config.Checkpoint = &checkpoint.Config{BatchSteps: math.MaxInt, MaxRuntime: config.Checkpoint.MaxRuntime}
	}
	return config
}

// anyStep is the step ID that the server sends for a call that is not for a single step.
const anyStep = manifest.AnyStep

// call serves one call by the server.
func (f *function) call(ctx context.Context, req *adapter.Request, e *envelope.Envelope, stepID string) (resp *adapter.Response) {
	targeted := stepID != "" && stepID != anyStep
	if targeted && f.config.Checkpoint != nil {
		// The SDK sends the result of such a step as a checkpoint, and then responds with a
		// completed run, unless the context names the step too.
		e.SetStepID(stepID)
	}
	c := f.newCall(ctx, req, e, targeted)
	defer func() {
		c.reportEnd(resp)
		c.warnUnclaimed(resp)
		c.warnResent(resp)
	}()
	if c.call.Checkpoints != nil {
		defer c.call.Checkpoints.Close()
	}
	rec := recorder{header: http.Header{}}
	// To the SDK a done context looks like a completed run: it must not see one.
	sdkCtx := call.NewContext(NewContext(context.WithoutCancel(ctx), f.app), &c.call)
	if err := c.runSDK(f.sdkRequest(sdkCtx, c, e, stepID), &rec); err != nil {
		return c.failed(http.StatusInternalServerError, err.Error(), retryHeaders(err))
	}
	return c.response(&rec)
}

// sdkRequest returns the request that the SDK gets.
func (f *function) sdkRequest(ctx context.Context, c *FunctionCall, e *envelope.Envelope, stepID string) *http.Request {
	query := f.query
	if stepID != "" && stepID != anyStep {
		query = url.Values{"fnId": {f.id}, "stepId": {stepID}}.Encode()
	}
	body := e.ForSDK()
	if f.adopted != nil {
		body = f.adopted.shown(e, c.hidden).Whole()
	}
	r := &http.Request{
		Method:        http.MethodPost,
		URL:           &url.URL{Path: "/", RawQuery: query},
		Header:        http.Header{},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
	for _, key := range []string{headerRequestID, headerJobID} {
		if v := c.req.Header.Get(key); v != "" {
			r.Header[key] = []string{v}
		}
	}
	return r.WithContext(ctx)
}

// runSDK has the SDK run the function, and records its response. A panic that leaves the SDK
// is one of user code that the SDK calls outside the function: what encodes the output, or
// a hook of a client's middleware.
func (c *FunctionCall) runSDK(r *http.Request, rec *recorder) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = c.panickedOutside(p)
		}
	}()
	c.function.engine.ServeHTTP(rec, r)
	if c.call.Checkpoints != nil {
		c.recordSDKFailure(rec)
	}
	c.call.FillIn(&rec.body)
	if c.call.Checkpoints != nil {
		c.settleCheckpoints(rec)
	}
	return nil
}

// panickedOutside returns the error of a call that panicked outside its function, and logs
// the stack.
func (c *FunctionCall) panickedOutside(value any) error {
	err := fmt.Errorf("function %s panicked outside of its handler, in a middleware of the client: %s",
		c.FunctionID, safe.Sprint(value))
	if failed := c.encodingError(); failed != nil {
		err = NoRetry(failed)
	}
	c.call.Logger.ErrorContext(c.call.Inner, "inngest: a panic outside of a function's handler", "function", c.FunctionID,
		"run_id", c.RunID, "attempt", c.Attempt, "panic", safe.Sprint(value), "stack", string(debug.Stack()))
	return err
}

// recorder records the SDK's response.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// replace replaces the response.
func (r *recorder) replace(status int, body []byte) {
	r.status = status
	r.body.Reset()
	r.body.Write(body)
}

var errNoCall = errors.New(
	"a middleware of the client has replaced the call's context by one that is not derived from it")

// run is the function as the SDK sees it.
func (f *function) run(ctx context.Context, in inngestgo.Input[struct{}]) (any, error) {
	return runHandler(ctx, in.InputCtx, f.source.invoke)
}

// runHandler runs handler inside the middleware of the call that ctx belongs to.
func runHandler(
	ctx context.Context, input InputCtx, handler func(context.Context, *FunctionCall) (any, error),
) (any, error) {
	c := callOf(ctx)
	if c == nil {
		return nil, errNoCall
	}
	ctx, cancel, err := c.call.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	test := c.call.TestHooks()
	if test.EnterFunction != nil {
		test.EnterFunction(ctx, c.function.source.handler)
	}
	c.Env, c.RequestID, c.JobID = input.Env, input.RequestID, input.JobID
	c.input, c.handler = input, handler
	output, err := c.chain.function(withLogger(ctx, c), c)
	c.err = err
	if c.call.Yielded() && c.call.Aborted() == nil {
		call.Yield()
	}
	if test.LeaveFunction != nil {
		test.LeaveFunction(ctx, err)
	}
	if err != nil && c.call.HasRunSteps() {
		c.call.DeferFunctionError(err)
		call.Yield()
	}
	output = jsontype.Addressed(output)
	c.call.Return(output)
	if c.call.Codec.JSON != nil && err == nil {
		return c.encoded(output)
	}
	return output, err
}

// encoded encodes the output of the function, because the SDK would do so with encoding/json.
func (c *FunctionCall) encoded(output any) (any, error) {
	raw, err := c.encode(output)
	if err != nil {
		return nil, NoRetry(err)
	}
	return raw, nil
}

// sdkLogHandler passes on what functions log with the SDK's logger, and drops what the SDK
// logs itself. The SDK formats every call into its logger, even if nothing is logged in the
// end, and the app logs the same more clearly.
type sdkLogHandler struct{ slog.Handler }

// WithAttrs implements slog.Handler. It recognizes the SDK's own logger by its attribute.
func (h sdkLogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 1 && attrs[0].Key == "mode" && attrs[0].Value.String() == "serve" {
		return slog.DiscardHandler
	}
	return h.Handler.WithAttrs(attrs)
}
