package inngestlambda

import inngestkit "github.com/inngestkit/inngestkit/core"

// MountBelow mounts an app as if a router had groups, which the suite of core/adaptertest
// also tests.
func MountBelow(router *Router, prefix string, app *inngestkit.App) { router.mount(prefix, app) }

// HandleAt serves only the endpoint of an app, at any path.
func HandleAt(router *Router, path string, app *inngestkit.App) {
	router.routes[path] = route{app, app.Do}
}

// ResponseMargin is how long before the deadline of an invocation its context ends.
const ResponseMargin = responseMargin
