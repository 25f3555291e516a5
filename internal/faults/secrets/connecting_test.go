package secrets

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A connection that cannot be opened shows no secret, whatever the server or a proxy in front
// of it responds with. The SDK makes these requests, with http.DefaultTransport.
func TestConnectFailuresShowNoSecrets(t *testing.T) {
	t.Parallel()
	for how, handle := range map[string]http.HandlerFunc{
		"refused":         func(w http.ResponseWriter, r *http.Request) { repeat(w, r, http.StatusUnauthorized) },
		"failed":          func(w http.ResponseWriter, r *http.Request) { repeat(w, r, http.StatusInternalServerError) },
		"another program": func(w http.ResponseWriter, r *http.Request) { repeat(w, r, http.StatusOK) },
		"hung up":         func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"redirected": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+token+"%zz", http.StatusTemporaryRedirect)
		},
	} {
		for mode, dev := range modes {
			t.Run(how+", "+mode, func(t *testing.T) {
				t.Parallel()
				server := httptest.NewServer(handle)
				t.Cleanup(server.Close)
				t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
				log := &record{}
				cfg := config(dev, log, nil)
				cfg.BaseURL, cfg.APIBaseURL = withPassword(server.URL), withToken(server.URL)
				app, err := inngestkit.New(cfg)
				require.NoError(t, err)
				require.NoError(t, app.Register(inngestkit.OnEvent("fn", placed,
					func(context.Context, inngestkit.Input[any]) (any, error) { return nil, nil })))
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				err = app.Connect(ctx)
				require.Error(t, err)
				log.write(err, dumped(err))
				log.absent(t, "the error or the log")
				testsite.Stop(t, app.Shutdown)
			})
		}
	}
}

// repeat responds with the request.
func repeat(w http.ResponseWriter, r *http.Request, status int) {
	r.URL.Host, r.URL.User = r.Host, nil
	w.WriteHeader(status)
	_, _ = io.WriteString(w, dump(&http.Request{Method: r.Method, URL: r.URL, Header: r.Header}))
}

// Configurations that New and ConfigFrom refuse show no secret: neither a key with a mistake
// nor a URL that is none.
func TestRefusedConfigurationsShowNoSecrets(t *testing.T) {
	t.Parallel()
	log := &record{}
	for _, change := range []func(c *inngestkit.Config){
		func(c *inngestkit.Config) { c.SigningKey += " " },
		func(c *inngestkit.Config) { c.SigningKey += "x" },
		func(c *inngestkit.Config) { c.SigningKeyFallback = "signkey-prod-" + c.SigningKeyFallback },
		func(c *inngestkit.Config) { c.EventKey = c.SigningKey },
		func(c *inngestkit.Config) { c.EventKey += "\n" },
		func(c *inngestkit.Config) { c.BaseURL = "ftp" + c.BaseURL },
		func(c *inngestkit.Config) { c.BaseURL += "/?key=" + eventKey },
		func(c *inngestkit.Config) { c.APIBaseURL += ":70000" },
		func(c *inngestkit.Config) { c.EventAPIBaseURL = "http://" + token + "@%zz" },
		func(c *inngestkit.Config) { c.ServeHost = withPassword("https://shop.test") },
		func(c *inngestkit.Config) { c.ServeHost = token + "@shop.test" },
	} {
		cfg := config(false, log, nil)
		change(&cfg)
		_, err := inngestkit.New(cfg)
		require.Error(t, err)
		log.write(err, dumped(err), cfg)
		_, err = inngestkit.FromClient(sdkClient(t), func(c *inngestkit.Config) { *c = cfg; c.Logger = slog.New(log) })
		require.Error(t, err)
		log.write(err, dumped(err))
	}
	for _, value := range []string{eventKey, signingKey, "'" + signingKey + "'", withPassword("http://inngest.test/?x"), token} {
		_, err := inngestkit.ConfigFrom(t.Context(), func(context.Context, string) (string, bool, error) { return value, true, nil })
		require.Error(t, err)
		log.write(err, dumped(err))
		_, err = inngestkit.ConfigFrom(t.Context(), func(context.Context, string) (string, bool, error) { panic(value) })
		require.Error(t, err)
		log.write(err, dumped(err))
	}
	log.absent(t, "an error or the log")
}
