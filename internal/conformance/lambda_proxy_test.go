package conformance

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/akrylysov/algnhsa"
	"github.com/stretchr/testify/require"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// newLambdaSite returns an app in dev mode, whose syncs succeed, and a handler for another
// path.
func newLambdaSite(t *testing.T) (*inngestkit.App, *http.ServeMux) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true,"modified":true}`)
	}))
	t.Cleanup(server.Close)
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, BaseURL: server.URL, Logger: testsite.Logger(t)})
	require.NoError(t, err)
	t.Cleanup(func() { testsite.Stop(t, app.Shutdown) })
	require.NoError(t, app.Register(inngestkit.OnCron("daily", "0 9 * * *",
		func(context.Context, inngestkit.CronInput) (string, error) { return "done", nil })))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "orders "+r.FormValue("q")) })
	return app, mux
}

// through returns the response of a Lambda handler to a request behind a gateway.
func through(t *testing.T, gateway *lambdatest.Gateway, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	gateway.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "https://shop.example.com"+target, nil))
	return w
}

// One Lambda function serves an app and, with a library that makes a Lambda handler of an
// http.Handler, the other routes of a site.
func TestLambdaBesideASite(t *testing.T) {
	t.Parallel()
	for _, kind := range []lambdatest.Kind{
		lambdatest.HTTPAPI, lambdatest.HTTPAPIv1, lambdatest.RESTAPI, lambdatest.FunctionURL, lambdatest.ALB,
	} {
		app, mux := newLambdaSite(t)
		router := &inngestlambda.Router{HTTP: algnhsa.New(mux, &algnhsa.Options{})}
		inngestlambda.Mount(router, app)
		gateway := &lambdatest.Gateway{Kind: kind, Handler: router}
		require.Equal(t, "orders a b", through(t, gateway, http.MethodGet, "/orders?q=a%20b").Body.String())
		require.Equal(t, http.StatusNotFound, through(t, gateway, http.MethodGet, "/other").Code)
		require.NotEmpty(t, through(t, gateway, http.MethodGet, "/api/inngest").Header().Get("X-Inngest-Sdk"))
		require.Equal(t, http.StatusOK, through(t, gateway, http.MethodPut, "/api/inngest").Code)
		sync, _ := app.LastSync()
		require.Equal(t, "https://shop.example.com/api/inngest", sync.URL)
	}
}

// With the app itself behind such a library, calls work, but a sync that does not sign the
// URL announces http:// and no stage: set ServeHost and ServePath.
func TestLambdaProxyOfTheApp(t *testing.T) {
	t.Parallel()
	app, mux := newLambdaSite(t)
	inngesthttp.Mount(mux, app)
	gateway := &lambdatest.Gateway{Kind: lambdatest.RESTAPI, Stage: "prod", Handler: algnhsa.New(mux, &algnhsa.Options{})}
	require.Equal(t, http.StatusOK, through(t, gateway, http.MethodPut, "/prod/api/inngest").Code)
	sync, _ := app.LastSync()
	require.Equal(t, "http://shop.example.com/api/inngest", sync.URL)

	gateway = &lambdatest.Gateway{Kind: lambdatest.ALBSingleValue, Handler: algnhsa.New(mux, &algnhsa.Options{})}
	got := through(t, gateway, http.MethodGet, "/api/inngest")
	require.Equal(t, http.StatusBadGateway, got.Code)
	require.Contains(t, got.Body.String(), "enable Multi value headers")
}
