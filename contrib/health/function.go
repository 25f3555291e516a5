package inngesthealth

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A failurePolicy holds the arguments of WithFailureThreshold.
type failurePolicy struct {
	rate   float64
	runs   int
	window time.Duration
}

// epoch returns the number of the window slot for a time.
func (h *Health) epoch(at time.Time) int64 { return epochOf(at.Sub(h.installed), h.failures.window) }

// function is the middleware that counts function calls.
func (h *Health) function(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
	return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
		f := h.of(call.FunctionID)
		begin := time.Now()
		f.active.Add(1)
		call.OnEnd(func(outcome inngestkit.Outcome, _ error) {
			f.active.Add(-1)
			now := time.Now()
			f.ended(now, now.Sub(begin), outcome, h.epoch(now))
		})
		return next(ctx, call)
	}
}

// step is the middleware that counts attempts of steps.
func (h *Health) step(next inngestkit.StepHandler) inngestkit.StepHandler {
	return func(ctx context.Context, step *inngestkit.StepCall) (any, error) {
		f := h.of(step.Function.FunctionID)
		step.OnEnd(func(outcome inngestkit.Outcome, _ error) {
			f.stepEnded(outcome, h.epoch(time.Now()))
		})
		return next(ctx, step)
	}
}

// of returns the counters of a function.
func (h *Health) of(id string) *functionStats {
	f, ok := h.functions.Load(id)
	if !ok {
		f, _ = h.functions.LoadOrStore(id, new(functionStats))
	}
	return f.(*functionStats) //nolint:forcetypeassert // the map has no other values
}

// functionStats holds the counters of one function. Times are in nanoseconds since
// 1970, 0 for never.
type functionStats struct {
	active                                 atomic.Int64
	executions, successes                  atomic.Uint64
	failures, retries                      atomic.Uint64
	lastExecution, lastSuccess, lastFailed atomic.Int64
	durations                              samples
	recent                                 window
}

// ended counts a finished call.
func (f *functionStats) ended(at time.Time, took time.Duration, outcome inngestkit.Outcome, epoch int64) {
	f.executions.Add(1)
	f.lastExecution.Store(at.UnixNano())
	f.durations.add(took)
	switch outcome {
	case inngestkit.OutcomeCompleted:
		f.successes.Add(1)
		f.lastSuccess.Store(at.UnixNano())
		f.recent.count(epoch, attemptsGood, runsGood)
	case inngestkit.OutcomeFailed, inngestkit.OutcomeNonRetriable:
		f.failures.Add(1)
		f.lastFailed.Store(at.UnixNano())
		f.recent.count(epoch, attemptsBad, runsBad)
	case inngestkit.OutcomeRetried:
		f.retries.Add(1)
		f.recent.count(epoch, attemptsBad)
	case inngestkit.OutcomeYielded: // stepEnded counts its steps
	}
}

// stepEnded counts an attempt of a step.
func (f *functionStats) stepEnded(outcome inngestkit.Outcome, epoch int64) {
	switch outcome {
	case inngestkit.OutcomeCompleted:
		f.recent.count(epoch, attemptsGood)
	case inngestkit.OutcomeRetried:
		f.retries.Add(1)
		f.recent.count(epoch, attemptsBad)
	case inngestkit.OutcomeFailed, inngestkit.OutcomeNonRetriable: // the function may handle it, so the run may still succeed
		f.recent.count(epoch, attemptsBad)
	case inngestkit.OutcomeYielded:
	}
}

// Functions returns the metrics of all functions, in the order of their registration.
func (h *Health) Functions() []FunctionMetrics {
	ids := h.app.FunctionIDs()
	all := make([]FunctionMetrics, len(ids))
	for i, id := range ids {
		all[i] = h.metrics(id)
	}
	return all
}

// Function returns the metrics of a function, and false if no function with this ID is
// registered.
func (h *Health) Function(id string) (FunctionMetrics, bool) {
	if !slices.Contains(h.app.FunctionIDs(), id) {
		return FunctionMetrics{}, false
	}
	return h.metrics(id), true
}

// System returns the metrics of the process.
func (h *Health) System() SystemMetrics { return readSystem() }

func (h *Health) metrics(id string) FunctionMetrics {
	found, ok := h.functions.Load(id)
	if !ok {
		return FunctionMetrics{ID: id, Status: Healthy}
	}
	f := found.(*functionStats) //nolint:forcetypeassert // see of
	m := FunctionMetrics{       // in reverse order of counting, so successes never exceed executions
		Retries:       f.retries.Load(),
		Failures:      f.failures.Load(),
		Successes:     f.successes.Load(),
		ID:            id,
		LastExecution: ofUnixNano(f.lastExecution.Load()),
		LastSuccess:   ofUnixNano(f.lastSuccess.Load()),
		LastFailure:   ofUnixNano(f.lastFailed.Load()),
		Executions:    f.executions.Load(),
		Active:        f.active.Load(),
		Durations:     f.durations.summary(),
	}
	m.Status, m.FailureRate, m.ErrorRate = h.failures.judge(&f.recent, h.epoch(time.Now()))
	return m
}

// judge returns the status and the failure and error rates of a function for its
// window.
func (p failurePolicy) judge(recent *window, epoch int64) (status FunctionStatus, failed, erred float64) {
	total := recent.sum(epoch)
	runs, failed := rate(total[runsGood], total[runsBad])
	attempts, erred := rate(total[attemptsGood], total[attemptsBad])
	switch atLeast := uint64(max(p.runs, 0)); {
	case p.rate == 0:
		return Healthy, failed, erred
	case runs >= atLeast && failed >= p.rate:
		return Unhealthy, failed, erred
	case attempts >= atLeast && erred >= p.rate:
		return Degraded, failed, erred
	default:
		return Healthy, failed, erred
	}
}

// rate returns the total, and the bad part of it from 0 to 1.
func rate(good, bad uint64) (all uint64, part float64) {
	if all = good + bad; all == 0 {
		return 0, 0
	}
	return all, float64(bad) / float64(all)
}

// unhealthy returns the number of unhealthy functions.
func (h *Health) unhealthy() (count int) {
	epoch := h.epoch(time.Now())
	for _, found := range h.functions.Range {
		f := found.(*functionStats) //nolint:forcetypeassert // see of
		if f.failures.Load() == 0 {
			continue
		}
		if status, _, _ := h.failures.judge(&f.recent, epoch); status == Unhealthy {
			count++
		}
	}
	return count
}

// ofUnixNano returns a time in whole seconds, nil for 0.
func ofUnixNano(nanoseconds int64) *time.Time {
	if nanoseconds == 0 {
		return nil
	}
	return new(wholeSeconds(time.Unix(0, nanoseconds)))
}

func wholeSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
