package onfasthttp

import (
	"context"

	"github.com/valyala/fasthttp"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// Lend returns ctx, the context of the request r, for a send, and a function to call when
// the send has ended.
//
// HTTP clients may look up values later: a connection that they have begun to dial for one
// request may serve another. If ctx derives from r, its values belong to another request
// by then, so the returned context has none after the end.
func Lend(ctx context.Context, r *fasthttp.RequestCtx) (lent context.Context, end func()) {
	app := inngestkit.FromContext(ctx)
	if app == nil || !derives(ctx, r) {
		return ctx, func() {}
	}
	values, end := adapter.WithLookup(context.Background(), app.Logger(), ctx.Value)
	return lentContext{ctx, values}, end
}

// lentContext ends with its Context, but has the values of another.
type lentContext struct {
	context.Context //nolint:containedctx // this is a context

	values context.Context //nolint:containedctx // part of it
}

// Value implements context.Context.
func (c lentContext) Value(key any) any { return c.values.Value(key) }
