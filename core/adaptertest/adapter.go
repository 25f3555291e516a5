package adaptertest

import (
	"context"
	"net"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Adapter is what the suite has to know about an adapter and its framework. The
// flags say what the framework can do, never what the adapter happens to do: where
// one is false, the suite still demands that nothing breaks.
type Adapter struct {
	// Framework is the name that the adapter tells Inngest. Required.
	Framework string
	// New makes a server that is not serving yet. It is called often, also at the
	// same time; the servers must have nothing in common. Required.
	New func(tb testing.TB, site Site) Server
	// StatusOf returns the status in the framework's error that an error of the
	// adapter's Send is or wraps, 0 if it has none. Required.
	StatusOf func(err error) int

	// CancelsOnHangUp is whether the context of a request ends when its client
	// hangs up: net/http does that, fasthttp does not.
	CancelsOnHangUp bool
	// KeepsValues is whether functions still find what middleware has stored for a
	// request in a context they have kept, after the call has ended. It takes a
	// store whose contents can be listed, or that belongs to one request for good;
	// Echo has neither. A value of another request may never be found.
	KeepsValues bool
	// StreamsBodies is whether a handler runs before all of a body has come, and
	// ReadsAhead how many bytes of it must have come, 0 if none.
	StreamsBodies bool
	ReadsAhead    int
	// AnyMethod is whether a route can be for methods that no standard names, so
	// that the app answers them too. The usual ones, which are those that net/http
	// has constants for but CONNECT, have to reach the app in any case.
	AnyMethod bool
	// KnowsGroups is whether a router tells below which prefixes it is, so that Mount
	// can tell the app. The routers of net/http do not; their users set
	// Config.ServePath, and so does the suite then.
	KnowsGroups bool
	// TrailingSlash is what the framework, as New sets it up, does with the path of
	// the endpoint and a slash behind it.
	TrailingSlash TrailingSlash
}

// TrailingSlash is what a framework does with a path that it knows without the
// slash at the end.
type TrailingSlash int

// What a framework does with a slash too many.
const (
	// SlashNotFound answers with 404.
	SlashNotFound TrailingSlash = iota
	// SlashServed serves the path like the one without the slash.
	SlashServed
	// SlashRedirected redirects to the path without the slash: POST and PUT with
	// 307 or 308, which keep the method.
	SlashRedirected
)

// Server is a server of the framework. An *http.Server is one.
type Server interface {
	// Serve serves the listener, which may be one for TLS, until Shutdown is called.
	// Whatever it returns then is fine.
	Serve(listener net.Listener) error
	// Shutdown stops the server the way the framework stops gracefully: it waits for
	// the requests that are running, and closes connections that are idle.
	Shutdown(ctx context.Context) error
}

// Site is what New has to set up. No recover middleware may be installed: a panic
// has to stop in the adapter.
//
// Middleware of the server's own, in front of everything, has to take two values
// from each request and store them, with the framework's usual means, for the
// handlers behind it: in a framework with a store of its own (c.Set, Locals)
//
//   - under TenantKey the header TenantHeader, as the framework's accessor returns
//     it and without a copy; and after the handler has returned, Stale,
//   - under PageKey the query parameter PageQuery, likewise, without Stale,
//
// and in the request's [context.Context], under ContextKey{}, the header
// TenantHeader again, as a copy of its own if the framework uses memory again.
// Without a store of its own, the context takes all of them and Stale is left out.
type Site struct {
	// App is to be mounted with the adapter's Mount, below Groups; and, with the
	// adapter's Handler, at HandPath, for all methods. Mount has to mount all of
	// App.Routes, the endpoint of Inngest and what plugins have added, each for all
	// methods; Handler is for that endpoint alone.
	App *inngestkit.App
	// Others are further apps, to be mounted with Mount like App and behind it, on the
	// same router. Mount has to panic if one of their paths is taken, or if one is App
	// itself; see the function Claim of core/adapter. What it panics with must get out of New.
	Others []*inngestkit.App
	// Groups are the prefixes of nested groups or sub-routers, the outermost first,
	// each with a slash before it. None means the router itself.
	Groups []string
	// BodyLimit is what the framework must let through at least, in bytes.
	BodyLimit int
	// Event is what the routes SendPath and BareSendPath send, for POST. They answer
	// with the IDs as JSON. They pass an error to Failed first, and then on to the
	// framework as users do: they return it, or abort with it. For net/http, which has
	// no such way, they respond with the status of the error and its text.
	Event inngestkit.AnyEvent
	// Failed takes the error of the adapter's Send.
	Failed func(err error)
}

// Where the routes of a [Site] are; Groups are only for the app. SendPath and
// FromPath are behind the adapter's Middleware, BareSendPath is not. FromPath is for
// GET and answers with the ID of the app that the adapter's From returns.
const (
	HandPath     = "/by/hand"
	SendPath     = "/send"
	BareSendPath = "/bare/send"
	FromPath     = "/from"
)

// What the middleware of a [Site] stores, and where it has it from.
const (
	TenantHeader = "X-Tenant"
	TenantKey    = "tenant"
	PageQuery    = "page"
	PageKey      = "page"
	Stale        = "stored after the call"
)

// ContextKey is the type of the key under which the middleware of a [Site] stores
// a value in the context of a request.
type ContextKey struct{}
