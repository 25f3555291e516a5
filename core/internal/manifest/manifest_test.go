package manifest_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/manifest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app returns an app at a URL with a query.
func app(t *testing.T, functions ...manifest.Function) manifest.App {
	t.Helper()
	u, err := url.Parse("https://shop.test/api/inngest?token=secret")
	require.NoError(t, err)
	return manifest.App{
		ID: "app", Version: "v1", Env: "branch", Platform: "render", Framework: "gin", URL: u, Functions: functions,
	}
}

// asJSON returns value as JSON.
func asJSON(t *testing.T, value any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	var decoded map[string]any
	require.NoError(t, json.Unmarshal(raw, &decoded))
	return decoded
}

func TestPayload(t *testing.T) {
	t.Parallel()
	a := app(t, manifest.Function{ID: "app-fn", Name: "Fn", Options: inngestgo.FunctionOpts{Retries: new(2)}})
	raw, err := json.Marshal(a.Payload())
	require.NoError(t, err)
	require.JSONEq(t, `{
		"url": "https://shop.test/api/inngest?token=secret", "v": "0.1", "deployType": "ping", "sdk": "`+inngestgo.HeaderValueSDK+`",
		"framework": "gin", "appName": "app", "appVersion": "v1", "headers": {"env": "branch", "platform": "render"},
		"capabilities": {"connect": "v1", "in_band_sync": "v1", "trust_probe": "v1"},
		"functions": [{"id": "app-fn", "name": "Fn", "triggers": null, "retries": 2,
			"steps": {"step": {"id": "step", "name": "Fn", "retries": {"attempts": 2}, "runtime":
				{"type": "http", "url": "https://shop.test/api/inngest?fnId=app-fn&step=step&token=secret"}}}}]
	}`, string(raw))
	require.Equal(t, "token=secret", a.URL.RawQuery, "the URL of the app stays as it is")
}

func TestInBand(t *testing.T) {
	t.Parallel()
	a := app(t, manifest.Function{ID: "app-b"}, manifest.Function{ID: "app-a"})
	a.Env, a.Platform = "", ""
	inspection := manifest.Settings{AppID: "app", Functions: 2}.Inspect(nil)
	got := asJSON(t, a.InBand(inspection))
	functions := got["functions"].([]any)
	require.Equal(t, "app-b", functions[0].(map[string]any)["id"], "in the order of the app")
	require.Equal(t, "app-a", functions[1].(map[string]any)["id"])
	require.Equal(t, asJSON(t, inspection), got["inspection"])
	delete(got, "functions")
	delete(got, "inspection")
	require.Equal(t, map[string]any{
		"app_id": "app", "app_version": "v1", "env": nil, "framework": "gin", "platform": nil,
		"sdk_author": inngestgo.SDKAuthor, "sdk_language": inngestgo.SDKLanguage, "sdk_version": inngestgo.SDKVersion,
		"url": "https://shop.test/api/inngest?token=secret",
	}, got)
}

// Only requests with a good signature get more than what a health check needs.
func TestInspect(t *testing.T) {
	t.Parallel()
	s := manifest.Settings{
		AppID: "app", Env: "branch", Framework: "gin", APIOrigin: "https://api.test", EventAPIOrigin: "https://events.test",
		ServePath: "/x", SigningKeyHash: "hash-1", EventKeyHash: "hash-2", Functions: 3,
	}
	public := map[string]any{
		"schema_version": "2024-05-24", "authentication_succeeded": nil, "function_count": 3.0, "mode": "cloud",
		"has_event_key": true, "has_signing_key": true, "has_signing_key_fallback": false,
		"capabilities": map[string]any{"connect": "v1", "in_band_sync": "v1", "trust_probe": "v1"},
	}
	require.Equal(t, public, asJSON(t, s.Inspect(nil)))
	public["authentication_succeeded"] = false
	require.Equal(t, public, asJSON(t, s.Inspect(new(false))))

	private := asJSON(t, s.Inspect(new(true)))
	for key, value := range map[string]any{
		"authentication_succeeded": true, "api_origin": "https://api.test", "app_id": "app", "env": "branch",
		"event_api_origin": "https://events.test", "event_key_hash": "hash-2", "framework": "gin",
		"sdk_language": inngestgo.SDKLanguage, "sdk_version": inngestgo.SDKVersion, "serve_origin": nil, "serve_path": "/x",
		"signing_key_fallback_hash": nil, "signing_key_hash": "hash-1",
	} {
		require.Contains(t, private, key)
		require.Equal(t, value, private[key], key)
	}
	require.Len(t, private, len(public)+12)
	require.Equal(t, "dev", asJSON(t, manifest.Settings{Dev: true}.Inspect(nil))["mode"])
}

func TestSuspects(t *testing.T) {
	t.Parallel()
	fn := func(name, expression string) manifest.Function {
		return manifest.Function{ID: "app-" + name, Name: name, Triggers: inngestgo.EventTrigger("user/signed-up", &expression).Triggers()}
	}
	for serverError, suspects := range map[string][]string{
		"trigger 'user/signed-up': syntax error at event.data.id =": {"bad"},
		"function app-good is invalid":                              {"good"},
		"trigger 'user/signed-up'":                                  nil, // all have it
		"disk full":                                                 {},
	} {
		functions := app(t, fn("good", "event.data.id == 1"), fn("bad", "event.data.id =")).Payload().Functions
		require.Equal(t, suspects, manifest.Suspects(functions[:2:2], serverError), serverError)
	}
	alone := app(t, fn("alone", "x")).Payload().Functions
	require.Equal(t, []string{"alone"}, manifest.Suspects(alone, "user/signed-up"))
	// The server quotes no URLs, which all contain the host.
	require.Empty(t, manifest.Suspects(alone, "https"))
}
