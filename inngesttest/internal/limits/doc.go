// Package limits decides what flow control does to events, starts and calls, as the
// Inngest server decides it: rate limits, throttles, batches, debounces, concurrency,
// singletons, idempotency, priorities, schedules and the back-off between attempts.
//
// Its types hold state and nothing else. Callers pass the time, and evaluate the
// expressions of keys. Same calls, same results: nothing depends on the order of a map,
// on a clock or on chance. Nothing is safe for concurrent use.
//
// Times are exact. The real server is later by its polls, up to 1 s for throttles and up
// to 5 s for concurrency.
package limits
