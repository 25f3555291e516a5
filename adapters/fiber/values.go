package inngestfiber

import (
	"context"
	"log/slog"
	"reflect"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// mark is a key used only by [contextOf].
type mark struct{}

// contextOf returns a context for the call, and a function that ends the context after
// the call.
//
// The context does not derive from Fiber's own one, which ends with the server instead
// of the request; if anything still waited for it then, the process could end with
// "missing cancel error". If the user's context derives from Fiber's, only its values
// are used, and only during the call, because afterwards they belong to another
// request.
func contextOf(c *fiber.Ctx, logger *slog.Logger) (context.Context, func()) {
	ctx, end := c.UserContext(), func() {}
	c.Context().SetUserValue(mark{}, true)
	if derivesFromFibers(ctx) {
		ctx, end = adapter.WithLookup(context.Background(), logger, ctx.Value)
	}
	c.Context().RemoveUserValue(mark{})
	ctx, cancel := context.WithCancel(adapter.WithValues(ctx, copies(c.Context().VisitUserValuesAll)))
	return ctx, func() {
		cancel()
		end()
	}
}

// derivesFromFibers reports whether ctx looks values up in Fiber's context, which holds
// the mark. It must not panic, so it also returns true for a context that panics;
// WithLookup then recovers the panics.
func derivesFromFibers(ctx context.Context) (derives bool) {
	defer func() {
		if recover() != nil {
			derives = true
		}
	}()
	return ctx.Value(mark{}) != nil
}

// copies returns the values that visit passes to its argument. Fiber reuses request
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
