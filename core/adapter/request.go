// Package adapter is for authors of adapters, which serve an app with a web framework,
// and of plugins, which add routes to an app. Programs that only use adapters and
// plugins do not need it.
//
// An adapter translates: it turns the framework's request into a [Request], calls
// [Route].Do, and writes the [Response]. For frameworks on net/http, [HTTPHandler]
// does all three. The adapter's Mount does this for each route of the app:
//
//	adapter.MustMount("inngestname: Mount", router, app)
//	for _, route := range app.Routes() {
//		adapter.Claim("inngestname: Mount", app, router, prefix+route.Path)
//		router.Handle(route.Path, adapter.HTTPHandler("name", route.Do))
//	}
//	app.MountedAt("name", prefix+app.Path())
//
// The package adaptertest tests adapters.
package adapter

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Request is an HTTP request in the form that all frameworks share.
type Request struct {
	Method string
	// Scheme is http or https, and Host is the host and port, as the client sees them. They
	// are part of the URL that a sync announces.
	Scheme string
	Host   string
	// Path and RawQuery are the path and the query of the URL, as received.
	Path     string
	RawQuery string
	// Header contains the headers under their canonical names, without Host.
	//
	// Headers and all strings of a Request must stay unchanged after the Handler has
	// returned, because middleware may keep them. Copy them if the framework reuses
	// the memory of a request.
	Header http.Header
	// Body is read at most once, and not after the Handler has returned. It may be nil.
	Body io.Reader
	// ContentLength is the length of the body in bytes, -1 if unknown.
	ContentLength int64
	// BodyLimit is the size in bytes of the largest body that the framework accepts,
	// 0 if it has no limit or the limit is unknown.
	BodyLimit int64
	// Buffered reports whether the framework has read the whole body into memory before
	// it calls the Handler, although it could stream it. The app then warns that
	// unauthenticated clients can use up memory.
	Buffered bool
	// WriteTimeout is how long the framework's server lets a handler take, 0 for no limit.
	WriteTimeout time.Duration
	// UsualDeadline is for platforms that end every request after a time that users
	// configure, 0 for others. With it, the app warns only about deadlines that are closer
	// than this, instead of all that end before the Inngest server stops waiting.
	UsualDeadline time.Duration
	// Framework is the name of the framework that is reported to Inngest, such as "gin".
	Framework string
}

// Response is the response to a [Request]. An adapter writes it unchanged.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Handler responds to requests of every method.
type Handler func(ctx context.Context, req *Request) *Response

// Route is an endpoint of an app. Adapters mount all routes that App.Routes returns,
// and plugins add routes with App.AddRoutes.
type Route struct {
	// Path is relative to the router or group on which the app is mounted; / is the
	// router or group itself. It has no : and no *, which some routers treat as a
	// pattern. App.AddRoutes removes a trailing slash. Adapters serve
	// the path with and without one.
	Path string
	Do   Handler
}
