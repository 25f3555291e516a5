package inngestotel

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// A function with map[string]string as data would fail to decode the trace context, an
// object that it does not expect.
func TestFunctionsDoNotGetTheTraceContext(t *testing.T) {
	t.Parallel()
	event := inngestkit.DefineEvent[map[string]string]("order/placed")
	var got map[string]string
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("fn", event,
		func(_ context.Context, in inngestkit.Input[map[string]string]) (any, error) {
			got = in.Event.Data
			return nil, nil
		})))
	require.NoError(t, Install(app))
	c := carrying(t)
	data := c.withField([]byte(`{"id":"o1"}`), c.newField(trace.ContextWithSpanContext(t.Context(), span)))
	body := `{"event":{"name":"order/placed","data":` + string(data) + `},"ctx":{"run_id":"r"}}`
	resp := app.Do(t.Context(), &adapter.Request{
		Method: http.MethodPost, Path: app.Path(), RawQuery: "fnId=shop-fn&stepId=step", Body: strings.NewReader(body),
	})
	require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
	require.Equal(t, map[string]string{"id": "o1"}, got)
}
