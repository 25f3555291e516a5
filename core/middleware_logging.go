package inngestkit

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Logging returns middleware that logs at level, with [Logger], what goes well:
// that a run of a function starts, that a step has run, that a function has
// finished, that events were sent. Each is logged once, however often the function
// is called; the start again for each try of the first step. Durations are those of the last call or try. What fails is logged by
// the app itself, with or without this middleware.
func Logging(level slog.Level) Middleware {
	return Middleware{
		Function: func(next FunctionHandler) FunctionHandler {
			return func(ctx context.Context, call *FunctionCall) (any, error) {
				begin := time.Now()
				if !call.Replaying() {
					Logger(ctx).Log(ctx, level, "inngest: function started")
				}
				output, err := next(ctx, call)
				if err == nil {
					Logger(ctx).Log(ctx, level, "inngest: function finished", "duration", time.Since(begin))
				}
				return output, err
			}
		},
		Step: func(next StepHandler) StepHandler {
			return func(ctx context.Context, step *StepCall) (any, error) {
				begin := time.Now()
				output, err := next(ctx, step)
				if err == nil {
					Logger(ctx).Log(ctx, level, "inngest: step finished", "step", step.ID, "duration", time.Since(begin))
				}
				return output, err
			}
		},
		Send: func(next SendHandler) SendHandler {
			return func(ctx context.Context, events []RawEvent) ([]string, error) {
				begin := time.Now()
				ids, err := next(ctx, events)
				if err == nil {
					Logger(ctx).Log(ctx, level, "inngest: events sent", "ids", ids, "duration", time.Since(begin))
				}
				return ids, err
			}
		},
	}
}

// Recover returns middleware that hands panics of functions and steps to report,
// an error tracker for one. The app recovers panics without it too: they are
// logged with their stack, and the server tries again.
func Recover(report func(ctx context.Context, panicked *PanicError)) Middleware {
	reportAny := func(ctx context.Context, err error) {
		if panicked, ok := errors.AsType[*PanicError](err); ok {
			report(ctx, panicked)
		}
	}
	return Middleware{
		Function: func(next FunctionHandler) FunctionHandler {
			return func(ctx context.Context, call *FunctionCall) (any, error) {
				output, err := next(ctx, call)
				reportAny(ctx, err)
				return output, err
			}
		},
		Step: func(next StepHandler) StepHandler {
			return func(ctx context.Context, step *StepCall) (any, error) {
				output, err := next(ctx, step)
				reportAny(ctx, err)
				return output, err
			}
		},
	}
}
