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
	"strings"

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
// several apps, use a [Router].
func Handler(app *inngestkit.App) lambda.Handler {
	adapter.MustApp("inngestlambda: Handler", app)
	router := &Router{}
	Mount(router, app)
	return router
}

// Router serves the endpoints of the apps that [Mount] adds, and passes all other
// invocations of a Lambda function on to other handlers. It implements lambda.Handler. The
// zero value is ready for use. Set the fields before lambda.Start.
type Router struct {
	// HTTP handles HTTP requests for paths at which no app is mounted. If it is nil, they
	// get 404.
	HTTP lambda.Handler
	// Events handles all other payloads, such as those of a queue; see lambda.NewHandler. If
	// it is nil, their invocations fail with an error.
	Events lambda.Handler

	routes map[string]route
}

// route is an endpoint of an app.
type route struct {
	app *inngestkit.App
	do  adapter.Handler
}

// Mount adds the endpoints of app to router, for all methods; the app responds with 405
// to those it does not support. Each endpoint is served with and without a trailing
// slash. Call Mount before lambda.Start.
//
// Paths do not include the stage of an API Gateway or the base path of its custom
// domain. Behind an Application Load Balancer, and below a resource of an API such as
// /shop/{proxy+}, set Config.Path to the whole path, /shop/api/inngest.
//
// Mount panics if the app or the router is nil, if a path has parameters or wildcards,
// which Router does not support, or if an app is mounted at one of the paths.
func Mount(router *Router, app *inngestkit.App) { router.mount("", app) }

// mount is the name of Mount in panics.
const mount = "inngestlambda: Mount"

// errUnknown is the error for payloads that are not HTTP requests.
var errUnknown = errors.New("the payload is not an HTTP request of an API Gateway (REST API, " +
	"or HTTP API with payload 1.0 or 2.0), a function URL or an Application Load Balancer; " +
	"to handle other events, set Events of an inngestlambda.Router")

// Invoke implements lambda.Handler. It does not retain the payload.
func (r *Router) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	e, err := parse(payload)
	if err != nil {
		if r.Events != nil {
			return r.Events.Invoke(ctx, payload)
		}
		return nil, fmt.Errorf("inngestlambda: %w", err)
	}
	if found, ok := r.routes[e.matched]; ok {
		return e.respond(found.app.Logger(), found.serve(ctx, e))
	}
	if r.HTTP != nil {
		return r.HTTP.Invoke(ctx, payload)
	}
	return e.respond(nil, text(http.StatusNotFound, "no app is mounted at this path"))
}

func (r *Router) mount(prefix string, app *inngestkit.App) {
	adapter.MustMount(mount, r, app)
	if r.routes == nil {
		r.routes = map[string]route{}
	}
	for _, endpoint := range app.Routes() {
		full := fullPath(app, prefix, endpoint.Path)
		adapter.Claim(mount, app, r, full)
		r.routes[full] = route{app, endpoint.Do}
	}
	app.MountedAt(framework, fullPath(app, prefix, app.Path()))
}

// fullPath returns the path of an endpoint below a prefix, without escapes, as in events.
func fullPath(app *inngestkit.App, prefix, endpoint string) string {
	full := path.Join("/", prefix, endpoint)
	if strings.ContainsAny(full, "{:*") {
		panic(fmt.Sprintf("%s: app %q cannot be mounted at %s: this router has no parameters or wildcards ({, :, *); "+
			"use the path as clients request it", mount, app.ID(), full))
	}
	return unescape(full)
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
