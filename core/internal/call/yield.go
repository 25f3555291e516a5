package call

import (
	"context"

	sdkstep "github.com/inngest/inngestgo/step"
)

// yield is the value the SDK panics with to leave a function when the server has
// to take over. Its type is internal to the SDK, so one is caught at start-up: a
// step whose context is done unwinds with it at once.
var yield = captureYield()

func captureYield() (value any) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	defer func() { value = recover() }()
	sdkstep.Sleep(ctx, "", 0)
	panic("unreachable: the SDK ran a step with a done context")
}

// IsYield reports whether a recovered value is the SDK's control flow and not a
// panic of the user's.
func IsYield(recovered any) bool { return recovered == yield }

// Yield unwinds to the SDK as a step does that waits for the server.
func Yield() { panic(yield) }
