package conformance

import (
	"context"
	"net/http"
	"testing"

	fiberv3 "github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/require"

	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// Each domain of a Fiber v3 application has paths of its own, and so has each group of a
// domain. Domains exist from v3.2 on, but the adapter's module may require less.
func TestFiberDomains(t *testing.T) {
	t.Parallel()
	named := func(name string) *inngestkit.App {
		app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, Logger: testsite.Logger(t)})
		require.NoError(t, err)
		require.NoError(t, app.Register(inngestkit.OnEvent("fn", signedUp,
			func(context.Context, input) (string, error) { return name, nil })))
		return app
	}
	f, sub := testsite.NewFiberV3(), fiberv3.New()
	shop := f.Domain("shop.test")
	inngestfiberv3.Mount(shop, named("shop"))
	inngestfiberv3.Mount(f.Domain("jobs.test"), named("jobs"))
	inngestfiberv3.Mount(f.Domain("jobs.test").Group("/v1"), named("group"))
	inngestfiberv3.Mount(sub, named("sub-app"))
	f.Domain("jobs.test").Use("/sub", sub)
	require.Panics(t, func() { inngestfiberv3.Mount(shop, named("again")) })

	listener := testsite.Listen(t, "")
	testsite.Serve(t, testsite.FiberV3{App: f}, listener)
	client := testsite.NewClient(t)
	for _, tc := range []struct {
		host, path, want string
	}{
		{"shop.test", "/api/inngest", `"shop"`},
		{"jobs.test", "/api/inngest", `"jobs"`},
		{"jobs.test", "/v1/api/inngest", `"group"`},
		{"jobs.test", "/sub/api/inngest", `"sub-app"`},
		{"other.test", "/api/inngest", "Not Found"},
	} {
		_, answer, err := testsite.Request(testsite.Within(t), client, http.MethodPost,
			"http://"+listener.Addr().String()+tc.path+"?fnId=app-fn", callBodyFor("run", "u1", 1), http.Header{"Host": {tc.host}})
		require.NoError(t, err)
		require.Equal(t, tc.want, answer, tc.host+tc.path)
	}
}
