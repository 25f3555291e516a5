// Package onfasthttp serves an app on fasthttp, the HTTP server of all versions of Fiber.
// The adapters for Fiber share it. It does not depend on Fiber.
package onfasthttp

import (
	"context"
	"log/slog"

	"github.com/valyala/fasthttp"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// This package requires at least this version of the core.
const _ = adapter.IsAtLeastVersion0_1_0

// Endpoint is a route of an app.
type Endpoint struct {
	// Framework is the adapter's name in requests to Inngest.
	Framework string
	Logger    *slog.Logger
	Do        adapter.Handler
}

// Serve responds to the request of r. ctx is the context that the framework's middleware
// has set for the request; functions find its values and those of r. server is the one
// that has accepted the request.
func (e Endpoint) Serve(ctx context.Context, r *fasthttp.RequestCtx, server *fasthttp.Server) {
	ctx, end := contextOf(ctx, r, e.Logger)
	var resp *adapter.Response
	defer func() {
		end()
		if resp == nil {
			hangUp(r)
		}
	}()
	resp = e.Do(ctx, requestOf(r, server, e.Framework))
	write(r, resp)
}

// hangUp closes the connection of a request whose goroutine ends without a response
// (runtime.Goexit in a function): fasthttp leaves it open, and the Inngest server would
// wait.
func hangUp(r *fasthttp.RequestCtx) {
	if conn := r.Conn(); conn != nil {
		_ = conn.Close()
	}
}
