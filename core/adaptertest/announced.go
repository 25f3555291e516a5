package adaptertest

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// oneGroup is the prefix of a group, and innerGroup that of one within it.
const (
	oneGroup   = "/v1"
	innerGroup = "/internal"
)

// inDevMode configures dev mode, in which a sync announces the URL it was sent to.
func inDevMode(c *inngestkit.Config) { c.Dev = true }

// groups: an app is served below groups, and announced there.
func groups(t *testing.T, a Adapter) {
	for _, prefixes := range [][]string{nil, {oneGroup}, {oneGroup, innerGroup}} {
		i := start(t, a, setup{groups: prefixes, config: inDevMode})
		i.call(t, payload{ID: "a"}).returned(t, "a")
		if prefixes != nil {
			got := i.do(t, i.request(t, http.MethodPost, inngestkit.DefaultPath+query, envelope(payload{})))
			equal(t, "the status outside of the groups", got.status, http.StatusNotFound)
		}
		equal(t, "the status of PUT", i.do(t, i.newSync(t)).status, http.StatusOK)
		i.announced(t, i.origin+i.path)

		i = start(t, a, setup{groups: prefixes, config: func(c *inngestkit.Config) {
			c.Dev, c.ServeHost = true, "shop.example.com:8080"
			if !a.KnowsGroups {
				c.ServePath = strings.Join(prefixes, "") + inngestkit.DefaultPath
			}
		}})
		must(t, "App.Start", i.app.Start(t.Context()))
		must(t, "App.AwaitSync", i.app.AwaitSync(within(t)))
		i.announced(t, "http://shop.example.com:8080"+i.path)
	}
}

// announced fails the test unless the app was announced at the URL and with the right
// framework, and its function can be called at the URL that was announced for it.
func (i *instance) announced(tb testing.TB, at string) {
	tb.Helper()
	sync, _ := i.app.LastSync()
	equal(tb, "the URL of the last sync", sync.URL, at)
	told := i.api.last(tb)
	equal(tb, "the URL that was announced", told.URL, at)
	equal(tb, "the framework that was announced", told.Framework, i.adapter.Framework)
	equal(tb, "the framework in the header", told.header, i.adapter.Framework)
	if len(told.Functions) != 1 || len(told.Functions[0].Steps) != 1 {
		tb.Fatalf("the functions that were announced are %+v", told.Functions)
	}
	for _, step := range told.Functions[0].Steps {
		target, err := url.Parse(step.Runtime.URL)
		must(tb, "the URL of the function", err)
		got := i.do(tb, i.request(tb, http.MethodPost, i.path+"?"+target.RawQuery, envelope(payload{ID: "a"})))
		got.returned(tb, "a")
	}
}

// proxy: X-Forwarded headers count only if the app is configured to trust them.
func proxy(t *testing.T, a Adapter) {
	for _, trust := range []bool{false, true} {
		i := start(t, a, setup{groups: []string{oneGroup}, config: func(c *inngestkit.Config) {
			c.Dev, c.TrustProxy = true, trust
		}})
		r := i.newSync(t)
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-Host", "shop.example.com")
		r.Header.Set("X-Forwarded-Prefix", "/before")
		equal(t, "the status of PUT", i.do(t, r).status, http.StatusOK)
		want := i.origin + i.path
		switch {
		case trust && a.SetsForwardedProto:
			want = "http://shop.example.com/before" + i.path
		case trust:
			want = "https://shop.example.com/before" + i.path
		}
		i.announced(t, want)

		r = i.newSync(t)
		r.Host = "other.example.com"
		equal(t, "the status of PUT", i.do(t, r).status, http.StatusOK)
		i.announced(t, "http://other.example.com"+i.path)
	}
}

// overTLS: an app behind a TLS listener is announced with https.
func overTLS(t *testing.T, a Adapter) {
	known := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	t.Cleanup(known.Close)
	k := &keeper{}
	i := start(t, a, setup{
		config:     inDevMode,
		middleware: k.middleware(),
		tls:        &tls.Config{Certificates: known.TLS.Certificates, MinVersion: tls.VersionTLS12},
	})
	i.client = known.Client()
	i.call(t, payload{ID: "a"}).returned(t, "a")
	equal(t, "Scheme", k.last(t).Scheme, "https")
	equal(t, "the status of PUT", i.do(t, i.newSync(t)).status, http.StatusOK)
	i.announced(t, i.origin+i.path)
}
