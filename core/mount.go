package inngestkit

// mountPoint is where an adapter has mounted the app.
type mountPoint struct {
	framework string
	path      string
}

// MountedAt tells the app where its endpoint is: the full path, with the
// prefixes of all groups. Adapters call it when they mount the app; [App.Start]
// announces this path. If an app is mounted several times, the first counts.
func (a *App) MountedAt(framework, path string) {
	a.mount.CompareAndSwap(nil, &mountPoint{framework: framework, path: path})
}
