package onfasthttp

import (
	"context"
	"log/slog"
	"reflect"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// contextOf returns a context for a call, which has the values of ctx and of r, and ends
// when the client hangs up, and a function that ends the context after the call.
//
// The context does not derive from r, which ends with the server instead of the request;
// if anything still waited for it then, the process could end with "missing cancel
// error". If ctx derives from r, only its values are used, and only during the call,
// because afterwards they belong to another request.
func contextOf(ctx context.Context, r *fasthttp.RequestCtx, logger *slog.Logger) (context.Context, func()) {
	end := func() {}
	if derives(ctx, r) {
		ctx, end = adapter.WithLookup(context.Background(), logger, ctx.Value)
	}
	ctx, cancel := context.WithCancel(adapter.WithValues(ctx, copies(r.VisitUserValuesAll)))
	stop := onHangUp(ctx, r.Conn(), cancel)
	return ctx, func() {
		stop()
		cancel()
		end()
	}
}

// mark is a key used only by [derives].
type mark struct{}

// derives reports whether ctx looks values up in r. It must not panic, so it also returns
// true for a context that panics; WithLookup then recovers the panics.
func derives(ctx context.Context, r *fasthttp.RequestCtx) (derives bool) {
	r.SetUserValue(mark{}, true)
	defer r.RemoveUserValue(mark{})
	defer func() {
		if recover() != nil {
			derives = true
		}
	}()
	return ctx.Value(mark{}) != nil
}

// copies returns the values that visit passes to its argument. fasthttp reuses request
// memory, so strings, and slices of strings or bytes, are copied. Memory that other
// values point to is not copied.
func copies(visit func(visitor func(key, value any))) map[any]any {
	values := map[any]any{}
	visit(func(key, value any) {
		if key == nil || reflect.ValueOf(key).Comparable() {
			values[copied(key)] = copied(value)
		}
	})
	return values
}

func copied(value any) any {
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.String:
		return reflect.ValueOf(strings.Clone(v.String())).Convert(v.Type()).Interface()
	case v.Kind() != reflect.Slice || v.IsNil():
		return value
	case v.Type().Elem().Kind() == reflect.Uint8:
		return reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v).Interface()
	case v.Type().Elem().Kind() == reflect.String:
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			c.Index(i).SetString(strings.Clone(v.Index(i).String()))
		}
		return c.Interface()
	default:
		return value
	}
}
