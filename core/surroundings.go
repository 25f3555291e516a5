package inngestkit

import (
	"context"
	"net/http"
	"time"
)

// maxServerBody is the size in bytes of the largest body that the server sends to
// an app (MaxSDKRequestBodySize in its pkg/consts).
const maxServerBody = 4 << 20

// lookAround logs, at the app's first request, what around the endpoint will hurt
// calls. Nothing of it depends on the request, so later ones pay for one atomic
// load.
func (a *App) lookAround(ctx context.Context, req *Request) {
	if a.looked.Load() || !a.looked.CompareAndSwap(false, true) {
		return
	}
	l := a.config.Logger.With("path", req.Path)
	if req.BodyLimit > 0 && req.BodyLimit < maxServerBody {
		l.Error("inngest: the framework refuses bodies that the server sends, so calls with much data fail; "+
			"raise its limit (Fiber: BodyLimit in fiber.Config)", "limit", req.BodyLimit, "server_sends", maxServerBody)
	}
	if deadline, ok := ctx.Deadline(); ok {
		l.Warn("inngest: a timeout ends calls; a step that takes longer fails and is tried again. "+
			"Leave the path out of the timeout, or make it longer than every step", "timeout", shown(time.Until(deadline)))
	}
	server, ok := ctx.Value(http.ServerContextKey).(*http.Server)
	if ok && server.WriteTimeout > 0 {
		l.Warn("inngest: WriteTimeout of the http.Server cuts answers off; a step that takes longer is run again. "+
			"Lift it for the path: http.NewResponseController(w).SetWriteDeadline(time.Time{})", "timeout", server.WriteTimeout)
	}
}

// shown is the time that is left of a timeout, nearly the timeout itself, for people.
func shown(left time.Duration) time.Duration {
	if left > time.Second {
		return left.Round(100 * time.Millisecond)
	}
	return left.Round(time.Millisecond)
}
