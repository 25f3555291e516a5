package inngestkit

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"weak"
)

// MustApp returns app. It panics if app is nil; function is what was given it, for the
// text: "inngestgin: Handler". It is for adapters, whose functions have no error to
// return and are called while a program starts.
func MustApp(function string, app *App) *App {
	if app == nil {
		panic(function + ": the app is nil; was the error of inngestkit.New looked at?")
	}
	return app
}

// MustMount is [MustApp] for an adapter's Mount: it panics if the router is nil, too.
func MustMount(function string, router any, app *App) {
	MustApp(function, app)
	v := reflect.ValueOf(router)
	if !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Func) && v.IsNil() {
		panic(fmt.Sprintf("%s: the router for app %q is nil; make it first", function, app.ID()))
	}
}

// claim is a path of a router.
type claim struct {
	router weak.Pointer[byte]
	path   string
}

// claims has a weak pointer to the app that is mounted there, by claim. The handlers
// of a router keep its apps.
var claims sync.Map

// Claim notes that an adapter's Mount, whose name is function, mounts a route of app at
// path, the full one, on router. It panics if this app or another one is there already:
// some frameworks would hide one of them, others panic without a cure. The router is a
// pointer, and the one that all groups have in common; of others nothing is noted.
func Claim(function string, app *App, router any, path string) {
	v := reflect.ValueOf(router)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem().Size() == 0 { // nothing has no address
		return
	}
	address := (*byte)(v.UnsafePointer())
	key := claim{weak.Make(address), path}
	held, taken := claims.LoadOrStore(key, weak.Make(app))
	if !taken {
		runtime.AddCleanup(address, func(key claim) { claims.Delete(key) }, key)
		return
	}
	other := held.(weak.Pointer[App]).Value() //nolint:forcetypeassert // nothing else is in there
	switch {
	case other == app:
		panic(fmt.Sprintf("%s: app %q is mounted at %s already; mount it once on each router or group", function, app.ID(), path))
	case other != nil:
		panic(fmt.Sprintf("%s: app %q cannot be mounted at %s: app %q is there, on the same router. "+
			"Give one of them another Config.Path (and another inngesthealth.WithPath), or mount it on a group of its own",
			function, app.ID(), path, other.ID()))
	}
}
