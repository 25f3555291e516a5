package inngesttest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/testhooks"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
)

// hangsAfter is the real time after which the log names a call that has not ended.
const hangsAfter = 10 * time.Second

// observedCall is a call of an app, with the hooks that its context carries.
type observedCall struct {
	v        *virtual
	call     *engine.Call
	function string // its ID within the app
	// until has the time that step.SleepUntil was given last, and for which step.
	until   time.Time
	untilID string
	// reached reports whether a hook was called: the context has reached the function.
	reached bool
}

// Call implements engine.Observer. The context of the call ends with the test: in a bubble, a
// call outlives the Settle in which it begins.
func (v *virtual) Call(_ context.Context, c *engine.Call) (context.Context, func(resp *adapter.Response)) {
	f := c.Run.Function
	o := &observedCall{v: v, call: c, function: strings.TrimPrefix(f.Slug, f.App.ID+"-")}
	ctx := testhooks.NewContext(v.tb.Context(), &testhooks.Hooks{
		RoundTrip: v.roundTrip, EnterStep: o.enterStep, RunStep: o.runStep, SleepUntil: o.sleepUntil,
		LeaveFunction: func(_ context.Context, err error) { o.checkRetryAt("the function", err) },
	})
	ctx, check := v.checks.call(ctx, c)
	stop := v.watch(o)
	v.calling.Add(1)
	return ctx, func(resp *adapter.Response) {
		stop()
		v.calling.Add(-1)
		if resp == nil {
			return // the app could not be called
		}
		o.end(resp)
		check(resp)
	}
}

// watch logs that a call hangs. In a bubble, the test itself fails then.
func (v *virtual) watch(o *observedCall) (stop func()) {
	if v.bubble {
		return func() {}
	}
	timer := time.AfterFunc(v.hangsAfter, func() {
		v.tb.Logf("inngesttest: call %d of the run %s of %s has not returned for %s. If it waits for another call, "+
			"use the option Overlap; if it waits for time to pass, use a bubble of testing/synctest",
			o.call.Number, o.call.Run.ID, o.call.Run.Function.Slug, v.hangsAfter)
	})
	return func() { timer.Stop() }
}

func (o *observedCall) enterStep(_ context.Context, s testhooks.Step) {
	o.reached = true
	if s.Kind == kindSleep {
		o.v.stubs.reachedSleep(s.ID)
	}
	if s.Kind != kindSleep || o.untilID != s.ID {
		return
	}
	o.untilID = ""
	if o.v.bubble || !o.v.skipped() || o.announced(s) {
		return
	}
	o.v.Fault(o.call.Run, "step.SleepUntil(%q) was given %s after %s of virtual time, but the clock of your code is real, so "+
		"the length of the sleep depends on both. Run the test in a bubble, where there is one clock: "+
		"synctest.Test(t, func(t *testing.T) { … }) of testing/synctest", s.ID, o.until.Format(time.RFC3339),
		short(o.v.engine.Now().Sub(o.v.start)))
}

// skipped reports whether the virtual clock differs from the real one.
func (v *virtual) skipped() bool {
	return !v.options.start.IsZero() || v.engine.Now().After(v.start)
}

// announced reports whether an earlier call has announced the step.
func (o *observedCall) announced(s testhooks.Step) bool {
	announced := false
	o.v.engine.Locked(func() {
		announced = slices.ContainsFunc(o.call.Run.Steps, func(known *engine.Step) bool {
			return known.ID == s.ID && known.Index == s.Index
		})
	})
	return announced
}

func (o *observedCall) sleepUntil(_ context.Context, id string, until time.Time) time.Duration {
	o.until, o.untilID = until, id
	return time.Until(until)
}

// checkRetryAt refuses an error that asks for a retry at a date, after time has passed. A time
// with a monotonic clock reading is not a date: it was calculated from time.Now, as
// RetryAfter does, and the engine takes the difference.
func (o *observedCall) checkRetryAt(what string, err error) {
	at, ok := inngestkit.RetryTime(err)
	if !ok || o.v.bubble || !o.v.skipped() || strings.Contains(at.String(), " m=") {
		return
	}
	o.v.Fault(o.call.Run, "the error of %s asks for a retry at %s (RetryAt) after %s of virtual time, but the clock of your "+
		"code is real. Use RetryAfter, or run the test in a bubble, where there is one clock: "+
		"synctest.Test(t, func(t *testing.T) { … }) of testing/synctest", what, at.Format(time.RFC3339),
		short(o.v.engine.Now().Sub(o.v.start)))
}

// runStep runs the callback of a step, or what a stub puts in its place.
func (o *observedCall) runStep(
	ctx context.Context, s testhooks.Step, callback func(ctx context.Context) (any, error),
) (any, error) {
	value, err := o.runStubbed(ctx, s, callback)
	o.checkRetryAt("step "+strconv.Quote(s.ID), err)
	return value, err
}

func (o *observedCall) runStubbed(
	ctx context.Context, s testhooks.Step, callback func(ctx context.Context) (any, error),
) (any, error) {
	stub := o.v.stubs.take(o.function, s.ID, s.Index)
	if stub == nil {
		return callback(ctx)
	}
	if !o.v.suits(o.call.Run, stub, s.Kind) {
		return callback(ctx)
	}
	o.v.mu.Lock()
	o.v.stubbed[stepOf{o.function, s.ID}] = stub
	o.v.mu.Unlock()
	if stub.takes > 0 && !o.v.bubble {
		o.call.Takes += stub.takes
	} else if stub.takes > 0 {
		defer time.Sleep(stub.takes)
	}
	if stub.outcome.do == nil {
		return callback(ctx)
	}
	in := o.v.input(o.call.Run, s.ID, s.Index, s.Kind)
	in.Attempt, in.Callback = o.call.Attempt, callback
	return stub.outcome.do(ctx, in)
}

func (v *virtual) input(run *engine.Run, id string, index int, kind string) StepInput {
	f := run.Function
	return StepInput{
		ID: id, Index: index, Kind: kind, FunctionID: strings.TrimPrefix(f.Slug, f.App.ID+"-"), RunID: run.ID,
	}
}

// suits reports a stub whose outcome the kind of its step cannot have.
func (v *virtual) suits(run *engine.Run, stub *Stub, kind string) bool {
	outcomes, ok := stub.fits(kind)
	if !ok {
		v.Fault(run, "%s does not suit the step, which is a %s; use %s", stub, kind, orNone([]string{outcomes}))
		return false
	}
	if stub.takes > 0 && kind != kindRun {
		v.Fault(run, "%s: Takes is for steps with a callback, this one is a %s", stub, kind)
		return false
	}
	return true
}

// end is called with the response of the app.
func (o *observedCall) end(resp *adapter.Response) {
	if resp.Status >= 400 {
		o.checkMisfit(string(resp.Body))
	}
	if resp.Status != http.StatusPartialContent || o.reached {
		return
	}
	o.v.lost.Store(true)
	if !o.v.bubble && o.v.skipped() && strings.Contains(string(resp.Body), `"op":"Sleep"`) {
		o.v.Fault(o.call.Run, "the context of the call does not reach the function, so the kit cannot tell step.Sleep from "+
			"step.SleepUntil, whose length depends on the real clock of your code. See ContextOf, or run the test in a bubble: "+
			"synctest.Test(t, func(t *testing.T) { … }) of testing/synctest")
	}
}

// checkMisfit reports a stub whose value does not fit the type of its step. Otherwise a test
// could take the failure of the run for the one that it expects.
func (o *observedCall) checkMisfit(body string) {
	_, rest, found := strings.Cut(body, "the memoized result of step ")
	if !found {
		return
	}
	message := rest
	if text, err := strconv.Unquote(`"` + firstString(rest) + `"`); err == nil {
		message = text
	}
	if stub := o.stubOf(message); stub != nil {
		o.v.Fault(o.call.Run, "%s: the value does not fit: step %s", stub, message)
	}
}

// stubOf returns the stub of the step whose quoted ID begins the message, nil if it has none.
func (o *observedCall) stubOf(message string) *Stub {
	o.v.mu.Lock()
	defer o.v.mu.Unlock()
	for step, stub := range o.v.stubbed {
		if step.function == o.function && strings.HasPrefix(message, strconv.Quote(step.id)) {
			return stub
		}
	}
	return nil
}

// firstString returns text up to the quote that ends the JSON string that it is part of.
func firstString(text string) string {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[:i]
		}
	}
	return text
}

// gateway answers the request that step.Fetch or step.Infer has the server make.
func (v *virtual) gateway(g *engine.GatewayRequest) (*http.Response, error) {
	in := v.input(g.Run, g.Step.ID, g.Step.Index, g.Step.Kind)
	stub := v.stubs.take(in.FunctionID, in.ID, in.Index)
	switch {
	case stub != nil && v.suits(g.Run, stub, in.Kind):
		return answerRequest(g.Request, stub, in)
	case v.options.allowNetwork:
		return v.network.RoundTrip(g.Request)
	}
	if stub == nil {
		v.Fault(g.Run, "step %q makes a request to %s: answer it with e.Step(%q).Responds(200, …), or allow it with the option "+
			"AllowNetwork", in.ID, g.Request.URL.Redacted(), in.ID)
	}
	return nil, fmt.Errorf("the test has no answer for step %q", in.ID)
}

// Row implements engine.Observer.
func (v *virtual) Row(r engine.Row) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.rows) >= maxRows {
		v.rows = append(v.rows[:0], v.rows[maxRows/2:]...)
	}
	v.rows = append(v.rows, r)
}

// maxRows is how many rows of all timelines an engine keeps.
const maxRows = 10_000

// Fault implements engine.Observer. The test fails as soon as its goroutine gets control back.
func (v *virtual) Fault(run *engine.Run, format string, args ...any) { //nolint:goprintffuncname // as the engine calls it
	v.mu.Lock()
	v.faults++
	if run != nil {
		v.blamed = run
	}
	if v.stop != nil {
		v.stop()
	}
	v.mu.Unlock()
	text := "inngesttest: "
	if run != nil {
		text += "run " + run.ID + " of " + run.Function.Slug + ": "
	}
	v.tb.Errorf("%s", text+fmt.Sprintf(format, args...))
}

// format returns a row as timelines print it.
func (v *virtual) format(r engine.Row) row {
	formatted := row{at: r.Time.Sub(v.start), call: r.Call, step: r.Step, text: r.Text}
	if r.MaxAttempts > 0 {
		formatted.attempt = fmt.Sprintf("%d/%d", r.Attempt, r.MaxAttempts)
	}
	return formatted
}

// decisions implements backend.
func (v *virtual) decisions() string {
	rows := v.rowsOf(nil)
	if len(rows) == 0 {
		return ""
	}
	return table("events and decisions without a run", rows)
}
