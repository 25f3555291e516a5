package inngestkit

import (
	"strings"
	"sync/atomic"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// arrival records what the first request reveals about the path of the app.
type arrival struct {
	checked atomic.Bool
	// path is the path of the request if it has a prefix that the app did not know, else nil.
	path atomic.Pointer[string]
}

// otherPath returns the path of the first request if Start and Sync announce a different
// one, else "".
func (r *arrival) otherPath() string {
	if path := r.path.Load(); path != nil {
		return *path
	}
	return ""
}

// checkReceivedPath logs a warning if the path of the first request has a prefix that was
// not passed to [App.MountedAt], because Start and Sync then announce a path that does not
// exist. Most routers on net/http do not report their prefix to adapters. The caller passes
// only requests of the server, or of anyone in dev mode. The prefix depends on the router
// only, so later requests cost one atomic load.
func (a *App) checkReceivedPath(req *adapter.Request) {
	if a.arrival.checked.Load() {
		return
	}
	received, err := a.requested(req)
	if err != nil {
		return
	}
	received.Path = trimSlash(received.Path)
	path := received.EscapedPath()
	if !isPath(path) || !a.arrival.checked.CompareAndSwap(false, true) { // not with //, which middleware may remove
		return
	}
	mount := a.mount.Load()
	if mount == nil || a.config.ServePath != "" || a.severalPaths.Load() {
		return
	}
	mounted, err := mount.fullPath()
	if err != nil || received.Path == mounted || !strings.HasSuffix(received.Path, strings.TrimSuffix(mounted, "/")) {
		return
	}
	a.arrival.path.Store(&path)
	a.config.Logger.Warn("inngest: Start, Sync and CheckEndpoint use a different path than the one received, because "+
		"the app does not know its prefix (of http.StripPrefix, a sub-router, a proxy or the stage of an API); "+
		"set ServePath (INNGEST_SERVE_PATH) to the path received",
		"announced", mounted, "received", path)
}
