package engine

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
	"github.com/inngestkit/inngestkit/inngesttest/internal/limits"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// flowControl has the limits that functions share, and what evaluates their keys.
type flowControl struct {
	expressions *expr.Evaluator
	concurrency *limits.Concurrency
	semaphores  *limits.Semaphores
	// routes are the server's HTTP API.
	routes *http.ServeMux
}

func newFlowControl(v version.Version, now func() time.Time) flowControl {
	return flowControl{
		expressions: expr.New(v, now),
		concurrency: limits.NewConcurrency(v),
		semaphores:  limits.NewSemaphores(v),
	}
}

func scopeOf(text string) limits.ConcurrencyScope {
	switch scope := limits.ConcurrencyScope(strings.ToLower(text)); scope {
	case limits.ConcurrencyScopeEnv, limits.ConcurrencyScopeAccount:
		return scope
	default:
		return limits.ConcurrencyScopeFn
	}
}

// mayStart takes what a call needs: a place in each concurrency limit, for the first call of
// a run also one among the function's runs and one of the throttle. It returns "", or takes
// nothing and says what the call waits for.
func (e *Engine) mayStart(it *item) (reason string) {
	run := it.run
	call := strconv.FormatUint(it.seq, 10)
	if blocked, ok := e.concurrency.Acquire(call, run.concurrency...); !ok {
		return "waits for " + blocked.String()
	}
	if it.kind == kindStart {
		if reason := e.mayBegin(run); reason != "" {
			e.concurrency.Release(call)
			return reason
		}
	}
	if run.Started.IsZero() {
		e.addFinishTimeout(run)
	}
	return ""
}

// mayBegin is mayStart for what only the first call of a run needs, retries included.
func (e *Engine) mayBegin(run *Run) (reason string) {
	fn := run.Function
	now := e.clock.now()
	if o := fn.options.runs; o != nil && !e.semaphores.Acquire(run.ID, fn.Slug, run.semaphoreKey, o.Limit, now) {
		if e.semaphores.Holds(run.ID) {
			e.waitsForItself(run, o.Limit)
		}
		return withKey(fmt.Sprintf("waits for FnConcurrency %d", o.Limit), o.Key, run.semaphoreKey)
	}
	o := fn.options.throttle
	if o == nil {
		return ""
	}
	ok, retryAt := fn.limiters.throttle.Take(run.throttleKey, run.ID, now)
	if ok {
		return ""
	}
	if run.Started.IsZero() {
		e.semaphores.Release(run.ID)
	}
	if !fn.limiters.wake.After(now) || retryAt.Before(fn.limiters.wake) {
		fn.limiters.wake = retryAt
		e.at(retryAt, func() {}) // held calls are looked at again when time moves
	}
	what := fmt.Sprintf("waits for the throttle of %d per %s", o.Limit, Span(time.Duration(o.Period)))
	return withKey(what, o.Key, run.throttleKey)
}

// waitsForItself reports a run whose retry waits for a place among the function's runs
// although the run has one, which is a defect of the server.
func (e *Engine) waitsForItself(run *Run, limit int) {
	if limit == 1 && !run.stuck {
		run.stuck = true
		e.fault(run, "the run waits for itself forever: with a limit of 1 run at a time (flow.FnConcurrency), a real server "+
			"%s does not retry a first call that began 5 s or more before; make the first step succeed, or use "+
			"flow.Singleton or flow.Concurrency", e.cfg.Version)
	}
}

// withKey adds the whole key to a text: the queue takes calls with the same text for held
// back by the same limit.
func withKey(text, expression, key string) string {
	if expression != "" {
		text += " of key " + strconv.Quote(key)
	}
	return text
}

// release gives back the places of a call that has ended. A run keeps its place among the
// function's runs until it ends.
func (e *Engine) release(it *item) { e.concurrency.Release(strconv.FormatUint(it.seq, 10)) }

// initScheduling prepares the scheduling side of a new engine.
func (e *Engine) initScheduling() {
	e.events = newEvents()
	e.flowControl = newFlowControl(e.cfg.Version, e.clock.now)
	e.routes = e.newRoutes()
}
