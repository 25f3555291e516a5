package step

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Sleep pauses the run for d, at most 366 days. Nothing of the app runs in the
// meantime. A negative d counts as zero. Outside a function, which has a run to pause,
// it panics. On a goroutine that the function has started, it ends that goroutine with
// [runtime.Goexit], and the call fails.
func Sleep(ctx context.Context, id string, d time.Duration) {
	_, err := call.Wait[any](ctx, call.Sleep, id, func(call.ID) (json.RawMessage, error) {
		if d > maxPause {
			return nil, abort(call.From(ctx), fmt.Errorf("step %q sleeps for %s: a run sleeps for at most 366 days", id, d))
		}
		sdkstep.Sleep(ctx, id, max(d, 0))
		return nil, nil
	})
	if err != nil && call.From(ctx) != nil {
		runtime.Goexit() // what comes behind the sleep must not run now, and a panic would end the process
	}
	if err != nil {
		panic(err)
	}
}

// SleepUntil pauses the run until t. A time in the past does not pause it.
func SleepUntil(ctx context.Context, id string, t time.Time) {
	Sleep(ctx, id, time.Until(t))
}
