// Package lambdatest serves a Lambda handler on the local machine, as API Gateway, function
// URLs and load balancers do: a [Gateway] turns HTTP requests into the events that AWS
// documents, and the handler's responses into those of HTTP. It is for tests, and for
// development with the Inngest dev server:
//
//	gateway := &lambdatest.Gateway{Handler: inngestlambda.Handler(app)}
//	err := app.Start(ctx)
//	err = http.ListenAndServe("localhost:3000", gateway)
//
// With a [Runtime] as its handler, a Gateway serves the program that you deploy.
package lambdatest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Kind is a service that sends HTTP requests to Lambda functions.
type Kind int

// The services. Their events and responses differ.
const (
	// HTTPAPI is an HTTP API of API Gateway with payload format 2.0, its default.
	HTTPAPI Kind = iota
	// HTTPAPIv1 is an HTTP API of API Gateway with payload format 1.0.
	HTTPAPIv1
	// RESTAPI is a REST API of API Gateway with a Lambda proxy integration, a resource
	// {proxy+}, and the binary media types that AWS encodes by default elsewhere.
	RESTAPI
	// FunctionURL is a function URL.
	FunctionURL
	// ALB is a target group of an Application Load Balancer with multi-value headers.
	ALB
	// ALBSingleValue is a target group without multi-value headers, which passes on only the
	// last of several headers or parameters with one name.
	ALBSingleValue
)

// isALB reports whether the service is a load balancer.
func (k Kind) isALB() bool { return k == ALB || k == ALBSingleValue }

// isV2 reports whether the service uses payload format 2.0.
func (k Kind) isV2() bool { return k == HTTPAPI || k == FunctionURL }

// defaultTimeout is the longest timeout that a Lambda function can have.
const defaultTimeout = 15 * time.Minute

// Gateway is an http.Handler that invokes a Lambda handler for each request, concurrently
// for concurrent requests. It enforces AWS's size limits, but not the time limits of the
// services. If a function takes longer than Timeout, the client gets 502, and the function
// continues.
type Gateway struct {
	// Kind is the service. The default is HTTPAPI.
	Kind Kind
	// Handler is what the program passes to lambda.Start, or a *Runtime. Required.
	Handler lambda.Handler
	// Stage is the stage of an API, which is the first element of its paths, or "" for the
	// default stage of an HTTP API, or for a custom domain that is mapped to a stage.
	Stage string
	// BasePath is the path such as /shop at which an API is mapped to a custom domain, ""
	// for none. Clients call the API below it.
	BasePath string
	// Timeout is that of the Lambda function. The default is 15 minutes.
	Timeout time.Duration
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.Kind.maxBody()))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			refuse(w, http.StatusRequestEntityTooLarge, refusal{Message: "Request Too Long"})
			return
		}
		refuse(w, http.StatusBadRequest, refusal{Message: "Bad Request"})
		return
	}
	payload, err := json.Marshal(g.event(r, body))
	if err != nil {
		panic(err) // events have only strings, maps and slices
	}
	if len(payload) > maxRequestPayload {
		refuse(w, http.StatusRequestEntityTooLarge, refusal{Message: "Request Too Long"})
		return
	}
	encoded, err := g.invoke(r.Context(), payload)
	if err == nil {
		err = g.write(w, encoded)
	}
	if err != nil {
		refuse(w, http.StatusBadGateway, refusal{Message: "Internal Server Error", Reason: err.Error()})
	}
}

// invoke calls the handler. Its context does not end when the client hangs up.
func (g *Gateway) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	timeout := g.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: rand.Text()})
	results := make(chan result, 1)
	go func() {
		defer close(results)
		defer func() {
			if r := recover(); r != nil {
				results <- result{err: fmt.Errorf("the handler panicked: %v", r)}
			}
		}()
		response, err := g.Handler.Invoke(ctx, payload)
		results <- result{response, err}
	}()
	select {
	case got, ok := <-results:
		if !ok {
			return nil, errors.New("the handler has ended its goroutine")
		}
		return got.response, got.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the function has timed out after %s", timeout)
	}
}

// prefix returns the part of a URL's path before the path within the API.
func (g *Gateway) prefix() string {
	if g.BasePath != "" {
		return "/" + strings.Trim(g.BasePath, "/")
	}
	if g.Stage != "" {
		return "/" + g.Stage
	}
	return ""
}
