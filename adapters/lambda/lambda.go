// Package inngestlambda serves an inngestkit app on AWS Lambda, without a web framework:
// behind an API Gateway (REST API, or HTTP API with payload 1.0 or 2.0), a function URL,
// or an Application Load Balancer.
//
//	lambda.Start(inngestlambda.Handler(app))
//
// The package lambdatest serves such a handler on the local machine.
package inngestlambda

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"

	"github.com/aws/aws-lambda-go/lambda"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// This package requires at least this version of the core.
const _ = adapter.IsAtLeastVersion0_1_0

// framework is the name in requests to Inngest, whose UI shows it as AWS Lambda.
const framework = "aws-lambda"

// Handler returns a handler for lambda.Start that serves all endpoints of app. It
// responds with 404 to requests for other paths, and returns an error for payloads
// that are not HTTP requests. For a function that also handles those, or that serves
// several apps, use [NewRouter].
func Handler(app *inngestkit.App) lambda.Handler {
	adapter.MustApp("inngestlambda: Handler", app)
	router := NewRouter(nil)
	Mount(router, app)
	return router
}

// Router serves the endpoints of apps and passes all other invocations of a Lambda
// function on to another handler. It implements lambda.Handler.
type Router struct {
	routes map[string]route
	next   lambda.Handler
}

// route is an endpoint of an app.
type route struct {
	app *inngestkit.App
	do  adapter.Handler
}

// NewRouter returns a router for [Mount]. next handles HTTP requests for paths at which
// no app is mounted, and all events that are not HTTP requests, such as those of a
// queue; see lambda.NewHandler. If next is nil, the router responds with 404 to the
// former and fails with an error for the latter.
func NewRouter(next lambda.Handler) *Router { return &Router{map[string]route{}, next} }

// Mount adds the endpoints of app to router, for all methods; the app responds with 405
// to those it does not support. Each endpoint is served with and without a trailing
// slash. Call Mount before lambda.Start.
//
// Paths do not include the stage of an API Gateway or the base path of its custom
// domain. Behind an Application Load Balancer, and below a resource of an API such as
// /shop/{proxy+}, set Config.Path to the whole path, /shop/api/inngest.
//
// Mount panics if the app or the router is nil, or if an app is mounted at one of the
// paths.
func Mount(router *Router, app *inngestkit.App) { router.mount("", app) }

// mount is the name of Mount in panics.
const mount = "inngestlambda: Mount"

// errUnknown is the error for payloads that are not HTTP requests.
var errUnknown = errors.New("the payload is not an HTTP request of an API Gateway (REST API, " +
	"or HTTP API with payload 1.0 or 2.0), a function URL or an Application Load Balancer; " +
	"let inngestlambda.NewRouter pass other events on to a handler of yours")

// Invoke implements lambda.Handler. It does not retain the payload.
func (r *Router) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	e, err := parse(payload)
	if err == nil {
		if found, ok := r.routes[e.matched]; ok {
			return e.respond(found.app.Logger(), found.serve(ctx, e))
		}
	}
	switch {
	case r.next != nil:
		return r.next.Invoke(ctx, payload)
	case err != nil:
		return nil, fmt.Errorf("inngestlambda: %w", err)
	default:
		return e.respond(nil, text(http.StatusNotFound, "no app is mounted at this path"))
	}
}

func (r *Router) mount(prefix string, app *inngestkit.App) {
	adapter.MustMount(mount, r, app)
	for _, endpoint := range app.Routes() {
		full := path.Join("/", prefix, endpoint.Path)
		adapter.Claim(mount, app, r, full)
		r.routes[full] = route{app, endpoint.Do}
	}
	app.MountedAt(framework, path.Join("/", prefix, app.Path()))
}

// serve responds to a request, a little before the invocation's deadline.
func (r route) serve(ctx context.Context, e *event) *adapter.Response {
	req, err := e.request()
	if err != nil {
		return text(http.StatusBadRequest, err.Error())
	}
	ctx, cancel := beforeDeadline(ctx)
	defer cancel()
	// A goroutine of its own, because a function that calls runtime.Goexit would otherwise
	// end the runtime's loop, and the invocation would end only with its timeout.
	responses := make(chan *adapter.Response, 1)
	go func() {
		defer close(responses)
		responses <- r.do(ctx, req)
	}()
	resp, ok := <-responses
	if !ok {
		return text(http.StatusInternalServerError, "the function has ended its goroutine (runtime.Goexit)")
	}
	return resp
}

// text returns a plain-text response.
func text(status int, message string) *adapter.Response {
	return &adapter.Response{
		Status: status, Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: []byte(message + "\n"),
	}
}
