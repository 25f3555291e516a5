package inngestkit_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/flow"
)

// api is an Inngest API that accepts syncs and events.
type api struct {
	*httptest.Server

	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	answer   func(w http.ResponseWriter, r *http.Request, n int)
}

func newAPI(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *api {
	t.Helper()
	a := &api{answer: answer}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.requests = append(a.requests, r)
		a.bodies = append(a.bodies, string(body))
		n := len(a.requests)
		a.mu.Unlock()
		a.answer(w, r, n)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *api) seen() ([]*http.Request, []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests, a.bodies
}

func synced(w http.ResponseWriter, _ *http.Request, _ int) {
	_, _ = io.WriteString(w, `{"ok":true,"modified":true}`)
}

func TestSyncOutOfBand(t *testing.T) {
	t.Parallel()
	server := newAPI(t, synced)
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, Env: "branch", Platform: "eu-west-1"},
		inngestkit.OnEvent("z", signedUp, hello, flow.Retries(2)), inngestkit.OnCron("a", "0 9 * * *", hello))
	_, ok := app.LastSync()
	require.False(t, ok)

	req := withHeader(request(http.MethodPut, "deployId=d1&token=x", ""), "X-Inngest-Server-Kind", "dev")
	resp := app.Do(t.Context(), req)
	require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
	require.JSONEq(t, `{"message":"Successfully synced.","modified":true}`, string(resp.Body))
	require.Equal(t, "out_of_band", resp.Header.Get("X-Inngest-Sync-Kind"))

	requests, bodies := server.seen()
	require.Equal(t, "/fn/register", requests[0].URL.Path)
	require.Equal(t, "deployId=d1", requests[0].URL.RawQuery)
	require.Equal(t, "dev", requests[0].Header.Get("X-Inngest-Expected-Server-Kind"))
	require.Equal(t, "branch", requests[0].Header.Get("X-Inngest-Env"))
	require.Equal(t, "test", requests[0].Header.Get("X-Inngest-Framework"))
	require.Equal(t, "go:v0.16.0", requests[0].Header.Get("X-Inngest-Sdk"))
	require.JSONEq(t, `{
		"url": "http://app.test/api/inngest?token=x", "v": "0.1", "deployType": "ping", "sdk": "go:v0.16.0",
		"framework": "test", "appName": "app", "headers": {"env": "branch", "platform": "eu-west-1"},
		"capabilities": {"connect": "v1", "in_band_sync": "v1", "trust_probe": "v1"},
		"functions": [
			{"id": "app-z", "name": "z", "triggers": [{"event": "user/signed-up"}], "retries": 2,
			 "steps": {"step": {"id": "step", "name": "z", "retries": {"attempts": 2}, "runtime":
				{"type": "http", "url": "http://app.test/api/inngest?fnId=app-z&step=step&token=x"}}}},
			{"id": "app-a", "name": "a", "triggers": [{"cron": "0 9 * * *"}],
			 "steps": {"step": {"id": "step", "name": "a", "runtime":
				{"type": "http", "url": "http://app.test/api/inngest?fnId=app-a&step=step&token=x"}}}}
		]}`, bodies[0])

	last, ok := app.LastSync()
	require.True(t, ok)
	require.Equal(t, 2, last.Functions)
	require.False(t, last.InBand)
	require.Equal(t, "http://app.test/api/inngest?token=x", last.URL)
	require.WithinDuration(t, time.Now(), last.Time, time.Minute)
}

func TestSyncAnnouncesTheConfiguredURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		host string
		port int
		path string
		want string
	}{
		{"", 0, "", "http://app.test/api/inngest"},
		{"https://shop.test", 0, "", "https://shop.test/api/inngest"},
		{"::1", 8080, "", "http://[::1]:8080/api/inngest"},
		{"[::1]:81", 8080, "", "http://[::1]:81/api/inngest"},
		{"https://shop.test/", 0, "/x/inngest", "https://shop.test/x/inngest"},
		{"https://shop.test", 0, "/a%20b/x%2Fy", "https://shop.test/a%20b/x%2Fy"},
		{"shop", 8080, "", "http://shop:8080/api/inngest"},
		{"shop", 0, "", "http://shop:3000/api/inngest"},
		{"shop:81", 8080, "", "http://shop:81/api/inngest"},
	} {
		server := newAPI(t, synced)
		app, _ := newAppWith(t, inngestkit.Config{
			Dev: true, BaseURL: server.URL, ServeHost: tc.host, ServePort: tc.port, ServePath: tc.path,
		}, onSignUp(hello))
		require.Equal(t, http.StatusOK, app.Do(t.Context(), request(http.MethodPut, "", "")).Status)
		last, _ := app.LastSync()
		require.Equal(t, tc.want, last.URL)
	}
}

func TestSyncAuthenticatesWithTheHashedKeyAndItsFallback(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if n == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		synced(w, r, n)
	})
	config := cloud
	config.BaseURL = server.URL
	app, _ := newAppWith(t, config, onSignUp(hello))
	req := withHeader(signedSync(t, signingKey), "X-Inngest-Server-Kind", "cloud")
	require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
	requests, _ := server.seen()
	require.Len(t, requests, 2)
	for i, key := range []string{signingKey, fallbackKey} {
		got := requests[i].Header.Get("Authorization")
		require.Regexp(t, `^Bearer signkey-test-[0-9a-f]{64}$`, got)
		require.NotContains(t, got, key[13:])
	}
	require.NotEqual(t, requests[0].Header.Get("Authorization"), requests[1].Header.Get("Authorization"))
}

func TestSyncFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		answer  func(w http.ResponseWriter, r *http.Request, n int)
		message string
	}{
		{"refused", func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"At least one function is invalid"}`)
		}, "400 Bad Request: At least one function is invalid"},
		{"a proxy's error page", func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, strings.Repeat("<p>", 1<<20))
		}, "502 Bad Gateway: <p>"},
		{"not an Inngest server", func(w http.ResponseWriter, _ *http.Request, _ int) {
			_, _ = io.WriteString(w, "<html>")
		}, "did not come from an Inngest server"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, tc.answer)
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(hello))
			resp := app.Do(t.Context(), request(http.MethodPut, "", ""))
			require.Equal(t, http.StatusInternalServerError, resp.Status)
			require.Contains(t, message(t, resp), tc.message)
			require.Contains(t, string(resp.Body), `"modified":false`)
			require.Less(t, len(resp.Body), 8<<10)
			_, ok := app.LastSync()
			require.False(t, ok)
		})
	}
	t.Run("server not there", func(t *testing.T) {
		t.Parallel()
		server := newAPI(t, synced)
		server.Close()
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(hello))
		resp := app.Do(t.Context(), request(http.MethodPut, "", ""))
		require.Equal(t, http.StatusInternalServerError, resp.Status)
		require.Contains(t, message(t, resp), "connection refused")
	})
}

func TestUnsignedSyncInCloudMode(t *testing.T) {
	t.Parallel()
	server := newAPI(t, synced)
	config := cloud
	config.BaseURL = server.URL
	app, _ := newAppWith(t, config, onSignUp(hello))
	require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), request(http.MethodPut, "", "")).Status)
	requests, _ := server.seen()
	require.Empty(t, requests)

	config.AllowUnsignedSync, config.ServeHost = true, "https://shop.test"
	app, _ = newAppWith(t, config, onSignUp(hello))
	require.Equal(t, http.StatusOK, app.Do(t.Context(), request(http.MethodPut, "", "")).Status)
	last, _ := app.LastSync()
	require.Equal(t, "https://shop.test/api/inngest", last.URL, "not the host of the request")
	inBand := withHeader(request(http.MethodPut, "", `{"url":"http://evil.test/x"}`), "X-Inngest-Sync-Kind", "in_band")
	require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), inBand).Status, "strangers do not get the functions")
	bad := withHeader(request(http.MethodPut, "", ""), "X-Inngest-Signature", sign(t, wrongKey, "", time.Now()))
	withHeader(bad, "X-Inngest-Sync-Kind", "out_of_band")
	require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), bad).Status, "a wrong signature is worse than none")
}

func TestSyncInBand(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, cloud, inngestkit.OnEvent("z", signedUp, hello), inngestkit.OnEvent("a", signedUp, hello))
	body := `{"url":"https://shop.test/api/inngest"}`
	req := withHeader(request(http.MethodPut, "", body), "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
	withHeader(req, "X-Inngest-Sync-Kind", "in_band")
	resp := app.Do(t.Context(), req)
	require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
	require.Equal(t, "in_band", resp.Header.Get("X-Inngest-Sync-Kind"))
	ok, err := inngestgo.ValidateResponseSignature(t.Context(), resp.Header.Get("X-Inngest-Signature"), []byte(signingKey), resp.Body)
	require.NoError(t, err)
	require.True(t, ok)
	var got struct {
		AppID     string `json:"app_id"`
		Framework string `json:"framework"`
		URL       string `json:"url"`
		Functions []struct {
			ID string `json:"id"`
		} `json:"functions"`
		Inspection map[string]any `json:"inspection"`
	}
	require.NoError(t, json.Unmarshal(resp.Body, &got))
	require.Equal(t, "app", got.AppID)
	require.Equal(t, "test", got.Framework)
	require.Equal(t, "https://shop.test/api/inngest", got.URL)
	require.Equal(t, "app-z", got.Functions[0].ID)
	require.Equal(t, "app-a", got.Functions[1].ID)
	require.Equal(t, true, got.Inspection["authentication_succeeded"])
	last, _ := app.LastSync()
	require.True(t, last.InBand)

	for name, bad := range map[string]string{"no URL": `{}`, "no JSON": `x`, "relative URL": `{"url":"/x"}`} {
		req := withHeader(request(http.MethodPut, "", bad), "X-Inngest-Signature", sign(t, signingKey, bad, time.Now()))
		withHeader(req, "X-Inngest-Sync-Kind", "in_band")
		resp := app.Do(t.Context(), req)
		require.Equal(t, http.StatusBadRequest, resp.Status, name)
		message(t, resp)
	}
}

// Servers differ in how they request a sync in band.
func TestSyncKind(t *testing.T) {
	t.Parallel()
	server := newAPI(t, synced)
	config := cloud
	config.BaseURL = server.URL
	app, _ := newAppWith(t, config, onSignUp(hello))
	body := `{"url":"https://shop.test/api/inngest"}`
	for _, tc := range []struct{ name, syncKind, serverKind, want string }{
		{"in band", "in_band", "cloud", "in_band"},
		{"out of band", "out_of_band", "", "out_of_band"},
		{"a self-hosted server's ping", "", "cloud", "out_of_band"},
		{"no header", "", "", "in_band"},
	} {
		req := withHeader(request(http.MethodPut, "", body), "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
		withHeader(withHeader(req, "X-Inngest-Sync-Kind", tc.syncKind), "X-Inngest-Server-Kind", tc.serverKind)
		resp := app.Do(t.Context(), req)
		require.Equal(t, http.StatusOK, resp.Status, tc.name)
		require.Equal(t, tc.want, resp.Header.Get("X-Inngest-Sync-Kind"), tc.name)
	}
}

// Options of package flow are announced like those of the SDK, except for concurrency.
func TestFunctionsAreAnnouncedAsTheSDKDoes(t *testing.T) {
	t.Parallel()
	key := "event.data.id"
	timeout := 2 * time.Hour
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "app", Dev: new(true), SigningKey: new(string(signingKey))})
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{
		ID: "fn", Name: "Name", Retries: new(3),
		Concurrency: &inngestgo.ConfigConcurrency{Step: []inngestgo.ConfigStepConcurrency{{Limit: 2, Key: &key}}},
		Throttle:    &inngestgo.ConfigThrottle{Limit: 3, Period: time.Minute, Burst: 4, Key: &key},
		RateLimit:   &inngestgo.ConfigRateLimit{Limit: 5, Period: 24 * time.Hour, Key: &key},
		Debounce:    &inngestgo.ConfigDebounce{Period: 90 * time.Second, Timeout: &timeout, Key: key},
	}, inngestgo.EventTrigger("user/signed-up", &key), func(context.Context, input) (any, error) { return nil, nil })
	require.NoError(t, err)
	body := `{"url":"https://shop.test/api/inngest"}`
	r := httptest.NewRequest(http.MethodPut, "/api/inngest", nil)
	r.Body = io.NopCloser(strings.NewReader(body))
	r.Header.Set("X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
	w := httptest.NewRecorder()
	client.Serve().ServeHTTP(w, r)
	sdk := firstFunction(t, w.Body.Bytes())

	app, _ := newApp(t, inngestkit.OnEvent("fn", signedUp.If(key), hello, inngestkit.Name("Name"), flow.Retries(3),
		flow.Concurrency(2, flow.Key(key)), flow.Throttle(3, time.Minute, flow.Burst(4), flow.Key(key)),
		flow.RateLimit(5, 24*time.Hour, flow.Key(key)), flow.Debounce(90*time.Second, flow.Timeout(timeout), flow.Key(key))))
	resp := app.Do(t.Context(), withHeader(request(http.MethodPut, "", body), "X-Inngest-Sync-Kind", "in_band"))
	ours := firstFunction(t, resp.Body)

	// The list is the form that all servers read; see concurrencyOf in internal/manifest.
	require.Equal(t, sdk["concurrency"].(map[string]any)["step"], ours["concurrency"])
	delete(sdk, "concurrency")
	delete(ours, "concurrency")
	delete(sdk, "Singleton") // the SDK's null
	delete(sdk["steps"].(map[string]any)["step"].(map[string]any)["runtime"].(map[string]any), "type")
	runtime := ours["steps"].(map[string]any)["step"].(map[string]any)["runtime"].(map[string]any)
	require.Equal(t, "http", runtime["type"])
	delete(runtime, "type")
	require.Equal(t, sdk, ours)
}

func firstFunction(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var got struct {
		Functions []map[string]any `json:"functions"`
	}
	require.NoError(t, json.Unmarshal(body, &got), "%s", body)
	require.NotEmpty(t, got.Functions, "%s", body)
	return got.Functions[0]
}

// appInASync returns an app in the middle of a sync. The response arrives when release is
// closed.
func appInASync(t *testing.T) (app *inngestkit.App, answer <-chan *adapter.Response, release chan<- struct{}) {
	t.Helper()
	reached, released := make(chan struct{}), make(chan struct{})
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, n int) {
		close(reached)
		<-released
		synced(w, r, n)
	})
	app, _ = newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(hello))
	answered := make(chan *adapter.Response)
	go func() { answered <- app.Do(context.WithoutCancel(t.Context()), request(http.MethodPut, "", "")) }()
	<-reached
	return app, answered, released
}

// Guard for hazard 19: calls do not wait for a sync.
func TestCallsDoNotWaitForASync(t *testing.T) {
	t.Parallel()
	app, answered, release := appInASync(t)
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, signUpEnvelope(user{})).Status)
	close(release)
	require.Equal(t, http.StatusOK, (<-answered).Status)
}

// A sync ends after 30 s, even if it has to wait for others that get no response.
func TestSyncsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: fakeClient(
			func(r *http.Request, _ int) (*http.Response, error) { return hanging(0, r) })}, onSignUp(hello))
		start := time.Now()
		answered := make(chan *adapter.Response)
		for range 3 {
			go func() { answered <- app.Do(t.Context(), request(http.MethodPut, "", "")) }()
		}
		for range 3 {
			require.Equal(t, http.StatusInternalServerError, (<-answered).Status)
		}
		require.Equal(t, 30*time.Second, time.Since(start))
	})
}

func TestServePathIsAnnouncedWithTheMount(t *testing.T) {
	t.Parallel()
	server := newAPI(t, synced)
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, ServeHost: "shop", ServePort: 81}, onSignUp(hello))
	app.MountedAt("test", "/v1/api/inngest")
	app.MountedAt("test", "/second")
	require.NoError(t, app.Start(t.Context()))
	require.NoError(t, app.AwaitSync(t.Context()))
	require.NoError(t, app.Shutdown(t.Context()))
	last, _ := app.LastSync()
	u, err := url.Parse(last.URL)
	require.NoError(t, err)
	require.Equal(t, "shop:81", u.Host)
	require.Equal(t, "/v1/api/inngest", u.Path)
}

// Strangers learn nothing about the server, and do not delay App.Sync.
func TestUnsignedSyncsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registered, query, failing, hold := 0, "", true, make(chan struct{})
		config := cloud
		config.AllowUnsignedSync, config.ServeHost, config.BaseURL = true, "https://shop.test", "http://user:a-password@inngest.test"
		config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/fn/register" {
				return response(http.StatusNotFound, "", nil), nil
			}
			registered++
			query += r.URL.RawQuery
			<-hold
			if failing {
				return response(http.StatusBadRequest, `{"error":"the server's own words"}`, nil), nil
			}
			return response(http.StatusOK, `{"modified":true}`, nil), nil
		})}
		app, l := newAppWith(t, config, onSignUp(hello))
		app.MountedAt("test", "/api/inngest")
		unsigned := func(query string) *adapter.Response {
			return app.Do(t.Context(), request(http.MethodPut, query, ""))
		}

		first := make(chan *adapter.Response, 1)
		go func() { first <- unsigned("") }()
		synctest.Wait()
		for range 50 {
			resp := unsigned("")
			require.Equal(t, http.StatusTooManyRequests, resp.Status)
			require.Equal(t, "5", resp.Header.Get("Retry-After"))
		}
		close(hold)
		resp := <-first
		require.Equal(t, http.StatusInternalServerError, resp.Status)
		require.JSONEq(t, `{"name":"Error","message":"the app could not be synced; see its log","modified":false}`, string(resp.Body))
		require.Contains(t, l.String(), "the server's own words")
		require.Equal(t, 1, registered)

		failing = false
		time.Sleep(4500 * time.Millisecond)
		resp = unsigned("")
		require.Equal(t, http.StatusTooManyRequests, resp.Status)
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		require.NoError(t, app.Sync(t.Context()), "the app itself need not wait")
		time.Sleep(500 * time.Millisecond)
		require.Equal(t, http.StatusOK, unsigned("probe=trust&deployId=d1").Status)
		require.Equal(t, 3, registered)
		last, _ := app.LastSync()
		require.Equal(t, "https://shop.test/api/inngest", last.URL, "nothing of the query")
		require.Empty(t, query)
		require.NotContains(t, l.String(), "a-password")
	})
}
