package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/inngestkit/inngestkit/core/step"
)

// absent is a key under which nothing is stored.
type absent struct{}

// stored returns all values that a function may find in its context.
func stored(ctx context.Context) []any {
	return []any{
		ctx.Value(TenantKey), ctx.Value(ContextKey{}), ctx.Value(PageKey), ctx.Value("absent"), ctx.Value(absent{}), ctx.Value(1),
	}
}

// values: functions and steps find what middleware has stored for the request, under
// the same keys.
func values(t *testing.T, a Adapter) {
	i := start(t, a, setup{function: func(ctx context.Context, in input) (any, error) {
		if in.Event.Data.ID == "function" {
			return stored(ctx), nil
		}
		return step.Run(ctx, "step", func(ctx context.Context) (any, error) { return stored(ctx), nil })
	}})
	const want = `["tenant-a","tenant-a","page a",null,null,null]`
	r := i.withValues(t, i.path, "function", "tenant-a", "page a")
	i.do(t, r).returned(t, json.RawMessage(want))
	r = i.withValues(t, HandPath, "function", "tenant-a", "page a")
	i.do(t, r).returned(t, json.RawMessage(want))
	got := i.do(t, i.withValues(t, i.path, "step", "tenant-a", "page a"))
	got.refused(t, http.StatusPartialContent)
	if !strings.Contains(got.body, want) {
		t.Fatalf("the step has returned %s, want %s", got, want)
	}
	// The store may contain only empty values.
	i.do(t, i.withValues(t, i.path, "function", "", "")).returned(t, json.RawMessage(`["","","",null,null,null]`))
}

// withValues returns a call with values for middleware to store.
func (i *instance) withValues(tb testing.TB, path, id, tenant, page string) *http.Request {
	tb.Helper()
	target := path + query + "&" + PageQuery + "=" + strings.ReplaceAll(page, " ", "%20")
	r := i.request(tb, http.MethodPost, target, envelope(payload{ID: id}))
	r.Header.Set(TenantHeader, tenant)
	return r
}

// keptContext is what a function keeps of its call.
type keptContext struct {
	ctx    context.Context //nolint:containedctx // users do that, and the case tests it
	id     string
	tenant any
	page   any
}

// retainedValues: values and contexts that a function has kept never show those of
// another request.
func retainedValues(t *testing.T, a Adapter) {
	var mu sync.Mutex
	var all []keptContext
	i := start(t, a, setup{function: func(ctx context.Context, in input) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, keptContext{ctx, strings.Clone(in.Event.Data.ID), ctx.Value(TenantKey), ctx.Value(PageKey)})
		return stored(ctx)[0], nil
	}})
	for n := range 50 {
		id := fmt.Sprintf("%02d", n)
		i.do(t, i.withValues(t, i.path, id, "tenant-"+id, "page-"+id)).returned(t, "tenant-"+id)
	}
	i.stop(t)
	for _, kept := range all {
		var tenant, page any = "tenant-" + kept.id, "page-" + kept.id
		equal(t, "the tenant that was kept", kept.tenant, tenant)
		equal(t, "the page that was kept", kept.page, page)
		equal(t, "the tenant in the Go context", kept.ctx.Value(ContextKey{}), tenant)
		if !a.KeepsValues {
			tenant, page = nil, nil
		}
		equal(t, "the tenant in a context that was kept", kept.ctx.Value(TenantKey), tenant)
		equal(t, "the page in a context that was kept", kept.ctx.Value(PageKey), page)
	}
}
