package adapter

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"weak"
)

// IsAtLeastVersion0_1_0 is a compile-time handshake: an adapter or plugin that needs version
// 0.1.0 of the core mentions it, and so does not build with an older one.
const IsAtLeastVersion0_1_0 = true

// StoreKey is the key under which an adapter's Middleware also stores the app in the
// framework's own store. inngestkit.FromContext then finds the app in contexts that
// look up only string keys there, as a *gin.Context does.
const StoreKey = "inngestkit.App"

// App is an *inngestkit.App, as far as this package needs it.
type App interface{ ID() string }

// MustApp returns app and panics if it is nil. Adapters use it in functions that have
// no error result and run at startup. The panic names the function, for example
// "inngestgin: Handler".
func MustApp[A App](function string, app A) A {
	if isNil(app) {
		panic(function + ": the app is nil; check the error that inngestkit.New returned")
	}
	return app
}

// MustMount is [MustApp] for an adapter's Mount. It also panics if the router is nil.
func MustMount(function string, router any, app App) {
	MustApp(function, app)
	if isNil(router) {
		panic(fmt.Sprintf("%s: the router for app %q is nil; create it first", function, app.ID()))
	}
}

func isNil(v any) bool {
	value := reflect.ValueOf(v)
	return !value.IsValid() || (value.Kind() == reflect.Pointer || value.Kind() == reflect.Func) && value.IsNil()
}

// claims maps a claim to its holder. Both are weak pointers, so claims keeps neither the
// router nor the app alive.
var claims sync.Map

// claim is a path of a router.
type claim struct {
	router weak.Pointer[byte]
	path   string
}

// holder is the app that is mounted at a claimed path.
type holder struct {
	app weak.Pointer[byte]
	id  string
}

// Claim records that an adapter's Mount mounts a route of app on router. The path is
// the full one, with the prefixes of all groups. Claim panics if a route of an app,
// this or another one, is mounted there already: some frameworks would hide one of the
// two, others panic without a hint.
//
// The router is a pointer that all groups of a router share. Claim ignores other
// values. The function names the adapter's Mount in panics: "inngestgin: Mount".
func Claim(function string, app App, router any, path string) {
	at := addressOf(router)
	if at == nil {
		return
	}
	key, mine := claim{weak.Make(at), path}, holder{weak.Make(addressOf(app)), app.ID()}
	held, taken := claims.LoadOrStore(key, mine)
	if !taken {
		runtime.AddCleanup(at, func(key claim) { claims.Delete(key) }, key)
		return
	}
	switch other := held.(holder); { //nolint:forcetypeassert // claims has no other values
	case other == mine:
		panic(fmt.Sprintf("%s: app %q is mounted at %s already; mount it once on each router or group", function, app.ID(), path))
	case other.app.Value() != nil:
		panic(fmt.Sprintf("%s: app %q cannot be mounted at %s: app %q is mounted there on the same router. "+
			"Give one of them another Config.Path (and another inngesthealth.WithPath), or mount it on a group of its own",
			function, app.ID(), path, other.id))
	}
}

// addressOf returns the address of what v points to, nil if v is not a pointer, or is
// nil, or points to a value of size 0, whose address may not be unique.
func addressOf(v any) *byte {
	pointer := reflect.ValueOf(v)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() || pointer.Type().Elem().Size() == 0 {
		return nil
	}
	return (*byte)(pointer.UnsafePointer())
}
