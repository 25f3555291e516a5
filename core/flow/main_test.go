package flow_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type order struct {
	ID string `json:"id"`
}

var (
	placed    = inngestkit.DefineEvent[order]("order/placed")
	cancelled = inngestkit.DefineEvent[order]("order/cancelled")
)

func handle(context.Context, inngestkit.Input[order]) (any, error) { return nil, nil }

// register registers a function with options.
func register(tb testing.TB, options ...inngestkit.Option) (*inngestkit.App, error) {
	tb.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(tb, err)
	return app, app.Register(inngestkit.OnEvent("fn", placed, handle, options...))
}

// mistake is one mistake in a registration.
type mistake struct {
	field string
	value any
}

// mistakes returns all mistakes in err.
func mistakes(tb testing.TB, err error) []mistake {
	tb.Helper()
	var joined interface{ Unwrap() []error }
	require.ErrorAs(tb, err, &joined)
	var all []mistake
	for _, e := range joined.Unwrap() {
		var m *inngestkit.RegistrationError
		require.ErrorAs(tb, e, &m)
		require.Equal(tb, "fn", m.Function)
		all = append(all, mistake{m.Field, m.Value})
	}
	return all
}

// announced returns what the app announces to the server about a function with options,
// without what it announces about every function.
func announced(tb testing.TB, options ...inngestkit.Option) map[string]any {
	tb.Helper()
	app, err := register(tb, options...)
	require.NoError(tb, err)
	body := `{"url":"https://shop.test/api/inngest"}`
	header := http.Header{"X-Inngest-Sync-Kind": {"in_band"}}
	resp := app.Do(tb.Context(), &adapter.Request{
		Method: http.MethodPut, Scheme: "https", Host: "shop.test", Path: "/api/inngest",
		Header: header, Body: strings.NewReader(body), ContentLength: int64(len(body)),
	})
	require.Equal(tb, http.StatusOK, resp.Status, "%s", resp.Body)
	var response struct {
		Functions []map[string]any `json:"functions"`
	}
	require.NoError(tb, json.Unmarshal(resp.Body, &response))
	require.Len(tb, response.Functions, 1)
	for _, key := range []string{"id", "name", "triggers", "steps"} {
		require.Contains(tb, response.Functions[0], key)
		delete(response.Functions[0], key)
	}
	return response.Functions[0]
}

// asJSON returns v as JSON text, for comparisons.
func asJSON(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	require.NoError(tb, err)
	return string(b)
}
