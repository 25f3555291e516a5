package inngestkit

import (
	"strings"
	"sync/atomic"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// arrival is what the first request shows about where the app is.
type arrival struct {
	checked atomic.Bool
	// path is the path of the request if it has a prefix that the app did not know, else nil.
	path atomic.Pointer[string]
}

// otherPath returns the path at which the app has received a request if Start and Sync
// announce another one, else "".
func (r *arrival) otherPath() string {
	if path := r.path.Load(); path != nil {
		return *path
	}
	return ""
}

// checkReceivedPath logs, at the first request of the server, or of anyone in dev mode, that
// the path has a prefix that [App.MountedAt] was not told. The routers of net/http do not
// tell it, and then Start and Sync announce a path that does not exist. The prefix depends
// on the router only, so later requests cost one atomic load.
func (a *App) checkReceivedPath(req *adapter.Request) {
	if a.arrival.checked.Load() || !a.arrival.checked.CompareAndSwap(false, true) {
		return
	}
	mount := a.mount.Load()
	if mount == nil || a.config.ServePath != "" || a.severalPaths.Load() {
		return
	}
	mounted, err := mount.fullPath()
	received, errReceived := a.requested(req)
	if err != nil || errReceived != nil {
		return
	}
	received.Path = trimSlash(received.Path)
	if received.Path == mounted || !strings.HasSuffix(received.Path, strings.TrimSuffix(mounted, "/")) {
		return
	}
	path := received.EscapedPath()
	a.arrival.path.Store(&path)
	a.config.Logger.Warn("inngest: the app is at another path than Start, Sync and CheckEndpoint announce, because it was not "+
		"told the prefix (of http.StripPrefix, a sub-router, a proxy or the stage of an API); set ServePath (INNGEST_SERVE_PATH) to the path received",
		"announced", mounted, "received", path)
}
