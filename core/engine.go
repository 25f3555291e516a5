package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync/atomic"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
	"github.com/inngestkit/inngestkit/core/internal/safe"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// function is a registered function with its engine: an SDK client that serves
// this function alone. So finding the function is our map lookup, and calls
// share no lock with each other or with a sync.
type function struct {
	id     string // the composite ID
	app    *App
	source definition
	config inngestgo.FunctionOpts
	// triggers are those of source, in the SDK's form.
	triggers []inngestgo.Trigger
	own      []any // the middleware of the groups and the function
	// events are those that start the function, nil if it is adopted.
	events      *eventpath.Events
	expressions []fnconfig.Expression
	chain       atomic.Pointer[chain]
	// adopted is the function itself if it was created on a client of the SDK.
	adopted *adopted
	engine  http.Handler
	query   string // the query of a call that is not aimed at one step
	// warnedUnasked says that warnUnasked has logged.
	warnedUnasked atomic.Bool
	// warnedResent says that warnResent has logged.
	warnedResent atomic.Bool
}

func (a *App) newFunction(id string, source definition, config fnconfig.Config) (*function, error) {
	f := &function{
		id: id, app: a, source: source, config: config.Options, own: config.Middleware,
		events: &eventpath.Events{All: source.shapes()}, expressions: config.Expressions,
	}
	for _, t := range source.triggers {
		f.triggers = append(f.triggers, t.sdk())
	}
	return f, f.start(a.sdkOptions())
}

// start makes the engine.
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

// sdkOptions configures the SDK without leaving anything to the environment. The
// gate has verified every call the SDK gets to see, so it runs in dev mode, and needs
// the keys for requests of its own only: checkpoints of adopted functions, and
// realtime.PublishWithURL in a function. It sends them as they are, so it gets them
// hashed.
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

// anyStep is the step ID the server sends when it does not mean a certain step.
const anyStep = "step"

var (
	errCutShort = errors.New("the call ended before the function: its context is done, " +
		"or the step it was meant for is not there any more")
	errNoCall = errors.New("a middleware of the client has replaced the call's context by one that is not derived from it")
	errHungUp = errors.New("the caller hung up, or ran out of time, before the function ended")
)

// call executes one call by the server.
func (f *function) call(ctx context.Context, req *Request, e *envelope.Envelope, stepID string) *Response {
	e.NormalizeSteps()
	targeted := stepID != "" && stepID != anyStep
	if targeted && f.config.Checkpoint != nil {
		// The SDK sends the result of such a step as a checkpoint, and then answers
		// with a completed run, unless the context names the step too.
		e.SetStepID(stepID)
	}
	c := f.newCall(ctx, req, e, targeted)
	var resp *Response
	defer func() {
		ended(c, resp)
		f.warnUnasked(c, resp)
		f.warnResent(c, resp)
	}()
	if c.Checkpoints != nil {
		defer c.Checkpoints.Close()
	}
	resp = f.serve(ctx, c, req, e, stepID)
	return resp
}

// serve has the SDK run the function, and makes the answer.
func (f *function) serve(ctx context.Context, c *call.Call, req *Request, e *envelope.Envelope, stepID string) *Response {
	// To the SDK a done context looks like a completed run: it must not see one.
	sdkCtx := call.NewContext(NewContext(context.WithoutCancel(ctx), f.app), c)
	rec := recorder{header: http.Header{}}
	if err := f.record(c, &rec, f.sdkRequest(sdkCtx, req, e, stepID)); err != nil {
		header := http.Header{}
		if sdkerrors.IsNoRetryError(err) {
			header[headerNoRetry] = []string{isTrue}
		}
		return f.failed(req, c, http.StatusInternalServerError, err.Error(), header)
	}
	if rec.status < http.StatusPartialContent && !c.Returned() {
		if c.PutOff != nil {
			return f.answerPutOff(req, c, c.PutOff)
		}
		return f.failed(req, c, http.StatusInternalServerError, errCutShort.Error(), rec.header)
	}
	if err := f.outputError(c, &rec); err != nil {
		return f.failed(req, c, http.StatusInternalServerError, err.Error(), http.Header{headerNoRetry: {isTrue}})
	}
	if rec.status >= http.StatusBadRequest {
		message := answerMessage(rec.body.Bytes(), rec.status)
		if f.adopted != nil {
			message = panicMessage(message)
		}
		return f.failed(req, c, rec.status, message, rec.header)
	}
	body := bytes.TrimSuffix(rec.body.Bytes(), []byte("\n"))
	if reason := whyTooLarge(rec.status, len(body)); reason != "" {
		return f.failed(req, c, http.StatusInternalServerError, reason, http.Header{headerNoRetry: {isTrue}})
	}
	if rec.status == http.StatusOK {
		if err := c.CheckIntegers(c.Inner, "the output of function", f.source.id, body); err != nil {
			return f.failed(req, c, http.StatusInternalServerError, err.Error(), http.Header{headerNoRetry: {isTrue}})
		}
		body = asText(body)
	}
	resp := respond(req, rec.status, body)
	copyRetryHeaders(resp.Header, rec.header)
	return resp
}

// record has the SDK run the function. A panic that comes out of the SDK is of the
// user's code that it calls outside of the function: what encodes the output, or a
// hook of a client's middleware.
func (f *function) record(c *call.Call, rec *recorder, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = f.panickedOutside(c, p)
		}
	}()
	f.engine.ServeHTTP(rec, r)
	if c.Checkpoints != nil {
		settle(c, rec)
	}
	return nil
}

// panickedOutside makes the error of a call that has panicked outside of the function,
// and logs the stack.
func (f *function) panickedOutside(c *call.Call, value any) error {
	err := fmt.Errorf("function %s panicked outside of its handler, in a middleware of the client: %s",
		f.source.id, safe.Sprint(value))
	if failed := f.encodingError(c); failed != nil {
		err = NoRetry(failed)
	}
	c.Logger.ErrorContext(c.Inner, "inngest: a panic outside of a function's handler", "function", f.source.id,
		"run_id", c.RunID, "attempt", c.Attempt, "panic", safe.Sprint(value), "stack", string(debug.Stack()))
	return err
}

// newCall makes what one call needs on its way through the SDK.
func (f *function) newCall(ctx context.Context, req *Request, e *envelope.Envelope, targeted bool) *call.Call {
	c := &call.Call{
		FunctionID:  f.source.id,
		RunID:       e.RunID,
		Attempt:     e.Attempt,
		MaxAttempts: e.MaxAttempts,
		Event:       e.Event,
		Events:      e.Events,
		Triggers:    f.events,
		Caller:      ctx,
		Inner:       ctx,
		Request:     req,
		Logger:      f.app.config.Logger,
		Integers:    f.app.checker,
		Invocables:  invocables{f.app},
	}
	c.Replay.Start(e.Steps, targeted)
	c.SeveralSteps = f.config.Checkpoint != nil
	if c.SeveralSteps && !targeted && f.adopted == nil {
		c.Checkpoints = f.checkpoints(c, e)
	}
	return c
}

// run is the function as the SDK sees it.
func (f *function) run(ctx context.Context, in inngestgo.Input[struct{}]) (any, error) {
	return f.execute(ctx, in.InputCtx, f.source.invoke)
}

// execute runs the handler inside the middleware.
func (f *function) execute(
	ctx context.Context, input InputCtx, handler func(context.Context, *FunctionCall) (any, error),
) (any, error) {
	c := call.From(ctx)
	if c == nil {
		return nil, errNoCall
	}
	ctx, cancel := c.Begin(ctx)
	defer cancel()
	chain := f.chain.Load()
	fc := f.functionCall(c, input)
	fc.handler = handler
	ctx = fc.prepare(ctx, chain)
	output, err := chain.function(ctx, fc)
	fc.err = err
	if c.Yielded() && c.Aborted() == nil {
		call.Yield()
	}
	if err != nil && c.MayHold() {
		c.PutOff = &call.PutOff{Err: err}
		call.Yield()
	}
	output = jsontype.Addressed(output)
	c.SetReturned(output)
	return output, err
}

// maxFailureBytes is the size, as JSON, above which the error of a function is cut. The
// server gives a failure handler the error twice and the event, of 3 MiB at most, twice:
// with more, that call would be larger than DefaultMaxBodyBytes, and the handler would
// never run.
const maxFailureBytes = 512 << 10

// failed makes the answer to a call that ended with an error.
func (f *function) failed(req *Request, c *call.Call, status int, message string, header http.Header) *Response {
	noRetry := header.Get(headerNoRetry) == isTrue
	if noRetry && status == http.StatusInternalServerError {
		// 400 says the same as the header to whatever reads only the status.
		status = http.StatusBadRequest
	}
	body := unhandled(c, message)
	f.app.config.Logger.ErrorContext(c.Inner, "inngest: function failed", "function", f.source.id,
		"run_id", c.RunID, "attempt", c.Attempt, "no_retry", noRetry, "error", body.Message)
	body.Message = call.Cut(body.Message, maxFailureBytes)
	resp := failWith(req, status, body, noRetry)
	copyRetryHeaders(resp.Header, header)
	return resp
}

// unhandledStep is what the SDK puts before the message of a step's error that a
// function returns.
const unhandledStep = "unhandled step error: "

// unhandled is the error that a call ended with: the step's own, with its name, if what
// the function has returned says no more than that.
func unhandled(c *call.Call, message string) errorBody {
	if fc, ok := c.Function.(*FunctionCall); ok {
		failed, ok := errors.AsType[inngestgo.StepError](fc.err)
		if ok && failed.Message != "" && message == unhandledStep+failed.Message {
			return errorBody{Name: firstOf(failed.Name, errorName), Message: failed.Message}
		}
	}
	return errorBody{Name: errorName, Message: message}
}

func copyRetryHeaders(to, from http.Header) {
	for _, key := range []string{headerNoRetry, headerRetryAfter} {
		if v := from[key]; len(v) > 0 {
			to[key] = v
		}
	}
}

// sdkRequest makes the request that the SDK gets.
func (f *function) sdkRequest(ctx context.Context, req *Request, e *envelope.Envelope, stepID string) *http.Request {
	query := f.query
	if stepID != "" && stepID != anyStep {
		query = url.Values{"fnId": {f.id}, "stepId": {stepID}}.Encode()
	}
	body := e.WithoutEvents()
	if f.adopted != nil {
		body = f.adopted.shown(e, f.chain.Load().hidden).WithEvents()
	}
	r := &http.Request{
		Method:        http.MethodPost,
		URL:           &url.URL{Path: "/", RawQuery: query},
		Header:        http.Header{},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
	for _, key := range []string{headerRequestID, headerJobID} {
		if v := req.Header.Get(key); v != "" {
			r.Header[key] = []string{v}
		}
	}
	return r.WithContext(ctx)
}

// recorder takes the SDK's answer.
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

// replace replaces the answer.
func (r *recorder) replace(status int, body []byte) {
	r.status = status
	r.body.Reset()
	r.body.Write(body)
}

// answerMessage is the message in the body of an error.
func answerMessage(body []byte, status int) string {
	var e errorBody
	if json.Unmarshal(body, &e) == nil && e.Message != "" {
		return e.Message
	}
	return http.StatusText(status)
}

// sdkLogHandler passes on what functions log with the SDK's logger, and drops
// what the SDK logs itself: it formats every call into its logger, even if
// nothing is logged in the end, and the gate logs the same with better words.
type sdkLogHandler struct{ slog.Handler }

// WithAttrs tells the SDK's own logger by the attribute the SDK gives it.
func (h sdkLogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 1 && attrs[0].Key == "mode" && attrs[0].Value.String() == "serve" {
		return slog.DiscardHandler
	}
	return h.Handler.WithAttrs(attrs)
}
