package adaptertest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// keeper is middleware that keeps the requests of calls, as middleware may, and a copy
// of each from the time of its call.
type keeper struct {
	mu     sync.Mutex
	kept   []*adapter.Request
	copies []adapter.Request
}

func (k *keeper) middleware() []inngestkit.Middleware {
	return []inngestkit.Middleware{{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				k.keep(call.Request)
				return next(ctx, call)
			}
		},
	}}
}

func (k *keeper) keep(r *adapter.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, r)
	k.copies = append(k.copies, copyOf(r))
}

// last returns the request of the last call.
func (k *keeper) last(tb testing.TB) adapter.Request {
	tb.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.copies) == 0 {
		tb.Fatal("the function was not called")
	}
	return k.copies[len(k.copies)-1]
}

// unchanged fails the test if a kept request has changed.
func (k *keeper) unchanged(tb testing.TB) {
	tb.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for n, r := range k.kept {
		equal(tb, "a request that was kept", copyOf(r), k.copies[n])
	}
}

// copyOf returns a deep copy of a request without its body.
func copyOf(r *adapter.Request) adapter.Request {
	header := make(http.Header, len(r.Header))
	for key, values := range r.Header {
		key = strings.Clone(key)
		for _, value := range values {
			header[key] = append(header[key], strings.Clone(value))
		}
	}
	return adapter.Request{
		Method: strings.Clone(r.Method), Scheme: strings.Clone(r.Scheme), Host: strings.Clone(r.Host),
		Path: strings.Clone(r.Path), RawQuery: strings.Clone(r.RawQuery), Header: header, Framework: strings.Clone(r.Framework),
	}
}
