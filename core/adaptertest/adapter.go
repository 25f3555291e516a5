package adaptertest

import (
	"context"
	"net"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Adapter describes an adapter and its framework to the suite. The flags describe what
// the framework can do, not what the adapter happens to do: where one is false, the
// suite still requires that nothing breaks.
type Adapter struct {
	// Framework is the name that the adapter reports to Inngest. Required.
	Framework string
	// New returns a server that does not serve yet. The suite calls it often and
	// concurrently; the servers must share nothing. Required.
	New func(tb testing.TB, site Site) Server
	// StatusOf returns the status in the framework's error that an error of the
	// adapter's Send is or wraps, 0 if it has none. Required.
	StatusOf func(err error) int

	// CancelsOnHangUp reports whether the context of a request ends when its client
	// hangs up, as it does with net/http.
	CancelsOnHangUp bool
	// KeepsValues reports whether a function that has kept its context still finds, after
	// the call, what middleware has stored for the request. This requires a store whose
	// contents can be listed, or that is never reused; Echo has neither. The function
	// must never find a value of another request.
	KeepsValues bool
	// StreamsBodies reports whether a handler runs before the whole body has arrived, and
	// ReadsAhead how many bytes of the body must have arrived before.
	StreamsBodies bool
	ReadsAhead    int
	// AnyMethod reports whether a route also serves non-standard methods, so the app responds
	// to them. All methods that net/http has constants for, except
	// CONNECT, must reach the app in any case.
	AnyMethod bool
	// KnowsGroups reports whether a router exposes the prefixes of its groups, so Mount can
	// pass the full path to the app. The routers of net/http do not: their users
	// set Config.ServePath, and so does the suite.
	KnowsGroups bool
	// TrailingSlash is how the framework, as New configures it, treats the path of the
	// endpoint with a trailing slash.
	TrailingSlash TrailingSlash

	// The rest describes a platform that passes requests on to a program other than over
	// HTTP, as AWS Lambda does.

	// RewritesQuery reports whether the program gets the parameters of the query and not the
	// query as it was sent. Escapes and the order of different keys may then differ.
	RewritesQuery bool
	// JoinsHeaders reports whether several headers with one name, except Set-Cookie, arrive
	// as one header with commas, in requests and in responses.
	JoinsHeaders bool
	// SetsForwardedProto reports whether the platform replaces X-Forwarded-Proto of clients
	// with the scheme that it has served.
	SetsForwardedProto bool
	// MaxBytes is the size in bytes of the largest body of a request or a response that the
	// platform passes on, 0 for any. The suite sends none above it.
	MaxBytes int
}

// TrailingSlash is how a framework treats a path with a trailing slash.
type TrailingSlash int

// How a framework treats a trailing slash.
const (
	// SlashNotFound responds with 404.
	SlashNotFound TrailingSlash = iota
	// SlashServed serves the path as the one without the slash.
	SlashServed
	// SlashRedirected redirects to the path without the slash: POST and PUT with
	// 307 or 308, which keep the method.
	SlashRedirected
)

// Server is a server of the framework, for example an *http.Server.
type Server interface {
	// Serve serves the listener, which may speak TLS, until Shutdown is called. The suite
	// ignores its error.
	Serve(listener net.Listener) error
	// Shutdown stops the server gracefully: it waits for running requests and closes idle
	// connections.
	Shutdown(ctx context.Context) error
}

// Site describes the routes that New sets up. New must not install recover middleware,
// because the adapter has to recover panics.
//
// Outermost middleware has to store two values of each request for the handlers. In a
// framework with its own store (c.Set, Locals) it stores
//
//   - the header TenantHeader under TenantKey, uncopied, as the framework's accessor
//     returns it; and Stale under TenantKey after the handler has returned,
//   - the query parameter PageQuery under PageKey, also uncopied,
//
// and in the request's [context.Context] the header TenantHeader under ContextKey{},
// copied if the framework reuses memory. In a framework without its own store, it stores
// all of them in the context, without Stale.
type Site struct {
	// App must be mounted below Groups with the adapter's Mount, and at HandPath, for all
	// methods, with the adapter's Handler. Mount has to mount all of App.Routes, for all
	// methods: the endpoint that Inngest calls, and the routes of plugins. Handler serves
	// only the endpoint.
	App *inngestkit.App
	// Others are further apps, which have to be mounted after App on the same router, with
	// Mount. Mount has to panic if one of their paths is taken, or if one of them is App
	// itself; see Claim in core/adapter. New must not recover that panic.
	Others []*inngestkit.App
	// Groups are the prefixes of nested groups or sub-routers, outermost first, each with
	// a leading slash. Without any, App is mounted on the router itself.
	Groups []string
	// BodyLimit is the size in bytes of bodies that the framework must let through.
	BodyLimit int
	// Event is the event that the routes SendPath and BareSendPath send on a POST. They
	// respond with the IDs as JSON. They pass an error to Failed, and then to the framework
	// as users do: they return it, or abort with it. With net/http, they respond with the
	// status of the error and its text.
	Event inngestkit.AnyEvent
	// Failed is called with the error of the adapter's Send.
	Failed func(err error)
}

// The paths of the routes of a [Site]; Groups apply only to the app. SendPath and
// FromPath are behind the adapter's Middleware, BareSendPath is not. FromPath responds
// to a GET with the ID of the app that the adapter's From returns.
const (
	HandPath     = "/by/hand"
	SendPath     = "/send"
	BareSendPath = "/bare/send"
	FromPath     = "/from"
)

// The keys and values that the middleware of a [Site] stores, and where it reads them.
const (
	TenantHeader = "X-Tenant"
	TenantKey    = "tenant"
	PageQuery    = "page"
	PageKey      = "page"
	Stale        = "stored after the call"
)

// ContextKey is the type of the key under which the middleware of a [Site] stores a
// value in the context of a request.
type ContextKey struct{}
