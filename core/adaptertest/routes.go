package adaptertest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// pluginPaths are the paths of a plugin's routes. The second is below the first.
var pluginPaths = []string{"/plugin", "/plugin/sub"}

// pluginHeader returns the headers of a plugin's responses. Frameworks treat some of
// them specially.
func pluginHeader() http.Header {
	return http.Header{
		headerContentType: {"text/x-plugin"},
		"Cache-Control":   {"no-store"},
		"X-Several":       {"1", "2, 3", "4"},
		"Set-Cookie":      {"a=1", "b=2"},
	}
}

// plugin is a plugin with routes. It keeps their requests, as plugins may.
type plugin struct{ keeper }

func (p *plugin) routes() []adapter.Route {
	routes := make([]adapter.Route, len(pluginPaths))
	for n, path := range pluginPaths {
		routes[n] = adapter.Route{Path: path, Do: func(ctx context.Context, req *adapter.Request) *adapter.Response {
			p.keep(req)
			if req.Header.Get("X-Panic") != "" {
				panic("oh no")
			}
			return pluginResponse(ctx, path, req)
		}}
	}
	return routes
}

// pluginResponse returns a response with the route's path and what it was called with.
func pluginResponse(ctx context.Context, path string, req *adapter.Request) *adapter.Response {
	var body []byte
	var err error
	if req.Body != nil {
		body, err = io.ReadAll(req.Body)
	}
	if err == nil {
		body, err = json.Marshal(append([]any{path, string(body)}, stored(ctx)...))
	}
	if err != nil {
		body = []byte(err.Error())
	}
	return &adapter.Response{Status: http.StatusServiceUnavailable, Header: pluginHeader(), Body: body}
}

// pluginRoutes: routes that plugins have added with App.AddRoutes are served beside the
// endpoint, for every method; requests and responses arrive complete.
func pluginRoutes(t *testing.T, a Adapter) {
	for _, prefixes := range [][]string{nil, {oneGroup}, {oneGroup, innerGroup}} {
		prefix, p := strings.Join(prefixes, ""), &plugin{}
		i := start(t, a, setup{groups: prefixes, routes: p.routes(), config: func(c *inngestkit.Config) {
			c.ServeHost = "https://shop.example.com"
			if !a.KnowsGroups {
				c.ServePath = prefix + inngestkit.DefaultPath
			}
		}})
		for _, path := range pluginPaths {
			i.servesRoute(t, p, http.MethodGet, path, prefix, "")
			i.servesRoute(t, p, http.MethodPost, path, prefix, text(100<<10))
			i.servesRoute(t, p, http.MethodDelete, path, prefix, "")
			i.servesHead(t, p, prefix+path)
			i.routePanics(t, prefix+path)
		}
		p.unchanged(t)
		for _, path := range []string{prefix + "/pluginx", prefix + "/plugin/other", "/other" + prefix + "/plugin"} {
			equal(t, "the status of "+path, i.do(t, i.request(t, http.MethodGet, path, nil)).status, http.StatusNotFound)
		}
		// The endpoint is still served at its path, and announced there.
		i.call(t, payload{ID: "a"}).returned(t, "a")
		must(t, "App.Sync", i.app.Sync(within(t)))
		i.announced(t, "https://shop.example.com"+i.path)
	}
}

// servesRoute fails the test unless a request arrives at the right route, as it was
// sent and with the values that middleware has stored, and the response is the route's.
func (i *instance) servesRoute(tb testing.TB, p *plugin, method, path, prefix, body string) {
	tb.Helper()
	const tenant = "tenant-p"
	query := "q=a%20b%2Fc&empty=&" + PageQuery + "=page%20a"
	r := i.request(tb, method, prefix+path+"?"+query, []byte(body))
	r.Header.Set(TenantHeader, tenant)
	r.Header["X-Several"] = []string{"1", "2"}
	got := i.do(tb, r)
	sent := p.last(tb)
	equal(tb, "Method", sent.Method, method)
	equal(tb, "Scheme", sent.Scheme, "http")
	equal(tb, "Host", sent.Host, i.addr)
	equal(tb, "Path", sent.Path, prefix+path)
	i.sameQuery(tb, sent.RawQuery, query)
	equal(tb, "Framework", sent.Framework, i.adapter.Framework)
	equal(tb, "the header "+TenantHeader, sent.Header[TenantHeader], []string{tenant})
	i.sameHeader(tb, "X-Several", sent.Header["X-Several"], []string{"1", "2"})

	want, err := json.Marshal([]any{path, body, tenant, tenant, "page a", nil, nil, nil})
	must(tb, "json.Marshal", err)
	equal(tb, "the body of the response", got.body, string(want))
	i.byPlugin(tb, got)
}

// byPlugin fails the test unless the status and headers are exactly those of the plugin.
func (i *instance) byPlugin(tb testing.TB, got response) {
	tb.Helper()
	equal(tb, "the status of the response", got.status, http.StatusServiceUnavailable)
	equal(tb, "sent by the SDK", got.bySDK(), false)
	equal(tb, "the header Retry-After", got.header["Retry-After"], nil)
	for key, want := range pluginHeader() {
		i.sameHeader(tb, key, got.header[key], want)
	}
}

// servesHead fails the test unless the response to HEAD is that to GET without the
// body: the next response on the connection has to follow its headers.
func (i *instance) servesHead(tb testing.TB, p *plugin, target string) {
	tb.Helper()
	conn := i.dial(tb)
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		conn.send(tb, i.head(method, target))
		i.byPlugin(tb, conn.response(tb, method))
		equal(tb, "Method", p.last(tb).Method, method)
	}
}

// routePanics fails the test unless a panic of a route becomes 500 before it reaches the
// framework.
func (i *instance) routePanics(tb testing.TB, target string) {
	tb.Helper()
	r := i.request(tb, http.MethodGet, target, nil)
	r.Header.Set("X-Panic", "yes")
	got := i.do(tb, r)
	equal(tb, "the status of a panic", got.status, http.StatusInternalServerError)
	equal(tb, "the body of a panic", got.body, "")
	equal(tb, "sent by the SDK", got.bySDK(), false)
	i.works(tb)
}
