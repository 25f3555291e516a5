package inngesthealth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// Whatever the query and the headers are, a client without the password gets neither
// details nor another type than JSON and HTML.
func FuzzReport(f *testing.F) {
	for _, query := range []string{"", "details", "details=true", "details=1&details=false", "details=%zz", "x;details=true", "details=\xff", "%64etails=t"} {
		f.Add(http.MethodGet, query, "text/html,application/json;q=0.9", "Basic b3BzOndyb25n")
	}
	f.Add(http.MethodHead, "", "text/html;q=NaN, */*;q=1e309", "Basic")
	f.Add(http.MethodPost, "details", "text/html;q=\"0", "Bearer x")
	f.Add("", "details", strings.Repeat("text/html;q=0.1,", 200), "Basic \xff")
	const hidden = "geheim"
	app := newApp(f, inngestkit.Config{}, succeed)
	h := install(f, app, WithBasicAuth("ops", "a-long-password"), WithChecks(Check{
		Name: "database", Run: func(context.Context) error { return errors.New(hidden) },
	}))
	f.Fuzz(func(t *testing.T, method, query, accept, authorization string) {
		resp := h.serveReport(t.Context(), &adapter.Request{
			Method: method, RawQuery: query, Header: http.Header{"Accept": {accept}, "Authorization": {authorization}},
		})
		require.Contains(t, []int{200, 400, 401, 405, 503}, resp.Status)
		require.NotContains(t, string(resp.Body), hidden)
		require.NotContains(t, string(resp.Body), "shop-process-order")
		if contentType := resp.Header.Get("Content-Type"); contentType == "application/json" {
			require.True(t, json.Valid(resp.Body), "%q", resp.Body)
		} else {
			require.Equal(t, "text/html; charset=utf-8", contentType)
			require.Contains(t, accept, "/")
			require.NotEmpty(t, resp.Header.Get("Content-Security-Policy"))
		}
	})
}
