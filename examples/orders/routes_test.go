package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/examples/internal/database/databasetest"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// The routes accept orders that can be processed, and send one event for each.
func TestRoutes(t *testing.T) {
	t.Parallel()
	inngest := inngesttest.NewRecorder(t)
	router := newRouter(inngest.App(), &Store{db: databasetest.New(t, schema)})
	const order = `{"customerId":"c1","email":"ada@example.com","address":"1 Main St","items":{"book":1},"paymentToken":"tok_visa"}`
	for _, tc := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodPost, "/orders", order, http.StatusAccepted},
		{http.MethodPost, "/orders", `{`, http.StatusBadRequest},
		{http.MethodPost, "/orders", strings.Replace(order, "@", "", 1), http.StatusBadRequest},
		{http.MethodPost, "/orders", strings.Replace(order, "c1", "", 1), http.StatusBadRequest},
		{http.MethodPost, "/orders", strings.Replace(order, `"book":1`, "", 1), http.StatusBadRequest},
		{http.MethodPost, "/orders", strings.Replace(order, `:1}`, `:-1}`, 1), http.StatusBadRequest},
		{http.MethodPost, "/orders/o1/cancel", `{"reason":"no"}`, http.StatusAccepted},
		{http.MethodPost, "/orders/o1/cancel", `[`, http.StatusBadRequest},
		{http.MethodGet, "/orders/o1", "", http.StatusNotFound},
		{http.MethodPut, "/stock/book", `{"count":3,"cents":2100}`, http.StatusOK},
		{http.MethodPut, "/stock/book", `{"count":3}`, http.StatusBadRequest},
		{http.MethodGet, "/stock/book", "", http.StatusOK},
	} {
		req := httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, strings.NewReader(tc.body))
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		router.ServeHTTP(rec, req)
		require.Equal(t, tc.want, rec.Code, "%s %s %s: %s", tc.method, tc.path, tc.body, rec.Body)
	}
	sent := inngesttest.RequireEvents(inngest, orderSubmitted, 1)[0].Data
	require.Regexp(t, `^order-\w{6}$`, sent.OrderID)
	require.Equal(t, "standard", sent.Priority)
	require.Equal(t, Cancelled{OrderID: "o1", Reason: "no"}, inngesttest.RequireEvents(inngest, orderCancelled, 1)[0].Data)
}
