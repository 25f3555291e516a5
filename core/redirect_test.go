package inngestkit_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A redirect that turns a POST into a GET loses the body, whatever the response to the GET.
func TestRedirectsThatLoseTheBody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		redirect, status int
		lost             bool
	}{
		"to a page":                 {http.StatusMovedPermanently, http.StatusOK, true},
		"to nothing":                {http.StatusFound, http.StatusNotFound, true},
		"to a login":                {http.StatusSeeOther, http.StatusUnauthorized, true},
		"to an error":               {http.StatusMovedPermanently, http.StatusInternalServerError, true},
		"that keeps the method":     {http.StatusTemporaryRedirect, http.StatusOK, false},
		"for good, with the method": {http.StatusPermanentRedirect, http.StatusOK, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(`{"ids":["id1"],"status":200}`))
			}))
			t.Cleanup(server.Close)
			before := httptest.NewServer(http.RedirectHandler("http://me:a-password@"+server.Listener.Addr().String()+"/e/an-event-key", tc.redirect))
			t.Cleanup(before.Close)
			config := cloud
			config.BaseURL, config.HTTPClient = before.URL, before.Client()
			app, l := newAppWith(t, config)

			_, sent := app.Send(t.Context(), signedUp.New(user{}))
			signalled := app.SendSignal(t.Context(), "go", nil)
			put := app.Do(t.Context(), withHeader(signedSync(t, signingKey), "X-Inngest-Sync-Kind", "out_of_band"))
			if !tc.lost {
				require.NoError(t, sent)
				require.NoError(t, signalled)
				require.Equal(t, http.StatusOK, put.Status, "%s", put.Body)
				return
			}
			want := "a redirect to " + server.URL + " turned the POST into a GET, so nothing was sent; set BaseURL (INNGEST_BASE_URL)"
			require.ErrorContains(t, sent, want)
			require.NotContains(t, sent.Error(), "look like")
			require.NotContains(t, sent.Error(), "check EventKey")
			require.Equal(t, http.StatusBadGateway, inngestkit.SendStatus(sent))
			require.ErrorContains(t, signalled, want)
			require.Equal(t, http.StatusInternalServerError, put.Status)
			require.Contains(t, message(t, put), want)
			for _, secret := range []string{"a-password", "an-event-key"} {
				require.NotContains(t, sent.Error()+signalled.Error()+string(put.Body)+l.String(), secret)
			}
		})
	}
}
