package inngesthealth

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

const chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

func TestPrefersHTML(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"":                                  false,
		"*/*":                               false,
		"application/json":                  false,
		"text/html":                         true,
		"TEXT/HTML; charset=utf-8":          true,
		chrome:                              true,
		"text/html;q=0":                     false,
		"text/html;q=0.5, application/json": false,
		"application/json;q=0.5, text/html": true,
		"application/json, text/html":       true,
		"text/*":                            false,
		"text/html;q=much":                  false,
		"text/html;q=Inf":                   false,
		"text/html;q=-1":                    false,
		"text/html;q=0.1, */*;q=0.9":        false,
		"text/html;q=0.1, application/*":    false,
		"text/html, */*":                    true,
		"application/json;q=0, text/html;q=0.5, */*": true,
		"text/html;q=NaN":                    false,
		";;;, text/html;;, , \x00":           false,
		"text/plain, ;, text/html":           true,
		"application/json;q=2,text/html;q=1": true,
	} {
		require.Equal(t, want, prefersHTML([]string{accept}), accept)
	}
	require.True(t, prefersHTML([]string{"image/png", "text/html"}))
	require.False(t, prefersHTML(nil))
	require.False(t, prefersHTML([]string{strings.Repeat("a/b,", maxAccept) + "text/html"}))
}

// The response depends on the query, the credentials and the options.
func TestResponses(t *testing.T) {
	t.Parallel()
	key := inngestkit.Secret("signkey-test-0123456789abcdef0123456789abcdef")
	basic, role := WithBasicAuth("ops", "geheim"), WithAuthorization(func(ctx context.Context, _ *adapter.Request) bool {
		return ctx.Value(key) != nil
	})
	asOps := []string{"Authorization", "Basic b3BzOmdlaGVpbQ=="}
	asOther := []string{"Authorization", "Basic b3BzOmFuZGVycw=="}
	for name, tc := range map[string]struct {
		key     inngestkit.Secret
		options []Option
		target  string
		header  []string
		status  int
		details bool
	}{
		"plain":                           {status: 200},
		"query":                           {target: "?details=true", status: 200, details: true},
		"query, short":                    {target: "?details=1", status: 200, details: true},
		"query says false":                {target: "?details=false", status: 200},
		"query with more":                 {target: "?x=y&details=true", status: 200, details: true},
		"query without a value":           {target: "?details", status: 200, details: true},
		"query says nonsense":             {target: "?details=perhaps", status: 400},
		"query is nonsense":               {target: "?%zz", status: 200},
		"query is nonsense, in part":      {target: "?%zz&details=true", status: 200, details: true},
		"never, whatever the query says":  {options: []Option{WithDetails(DetailsNever)}, target: "?details=perhaps", status: 200},
		"cloud, whatever the query says":  {key: key, target: "?details=perhaps", status: 200},
		"cloud, without the role":         {key: key, options: []Option{role}, target: "?details=true", status: 403},
		"never":                           {options: []Option{WithDetails(DetailsNever)}, target: "?details=true", status: 200},
		"always":                          {options: []Option{WithDetails(DetailsAlways)}, status: 200, details: true},
		"cloud":                           {key: key, target: "?details=true", status: 200},
		"cloud, on query":                 {key: key, options: []Option{WithDetails(DetailsOnQuery)}, target: "?details=true", status: 200, details: true},
		"cloud, with password":            {key: key, options: []Option{basic}, target: "?details=true", header: asOps, status: 200, details: true},
		"cloud, with another":             {key: key, options: []Option{basic}, target: "?details=true", header: asOther, status: 401},
		"cloud, without":                  {key: key, options: []Option{basic}, target: "?details=true", status: 401},
		"cloud, without details":          {key: key, options: []Option{basic}, status: 200},
		"cloud, the role and no password": {key: key, options: []Option{basic, role}, target: "?details=true", header: asOps, status: 403},
		"always, without password":        {options: []Option{basic, WithDetails(DetailsAlways)}, status: 200},
		"always, with password":           {options: []Option{basic, WithDetails(DetailsAlways)}, header: asOps, status: 200, details: true},
		"never, in spite of the password": {options: []Option{basic, WithDetails(DetailsNever)}, target: "?details=true", header: asOps, status: 200},
		"panic": {options: []Option{WithAuthorization(func(context.Context, *adapter.Request) bool { panic("geheim") })},
			target: "?details=true", status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, inngestkit.Config{SigningKey: tc.key}, succeed)
			install(t, app, tc.options...)
			for _, accept := range []string{"", chrome} {
				resp := get(t, app, DefaultPath+tc.target, append(tc.header, "Accept", accept)...)
				text := resp.body
				require.Equal(t, tc.status, resp.status, text)
				require.Equal(t, tc.details, strings.Contains(text, "process-order"), text)
				require.NotContains(t, text, "geheim")
				require.Equal(t, "no-store", resp.header.Get("Cache-Control"))
				require.Equal(t, "Accept", resp.header.Get("Vary"))
				require.Equal(t, "nosniff", resp.header.Get("X-Content-Type-Options"))
				require.Equal(t, tc.status == 401, resp.header.Get("WWW-Authenticate") != "")
				require.Empty(t, resp.header.Get("X-Inngest-Sdk"))
				if accept != "" && tc.status == 200 {
					require.Equal(t, "text/html; charset=utf-8", resp.header.Get("Content-Type"))
					require.Contains(t, resp.header.Get("Content-Security-Policy"), "default-src 'none'")
					onQuery := !tc.details && !strings.Contains(name, "never") && name != "cloud" && name != "cloud, whatever the query says"
					require.Equal(t, onQuery, strings.Contains(text, `href="?details=true"`))
					continue
				}
				require.Equal(t, "application/json", resp.header.Get("Content-Type"))
				require.True(t, json.Valid([]byte(text)))
			}
		})
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, succeed)
	h := install(t, app)
	for name, handler := range map[string]http.Handler{"report": h.Handler(), "live": h.LiveHandler(), "ready": h.ReadyHandler()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			for method, status := range map[string]int{
				http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodPut: 405, http.MethodDelete: 405, http.MethodOptions: 405,
			} {
				req, err := http.NewRequestWithContext(t.Context(), method, server.URL, http.NoBody)
				require.NoError(t, err)
				resp, err := server.Client().Do(req)
				require.NoError(t, err)
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, status, resp.StatusCode, method)
				require.Equal(t, method == http.MethodHead, len(text) == 0)
				require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
				if status == 405 {
					require.Equal(t, "GET, HEAD", resp.Header.Get("Allow"))
				}
			}
		})
	}
}

// The three endpoints reflect the states of an app.
func TestStates(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options       []Option
		do            func(t *testing.T, app *inngestkit.App, h *Health)
		report, ready int
		answer        string
	}{
		"good": {report: 200, ready: 200, answer: `{"status":"ok","info":{"inngest":{"status":"up","functions":1,"lastSync":null}}}`},
		"not synced": {
			options: []Option{WithSyncRequired()}, report: 503, ready: 503,
			answer: `{"status":"error","info":{},"error":{"inngest":
				{"status":"down","message":"the app is not synced yet","functions":1,"lastSync":null}}}`,
		},
		"drained": {
			do: func(_ *testing.T, _ *inngestkit.App, h *Health) { h.Drain() }, report: 503, ready: 503,
			answer: `{"status":"shutting_down","info":{},"error":{"inngest":
				{"status":"down","message":"the app is shutting down","functions":1,"lastSync":null}}}`,
		},
		"shut down": {
			do: func(t *testing.T, app *inngestkit.App, _ *Health) {
				t.Helper()
				require.NoError(t, app.Shutdown(t.Context()))
			}, report: 503, ready: 503,
			answer: `{"status":"shutting_down","info":{},"error":{"inngest":
				{"status":"down","message":"the app is shutting down","functions":1,"lastSync":null}}}`,
		},
		"a function fails": {
			options: []Option{WithFailureThreshold(1, 1, time.Minute)},
			do: func(t *testing.T, app *inngestkit.App, _ *Health) {
				t.Helper()
				require.Equal(t, 400, callOnce(t, app))
			}, report: 503, ready: 200,
			answer: `{"status":"error","info":{"inngest":{"status":"up","functions":1,"lastSync":null}},
				"error":{"functions":{"status":"down","message":"1 of 1 functions are unhealthy"}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return nil, inngestkit.NoRetry(errLost) })
			h := install(t, app, tc.options...)
			if tc.do != nil {
				tc.do(t, app, h)
			}
			resp := get(t, app, DefaultPath)
			require.Equal(t, tc.report, resp.status)
			require.JSONEq(t, tc.answer, resp.body)
			require.Equal(t, 200, get(t, app, DefaultPath+"/livez").status)
			require.NoError(t, h.Live())
			require.Equal(t, tc.ready, get(t, app, DefaultPath+"/readyz").status)
			require.Equal(t, tc.ready == 200, h.Ready() == nil)
			require.Equal(t, tc.ready == 200, Probe[*http.Request](h.Ready)(nil))
			require.True(t, Probe[*http.Request](h.Live)(nil))
		})
	}
}

func TestNoFunctions(t *testing.T) {
	t.Parallel()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(t, err)
	h := install(t, app)
	require.EqualError(t, h.Ready(), "inngesthealth: not ready: inngest: no functions are registered")
	require.NoError(t, app.Register(inngestkit.OnEvent("f", ordered, func(context.Context, inngestkit.Input[any]) (any, error) { return nil, nil })))
	require.NoError(t, h.Ready())
}

// A sync makes the app ready, and functions registered later make it unready again.
func TestSyncRequired(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":true}`) }))
	t.Cleanup(server.Close)
	app := newApp(t, inngestkit.Config{BaseURL: server.URL, HTTPClient: server.Client()}, succeed)
	h := install(t, app, WithSyncRequired())
	app.MountedAt("test", app.Path())
	require.EqualError(t, h.Ready(), "inngesthealth: not ready: inngest: the app is not synced yet")
	require.NoError(t, app.Sync(t.Context()))
	require.NoError(t, h.Ready())
	last, _ := app.LastSync()
	require.Equal(t, last.Time.UTC().Truncate(time.Second), *h.Report().Info["inngest"].LastSync)
	require.NoError(t, app.Register(inngestkit.OnEvent("f", ordered, func(context.Context, inngestkit.Input[any]) (any, error) { return nil, nil })))
	require.EqualError(t, h.Ready(), "inngesthealth: not ready: inngest: 1 functions are synced, and 2 are registered")
}

// The memory is short from the threshold on, unless the threshold or the limit is 0.
func TestMemoryThreshold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		threshold float64
		memory    Memory
		message   string
	}{
		"below":        {95, memoryOf(949, 1000), ""},
		"at it":        {95, memoryOf(950, 1000), "95.0% of the memory limit is used; the threshold is 95%"},
		"above":        {50, memoryOf(1100, 1000), "110.0% of the memory limit is used; the threshold is 50%"},
		"no limit":     {95, memoryOf(950, 0), ""},
		"no threshold": {0, memoryOf(1100, 1000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := install(t, newApp(t, inngestkit.Config{}, succeed), WithMemoryThreshold(tc.threshold))
			r := h.report(tc.memory)
			require.Equal(t, tc.message, r.Error[MemoryIndicator].Message)
			require.Equal(t, tc.message == "", r.Status == StatusOK)
			require.NoError(t, h.Ready())
		})
	}
}

// An indicator that is down does not hide that the app is draining.
func TestDrainingWithMore(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return nil, inngestkit.NoRetry(errLost) })
	h := install(t, app, WithFailureThreshold(1, 1, time.Minute))
	callOnce(t, app)
	h.Drain()
	r := h.Report()
	require.Equal(t, StatusShuttingDown, r.Status)
	require.Len(t, r.Error, 2)
}

// The memory is read again after a second.
func TestMemoryIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := install(t, newApp(t, inngestkit.Config{}, succeed), WithMemoryThreshold(100))
		h.memory.Store(&memoryAt{memoryOf(1100, 1000), time.Now()})
		time.Sleep(memoryAge - time.Nanosecond)
		require.Contains(t, h.Report().Error, MemoryIndicator)
		time.Sleep(time.Nanosecond)
		require.NotContains(t, h.Report().Error, MemoryIndicator)
	})
}
