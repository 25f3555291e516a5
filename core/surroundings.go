package inngestkit

import (
	"context"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// maxServerBody is the size in bytes of the largest body that the server sends to
// an app (MaxSDKRequestBodySize in its pkg/consts).
const maxServerBody = 4 << 20

// maxServerWait is how long the server waits for an answer (MaxFunctionTimeout in
// its pkg/consts).
const maxServerWait = 2 * time.Hour

// lookAround logs, at the app's first request, what around the endpoint will hurt
// calls. It hardly ever depends on the request, so later ones pay for one atomic
// load.
func (a *App) lookAround(ctx context.Context, req *adapter.Request) {
	if a.looked.Load() || !a.looked.CompareAndSwap(false, true) {
		return
	}
	l := a.config.Logger.With("path", req.Path)
	if req.BodyLimit > 0 && req.BodyLimit < maxServerBody {
		l.Error("inngest: the framework refuses bodies that the server sends, so calls with much data fail; "+
			"raise its limit (Fiber: BodyLimit in fiber.Config)", "limit", req.BodyLimit, "server_sends", maxServerBody)
	}
	if req.Buffered && !a.config.Dev {
		l.Warn("inngest: the framework reserves memory for whole bodies before the app can refuse those of strangers; " +
			"have it stream them (Fiber: StreamRequestBody in fiber.Config; docs/adapters.md tells what to mind)")
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < maxServerWait {
		l.Warn("inngest: a timeout ends calls; a step that takes longer fails and is tried again. "+
			"Leave the path out of the timeout, or make it longer than every step", "timeout", shown(time.Until(deadline)))
	}
	if req.WriteTimeout > 0 {
		l.Warn("inngest: WriteTimeout of the http.Server cuts answers off, and a step that takes longer is run again; "+
			"it could not be lifted, because a middleware's http.ResponseWriter has no Unwrap. "+
			"Leave the path out of that middleware, or make WriteTimeout longer than every step", "timeout", req.WriteTimeout)
	}
}

// shown is the time that is left of a timeout, nearly the timeout itself, for people.
func shown(left time.Duration) time.Duration {
	if left > time.Second {
		return left.Round(100 * time.Millisecond)
	}
	return left.Round(time.Millisecond)
}
