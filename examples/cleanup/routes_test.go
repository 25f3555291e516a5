package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/examples/internal/database/databasetest"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	inngest := inngesttest.NewRecorder(t)
	store := &Store{db: databasetest.New(t, schema)}
	router := newRouter(inngest.App(), store)
	request := func(method, path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		router.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		return rec
	}
	require.Equal(t, http.StatusAccepted, request(http.MethodPost, "/cleanups").Code)
	require.Regexp(t, `^cleanup-\w{6}$`, inngesttest.RequireEvents(inngest, cleanupRequested, 1)[0].Data.CleanupID)
	require.Equal(t, http.StatusAccepted, request(http.MethodPost, "/deep-cleanups").Code)
	inngesttest.RequireEvents(inngest, deepCleanupRequested, 1)
	require.JSONEq(t, `{"deleted":{},"reports":0}`, request(http.MethodGet, "/cleanups/c1").Body.String())
	require.Equal(t, http.StatusMethodNotAllowed, request(http.MethodGet, "/cleanups").Code)

	require.NoError(t, store.db.Close())
	broken := request(http.MethodGet, "/cleanups/c1")
	require.Equal(t, http.StatusInternalServerError, broken.Code)
	require.NotContains(t, broken.Body.String(), "database")
}
