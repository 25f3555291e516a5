package limits

import "time"

// maxPriority is the range of a priority in both directions: PriorityFactorMax in pkg/consts
// of the server. Inngest's documentation speaks of 600 s.
const maxPriority = 12 * time.Hour

// Priority returns the seconds by which a run goes ahead, from the value of the function's
// priority expression. Only integers count (RunPriorityFactor in pkg/inngest of the server).
// The numbers in an event are floats, so "event.data.priority" alone is 0. Functions write
// "int(event.data.priority)".
func Priority(value any) time.Duration {
	var seconds int64
	switch v := value.(type) {
	case int:
		seconds = int64(v)
	case int64:
		seconds = v
	}
	limit := int64(maxPriority / time.Second)
	return time.Duration(min(max(seconds, -limit), limit)) * time.Second
}

// futureLimit is FutureAtLimit in pkg/consts of the server.
const futureLimit = 2 * time.Second

// Score returns by what waiting calls are ordered: the lowest runs first. A call that is
// due within 2 s of now, when it is enqueued, has the score of its run, so older runs go
// first. Others, such as sleeps and retries, have the time at which they are due (Score in
// pkg/execution/queue of the server). runStarted is the time of the run's ID. priority
// applies to a run's start, its steps and its handling of failed steps; callers pass 0 for
// sleeps and timeouts.
func Score(due, runStarted, now time.Time, priority time.Duration) int64 {
	if due.UnixMilli() > now.Add(futureLimit).UnixMilli() {
		return due.UnixMilli()
	}
	return runStarted.Add(-priority).UnixMilli()
}
