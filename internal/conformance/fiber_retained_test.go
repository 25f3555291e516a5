package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	coreadapter "github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// retained is what functions and middleware may keep after a call.
type retained struct {
	ctx     context.Context
	request *coreadapter.Request
	call    *inngestkit.FunctionCall
	events  []inngestkit.RawEvent
	data    user
}

// tenantOf returns a text of the same length for each call, so that one call's memory is
// overwritten by another's.
func tenantOf(number int) string { return fmt.Sprintf("tenant-%06d", number) }

// storeUnsafe stores strings and bytes as Fiber returns them, valid only during the
// request.
func storeUnsafe(c fiberCtx) error {
	c.Locals("text", c.Query("tenant"))
	c.Locals("header", c.Get("X-Tenant"))
	c.Locals("bytes", c.Request().Header.Peek("X-Tenant"))
	c.Locals("body", c.Body())
	c.Locals(c.Query("tenant"), c.Path())
	return c.Next()
}

// Values that functions and middleware keep do not change when Fiber reuses the memory of
// the request.
func TestFiberRetainedValuesDoNotChange(t *testing.T) {
	t.Parallel()
	eachFiber(t, retainedValuesDoNotChange)
}

func retainedValuesDoNotChange(t *testing.T, version fiberVersion) {
	t.Helper()
	const (
		kept  = 200
		later = 4000
	)
	var (
		mu    sync.Mutex
		calls [kept]retained
	)
	keep := func(number int64, change func(r *retained)) {
		mu.Lock()
		defer mu.Unlock()
		if number < kept {
			change(&calls[number])
		}
	}
	middleware := inngestkit.Middleware{Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
		return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
			events, err := call.Events()
			if err != nil {
				return nil, err
			}
			var number int64
			if _, err := fmt.Sscanf(call.RunID, "tenant-%d", &number); err != nil {
				return nil, err
			}
			keep(number, func(r *retained) { r.call, r.request, r.events = call, call.Request, events })
			return next(ctx, call)
		}
	}}
	_, f := version.withApp(t, storeUnsafe, inngestkit.OnEvent("fn", signedUp, func(ctx context.Context, in input) (string, error) {
		keep(in.Event.Data.Number, func(r *retained) { r.ctx, r.data = ctx, in.Event.Data })
		return "done", nil
	}, inngestkit.Use(middleware)))
	listener := testsite.Listen(t, "")
	testsite.Serve(t, f, listener)
	client := testsite.NewClient(t)
	query := func(number int) string { return "fnId=app-fn&tenant=" + tenantOf(number) }
	path := func(number int) string { return "/" + tenantOf(number) + "/api/inngest" }
	header := func(number int) http.Header {
		tenant := tenantOf(number)
		return http.Header{"X-Tenant": {tenant, tenant + "-again"}, "X-Request-Id": {tenant}, http.CanonicalHeaderKey(tenant): {"yes"}}
	}
	load(t, client, 0, kept+later, func(number int) exchange {
		tenant := tenantOf(number)
		e := exchange{http.MethodPost, "http://" + listener.Addr().String() + path(number) + "?" + query(number),
			callBodyFor(tenant, tenant, number), header(number), `"done"`}
		e.header.Set("Host", tenant+".test")
		if number >= kept && number%3 == 0 {
			e.method, e.body, e.want = http.MethodGet, "", ""
			e.url = strings.Replace(e.url, "fnId=app-fn&", "", 1) // with fnId, a GET is a redirected call
		}
		return e
	})
	client.CloseIdleConnections()

	for number, r := range calls {
		tenant := tenantOf(number)
		body := callBodyFor(tenant, tenant, number)
		require.Equal(t, map[any]any{
			"text": tenant, "header": tenant, "bytes": []byte(tenant), "body": []byte(body), tenant: path(number),
		}, valuesOf(r.ctx, "text", "header", "bytes", "body", tenant))
		require.Equal(t, []string{http.MethodPost, "http", tenant + ".test", path(number), query(number)},
			[]string{r.request.Method, r.request.Scheme, r.request.Host, r.request.Path, r.request.RawQuery})
		want := header(number)
		want.Set("Accept-Encoding", "gzip")
		want.Set("User-Agent", "Go-http-client/1.1")
		want.Set("Content-Length", strconv.Itoa(len(body)))
		require.Equal(t, want, r.request.Header)
		require.Equal(t, []string{"fn", tenant}, []string{r.call.FunctionID, r.call.RunID})
		require.Equal(t, user{ID: tenant, Number: int64(number)}, r.data)
		require.Len(t, r.events, 1)
		require.JSONEq(t, fmt.Sprintf(`{"id":%q,"number":%d}`, tenant, number), string(r.events[0].Data))
	}
}

func valuesOf(ctx context.Context, keys ...string) map[any]any {
	values := map[any]any{}
	for _, key := range keys {
		values[key] = ctx.Value(key)
	}
	return values
}
