package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// The routes work without an Inngest server.
func TestRoutes(t *testing.T) {
	t.Parallel()
	inngest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer inngest.Close()
	app, err := inngestkit.New(inngestkit.Config{AppID: "quickstart", Dev: true, BaseURL: inngest.URL})
	require.NoError(t, err)
	router := newRouter(app)
	for body, want := range map[string]int{
		`{}`:                          http.StatusBadRequest,
		`{"email":"nobody"}`:          http.StatusBadRequest,
		`{"email":"ada@example.com"}`: http.StatusBadGateway,
	} {
		rec := httptest.NewRecorder()
		router.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/users", strings.NewReader(body)))
		require.Equal(t, want, rec.Code, "%s: %s", body, rec.Body)
		require.Contains(t, rec.Body.String(), `"error"`)
	}
}
