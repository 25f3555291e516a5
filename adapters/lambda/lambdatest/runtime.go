package lambdatest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Runtime serves the Lambda Runtime API. A program that calls lambda.Start fetches its
// invocations from it if the environment variable AWS_LAMBDA_RUNTIME_API is the address
// at which the Runtime is served:
//
//	runtime := lambdatest.NewRuntime()
//	go http.ListenAndServe("localhost:9001", runtime)
//	err := http.ListenAndServe("localhost:3000", &lambdatest.Gateway{Handler: runtime})
//
//	AWS_LAMBDA_RUNTIME_API=localhost:9001 go run .
//
// A program gets one invocation at a time. Several programs may run at once, as on AWS.
type Runtime struct {
	mux   *http.ServeMux
	queue chan *invocation

	mu      sync.Mutex
	last    int
	running map[string]*invocation
}

// invocation is a call of the function.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	results  chan result
}

type result struct {
	response []byte
	err      error
}

// NewRuntime returns a Runtime.
func NewRuntime() *Runtime {
	r := &Runtime{mux: http.NewServeMux(), queue: make(chan *invocation), running: map[string]*invocation{}}
	// See docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
	const prefix = "/2018-06-01/runtime/"
	r.mux.HandleFunc("GET "+prefix+"invocation/next", r.serveNext)
	r.mux.HandleFunc("POST "+prefix+"invocation/{id}/response", func(w http.ResponseWriter, req *http.Request) {
		r.serveEnd(w, req, func(body []byte) result { return result{response: body} })
	})
	r.mux.HandleFunc("POST "+prefix+"invocation/{id}/error", func(w http.ResponseWriter, req *http.Request) {
		r.serveEnd(w, req, func(body []byte) result { return result{err: functionError(body)} })
	})
	return r
}

// ServeHTTP implements http.Handler.
func (r *Runtime) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// Invoke implements lambda.Handler. It waits until a program has fetched the invocation and
// responded.
func (r *Runtime) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(defaultTimeout)
	}
	i := &invocation{payload: payload, deadline: deadline, results: make(chan result, 1)}
	r.mu.Lock()
	r.last++
	i.id = strconv.Itoa(r.last)
	r.running[i.id] = i
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.running, i.id)
	}()
	select {
	case r.queue <- i:
	case <-ctx.Done():
		return nil, fmt.Errorf("lambdatest: no program has fetched the invocation: %w", ctx.Err())
	}
	select {
	case got := <-i.results:
		return got.response, got.err
	case <-ctx.Done():
		return nil, fmt.Errorf("lambdatest: the program has not responded: %w", ctx.Err())
	}
}

func (r *Runtime) serveNext(w http.ResponseWriter, req *http.Request) {
	select {
	case i := <-r.queue:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", i.id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-2:123456789012:function:local")
		_, _ = w.Write(i.payload) // the program may have ended
	case <-req.Context().Done():
	}
}

// serveEnd ends an invocation with the result that end makes of the request's body.
func (r *Runtime) serveEnd(w http.ResponseWriter, req *http.Request, end func(body []byte) result) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	i := r.running[req.PathValue("id")]
	r.mu.Unlock()
	if err != nil || i == nil {
		http.Error(w, "unknown or finished invocation", http.StatusBadRequest)
		return
	}
	select {
	case i.results <- end(body):
	default: // the program has responded twice
	}
	w.WriteHeader(http.StatusAccepted)
}

// functionError returns the error that a program has reported.
func functionError(body []byte) error {
	var failure struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	if json.Unmarshal(body, &failure) != nil || failure.Message == "" {
		return errors.New(string(body))
	}
	return fmt.Errorf("%s: %s", failure.Type, failure.Message)
}
