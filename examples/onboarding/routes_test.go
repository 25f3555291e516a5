package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest"
)

// The routes refuse what makes no sense, and send one event for the rest.
func TestRoutes(t *testing.T) {
	t.Parallel()
	inngest := inngesttest.NewRecorder(t)
	store, user := signedUpUser(t)
	router := newRouter(inngest.App(), store)
	for _, tc := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodPost, "/users", `{"email":"ada@example.com","name":"Ada"}`, http.StatusAccepted},
		{http.MethodPost, "/users", `{"email":"ada","name":"Ada"}`, http.StatusBadRequest},
		{http.MethodPost, "/users", `{"email":"ada@example.com"}`, http.StatusBadRequest},
		{http.MethodPost, "/users", `{"email":"ada@example.com","name":"Ada","interest":"tax"}`, http.StatusBadRequest},
		{http.MethodPost, "/verify", `{"token":"` + user.token + `"}`, http.StatusAccepted},
		{http.MethodPost, "/verify", `{"token":"nonsense"}`, http.StatusNotFound},
		{http.MethodPost, "/verify", `{}`, http.StatusBadRequest},
		{http.MethodPost, "/users/" + user.ID + "/unsubscribe", "", http.StatusAccepted},
		{http.MethodGet, "/users/" + user.ID, "", http.StatusOK},
		{http.MethodGet, "/users/nobody", "", http.StatusNotFound},
	} {
		rec := httptest.NewRecorder()
		router.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, strings.NewReader(tc.body)))
		require.Equal(t, tc.want, rec.Code, "%s %s %s: %s", tc.method, tc.path, tc.body, rec.Body)
	}
	require.Equal(t, user.ID, inngesttest.RequireEvents(inngest, userRegistered, 1)[0].Data.UserID)
	require.Equal(t, user.ID, inngesttest.RequireEvents(inngest, emailVerified, 1)[0].Data.UserID)
	require.Equal(t, user.ID, inngesttest.RequireEvents(inngest, userUnsubscribed, 1)[0].Data.UserID)
}
