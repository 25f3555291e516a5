package inngestgin_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// An app on two groups is served at both, with and without a slash, even if Gin does not
// redirect.
func TestTwoGroups(t *testing.T) {
	t.Parallel()
	app := newApp(t, func(context.Context) (any, error) { return "done", nil })
	r := gin.New()
	r.RedirectTrailingSlash = false
	inngestgin.Mount(r.Group("/public"), app)
	inngestgin.Mount(r.Group("/internal"), app)
	for _, target := range []string{"/public/api/inngest", "/internal/api/inngest", "/public/api/inngest/", "/internal/api/inngest/"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, target+"?fnId=app-fn", strings.NewReader(call)))
		require.Equal(t, http.StatusOK, w.Code, target)
		require.Equal(t, `"done"`, w.Body.String(), target)
	}
	require.PanicsWithValue(t, `inngestgin: Mount: app "app" is mounted at /public/api/inngest already; mount it once on each router or group`,
		func() { inngestgin.Mount(r.Group("/public"), app) })
}

// A *gin.Context is a context.Context that hides the one of its request.
func TestSendWithGinsContext(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ids":["e1"],"status":200}`)
	}))
	defer api.Close()
	app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, BaseURL: api.URL, HTTPClient: api.Client()})
	require.NoError(t, err)
	for _, fallback := range []bool{false, true} {
		r := gin.New()
		r.ContextWithFallback = fallback
		r.Use(inngestgin.Middleware(app))
		r.POST("/", func(c *gin.Context) {
			ids, err := inngestkit.Send(c, inngestkit.DefineEvent[any]("e").New(nil))
			if err != nil {
				_ = c.AbortWithError(http.StatusInternalServerError, err)
				return
			}
			require.Same(t, app, inngestkit.FromContext(c))
			c.JSON(http.StatusOK, ids)
		})
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		require.Equal(t, http.StatusOK, w.Code)
		require.JSONEq(t, `["e1"]`, w.Body.String())
	}
}

func TestNil(t *testing.T) {
	t.Parallel()
	app := newApp(t, nil)
	const noRouter = `inngestgin: Mount: the router for app "app" is nil`
	for _, tc := range []struct {
		want string
		call func()
	}{
		{"inngestgin: Mount: the app is nil", func() { inngestgin.Mount(gin.New(), nil) }},
		{noRouter, func() { inngestgin.Mount(nil, app) }},
		{noRouter, func() { inngestgin.Mount((*gin.Engine)(nil), app) }},
		{"inngestgin: Handler: the app is nil", func() { inngestgin.Handler(nil) }},
		{"inngestgin: Middleware: the app is nil", func() { inngestgin.Middleware(nil) }},
	} {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			defer func() { require.Contains(t, recover(), tc.want) }()
			tc.call()
		})
	}
	empty, _ := gin.CreateTestContext(httptest.NewRecorder())
	for _, c := range []*gin.Context{nil, empty} {
		require.Nil(t, inngestgin.From(c))
		_, err := inngestgin.Send(c)
		require.ErrorContains(t, err, "the context has no app")
	}
}
