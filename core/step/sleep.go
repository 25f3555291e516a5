package step

import (
	"context"
	"time"

	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Sleep pauses the run for d, at most 366 days. Nothing of the app runs in the
// meantime. A negative d counts as zero.
func Sleep(ctx context.Context, id string, d time.Duration) {
	_, _ = call.Step(ctx, id, func() (struct{}, error) {
		sdkstep.Sleep(ctx, id, max(d, 0))
		return struct{}{}, nil
	})
}

// SleepUntil pauses the run until t. A time in the past does not pause it.
func SleepUntil(ctx context.Context, id string, t time.Time) {
	Sleep(ctx, id, time.Until(t))
}
