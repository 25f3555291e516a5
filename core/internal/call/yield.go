package call

import (
	"context"
	"reflect"

	sdkstep "github.com/inngest/inngestgo/step"
)

// yield is the value the SDK panics with to leave a function when the server has to
// take over. Its type is internal to the SDK, so a value is captured at startup: a step
// whose context is done panics with it at once.
var (
	yield     = captureYield()
	yieldType = reflect.TypeOf(yield)
)

func captureYield() (value any) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	defer func() { value = recover() }()
	sdkstep.Sleep(ctx, "", 0)
	panic("unreachable: the SDK ran a step with a done context")
}

// IsYield reports whether a recovered value is the SDK's control flow and not a panic
// in user code. Only its type counts, as in the SDK.
func IsYield(recovered any) bool { return reflect.TypeOf(recovered) == yieldType }

// Yield unwinds to the SDK as a step does that waits for the server.
func Yield() { panic(yield) }
