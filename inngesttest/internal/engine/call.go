package engine

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// anyStep is the step ID of a call that is not for a single step.
const anyStep = "step"

// maxSteps is how many results a run may have when the app is called (DefaultMaxStepLimit in
// pkg/consts of the server). So a function that ends after its last step may have one less.
const maxSteps = 1000

// A flight is a call under way.
type flight struct {
	it      *item
	call    *Call
	began   time.Time
	plan    plan
	outcome *outcome
	// ended reports that the app has responded, or that the call's goroutine has ended.
	ended bool
	// delayed reports that the response waits for the time that the call takes.
	delayed bool
}

// prepare returns the call of an item, nil if the app must not be called.
func (e *Engine) prepare(it *item) *flight {
	run, now := it.run, e.clock.now()
	if run.over() {
		return nil
	}
	plan := run.plan
	if it.sleep != "" && it.attempt == 0 {
		s := run.step(it.sleep)
		run.save(s, []byte("null"), len("null"), now)
		e.stepRow(run, s, "slept")
		if len(run.pending) > 0 {
			return nil
		}
		e.resetPlan(run, plan)
	}
	if len(run.stack) >= maxSteps {
		e.failBeforeCall(run, overflow())
		return nil
	}
	if run.Started.IsZero() {
		run.Started, run.Status = now, Running
	}
	run.Calls++
	body := e.body(it, plan)
	target := it.target
	if target == "" {
		target = anyStep
	}
	f := &flight{it: it, began: now, plan: plan}
	f.call = &Call{Run: run, Number: run.Calls, Attempt: it.attempt, Target: it.target}
	f.call.Do = func(ctx context.Context, force bool) *adapter.Response {
		target := target
		if force {
			target = anyStep // the app would run the step of a call that is for one
		}
		return e.request(ctx, run, target, plan.protocol, body.withPlan(force || plan.forced))
	}
	return f
}

// request sends a call to the app. The time of its signature is the app's.
func (e *Engine) request(ctx context.Context, run *Run, target string, protocol int, body []byte) *adapter.Response {
	app := run.Function.App
	header := http.Header{
		"Content-Type":          {"application/json"},
		"X-Inngest-Req-Version": {strconv.Itoa(protocol)},
		"X-Inngest-Step-Id":     {target},
		"X-Run-Id":              {run.ID},
	}
	if err := sign(ctx, app, header, body); err != nil {
		return nil
	}
	return app.Do(ctx, &adapter.Request{
		Method: http.MethodPost, Scheme: "http", Host: appHost, Path: appPath,
		RawQuery: "fnId=" + url.QueryEscape(run.Function.Slug) + "&stepId=" + url.QueryEscape(target),
		Header:   header, Body: bytes.NewReader(body), ContentLength: int64(len(body)),
	})
}

// appHost and appPath are where apps are served, if they do not look at it closely.
const (
	appHost = "inngesttest.invalid"
	appPath = "/api/inngest"
)

// sign signs a request with the app's signing key, if it has one.
func sign(ctx context.Context, app *App, header http.Header, body []byte) error {
	if app.SigningKey == "" {
		return nil
	}
	signature, err := inngestgo.Sign(ctx, time.Now(), []byte(app.SigningKey), body)
	if err != nil {
		return err
	}
	header["X-Inngest-Signature"] = []string{signature}
	return nil
}

// fly makes the call and finds out what the response means. It runs without the lock.
func (e *Engine) fly(ctx context.Context, f *flight) {
	var o *outcome
	defer func() {
		e.mu.Lock()
		f.outcome, f.ended = o, true
		e.mu.Unlock()
		select {
		case e.landed <- struct{}{}:
		default:
		}
	}()
	done := func(*adapter.Response) {}
	if e.cfg.Observer != nil {
		ctx, done = e.cfg.Observer.Call(ctx, f.call)
	}
	resp := f.call.Do(ctx, false)
	done(resp)
	parsed := e.interpret(resp)
	e.makeRequests(ctx, f, parsed)
	o = parsed
}

// arrive handles the response of a call that has ended, after the time that the call takes.
func (e *Engine) arrive(f *flight) {
	it, run := f.it, f.it.run
	if f.call.Takes > 0 && !f.delayed && !run.over() {
		f.delayed = true
		e.delay(f)
		return
	}
	it.running = false
	e.free(it)
	if run.over() {
		e.callRow(f, "the run is over, so the response is ignored")
		return
	}
	if f.outcome == nil {
		e.fault(run, "call %d of the app has not returned: its goroutine has ended", f.call.Number)
		e.done(it)
		return
	}
	e.handle(f)
}

// delay handles the response of a call later. The call is under way until then.
func (e *Engine) delay(f *flight) {
	run := f.it.run
	var later *item
	later = e.at(e.clock.now().Add(f.call.Takes), func() {
		run.items = remove(run.items, later)
		e.arrive(f)
	})
	run.items = append(run.items, later)
}
