package health

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// signed returns the configuration of an app in cloud mode.
func signed() inngestkit.Config {
	return inngestkit.Config{SigningKey: "signkey-prod-0123456789abcdef", BaseURL: "http://127.0.0.1:1"}
}

// The endpoints follow HTTP, in all frameworks, whether the app is healthy or not.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, with framework) {
		s := setup{with: with}.serve(t)
		for _, status := range []int{http.StatusOK, http.StatusServiceUnavailable} {
			for path, want := range map[string]int{report: status, detailed: status, ready: status, liveness: http.StatusOK} {
				got := s.get(t, path)
				require.Equal(t, want, got.status, path)
				require.Equal(t, "no-store", got.header.Get("Cache-Control"), path)
				require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"), path)
				require.NotEmpty(t, got.report(t).Status)

				head := s.do(t, http.MethodHead, path)
				require.Equal(t, want, head.status, path)
				require.Empty(t, head.body)
				require.Equal(t, got.headers(), head.headers(), path)

				for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
					refused := s.do(t, method, path)
					require.Equal(t, http.StatusMethodNotAllowed, refused.status, "%s %s", method, path)
					require.Equal(t, "GET, HEAD", refused.header.Get("Allow"))
					require.Equal(t, "no-store", refused.header.Get("Cache-Control"))
					require.JSONEq(t, `{"message":"the method is not allowed here; use GET or HEAD"}`, refused.body)
				}
			}
			s.health.Drain()
		}
	})
}

// headers returns the headers of a response that are the same in the next one.
func (a response) headers() http.Header {
	header := maps.Clone(a.header)
	header.Del("Date")
	header.Del("Content-Length") // the age of a result has more digits, or fewer
	return header
}

// Clients that accept HTML get a page, all others JSON.
func TestAccept(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, with framework) {
		s := setup{with: with}.serve(t)
		for _, path := range []string{report, detailed} {
			for _, header := range [][]string{nil, {"Accept", "*/*"}, {"Accept", "application/json"}} {
				got := s.get(t, path, header...)
				require.Equal(t, "application/json", got.header.Get("Content-Type"))
				require.Equal(t, inngesthealth.StatusOK, got.report(t).Status)
			}
			browser := []string{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
			got := s.get(t, path, browser...)
			require.Equal(t, http.StatusOK, got.status)
			require.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
			require.Contains(t, got.body, "<!DOCTYPE html>")
			require.Equal(t, path == detailed, strings.Contains(got.body, "process-order"))
			require.Contains(t, got.header.Get("Content-Security-Policy"), "default-src 'none'")
			head := s.do(t, http.MethodHead, path, browser...)
			require.Equal(t, got.headers(), head.headers())
			require.Empty(t, head.body)
		}
		html := s.get(t, ready, "Accept", "text/html")
		require.Equal(t, "application/json", html.header.Get("Content-Type"), "the probes are for machines")
	})
}

// The authorization sees what middleware of the framework has stored.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, with framework) {
		s := setup{with: with, config: signed(), options: []inngesthealth.Option{
			inngesthealth.WithAuthorization(func(ctx context.Context, _ *adapter.Request) bool {
				return ctx.Value(with.key) == "acme"
			}),
		}}.serve(t)
		got := s.get(t, detailed, tenantHeader, "acme")
		require.Equal(t, http.StatusOK, got.status)
		require.NotNil(t, got.report(t).Details)
		require.Equal(t, http.StatusForbidden, s.get(t, detailed, tenantHeader, "other").status)
		require.Equal(t, http.StatusForbidden, s.get(t, detailed).status)
		got = s.get(t, report, tenantHeader, "other")
		require.Equal(t, http.StatusOK, got.status, "the report is public")
		require.Nil(t, got.report(t).Details)
	})
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, with framework) {
		s := setup{with: with, config: signed(), options: []inngesthealth.Option{
			inngesthealth.WithBasicAuth("ops", "correct horse"),
		}}.serve(t)
		for credentials, want := range map[string]int{
			"":                                 http.StatusUnauthorized,
			"Basic b3BzOndyb25n":               http.StatusUnauthorized, // ops:wrong
			"Basic b3RoZXI6Y29ycmVjdCBob3JzZQ": http.StatusUnauthorized, // other:correct horse
			"Basic b3BzOmNvcnJlY3QgaG9yc2U=":   http.StatusOK,           // ops:correct horse
			"Bearer correct horse":             http.StatusUnauthorized,
		} {
			got := s.get(t, detailed, "Authorization", credentials)
			require.Equal(t, want, got.status, credentials)
			require.Equal(t, "no-store", got.header.Get("Cache-Control"))
			if want == http.StatusOK {
				require.NotNil(t, got.report(t).Details)
				continue
			}
			require.Equal(t, `Basic realm="health", charset="UTF-8"`, got.header.Get("WWW-Authenticate"))
			require.NotContains(t, got.body, "process-order")
			require.NotContains(t, got.body, "horse")
		}
	})
}

// The query decides about details only where the program allows it. By default that is in dev
// mode.
func TestDetails(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, with framework) {
		never := []inngesthealth.Option{inngesthealth.WithDetails(inngesthealth.DetailsNever)}
		for name, tc := range map[string]struct {
			setup setup
			want  map[string]bool // whether there are details, by query
		}{
			"dev":       {setup{}, map[string]bool{"": false, "?details=true": true, "?details=1": true, "?details=false": false}},
			"dev never": {setup{options: never}, map[string]bool{"": false, "?details=true": false}},
			"cloud":     {setup{config: signed()}, map[string]bool{"": false, "?details=true": false}},
			"always": {
				setup{config: signed(), options: []inngesthealth.Option{inngesthealth.WithDetails(inngesthealth.DetailsAlways)}},
				map[string]bool{"": true, "?details=true": true},
			},
		} {
			t.Run(name, func(t *testing.T) {
				tc.setup.with = with
				s := tc.setup.serve(t)
				for query, want := range tc.want {
					got := s.get(t, report+query)
					require.Equal(t, http.StatusOK, got.status)
					require.Equal(t, want, got.report(t).Details != nil, query)
				}
				asked := http.StatusOK // not checked
				if tc.want["?details=true"] {
					asked = http.StatusBadRequest
				}
				require.Equal(t, asked, s.get(t, report+"?details=maybe").status)
				require.Equal(t, http.StatusOK, s.get(t, report+"?token=%zz").status)
			})
		}
	})
}

// A program can choose where the probes are, with what its framework has for them: Fiber's
// healthcheck, and plain handlers.
func TestOwnPaths(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, with framework) {
		var database failing
		s := setup{with: with, options: []inngesthealth.Option{
			inngesthealth.WithInterval(checkEvery),
			inngesthealth.WithChecks(inngesthealth.Check{Name: "database", Run: database.check}),
		}}.serve(t)
		becomes := func(status int) {
			t.Helper()
			testsite.Eventually(t, checkEvery, func() bool { return s.get(t, readyPath).status == status })
			require.Equal(t, http.StatusOK, s.get(t, livePath).status)
			require.Equal(t, status, s.get(t, ready).status)
			if with.name != "fiber sub-app" {
				got := s.get(t, reportPath)
				require.Equal(t, status, got.status)
				require.Contains(t, got.body, "database")
				head := s.do(t, http.MethodHead, readyPath)
				require.Equal(t, status, head.status)
				require.Empty(t, head.body)
			}
		}
		becomes(http.StatusOK)
		database.fail(true)
		becomes(http.StatusServiceUnavailable)
		database.fail(false)
		becomes(http.StatusOK)
		s.health.Drain()
		becomes(http.StatusServiceUnavailable)
	})
}
