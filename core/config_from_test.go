package inngestkit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// lookupIn returns a Lookup that reads a map.
func lookupIn(vars map[string]string) inngestkit.Lookup {
	return func(_ context.Context, variable string) (string, bool, error) {
		value, found := vars[variable]
		return value, found, nil
	}
}

// everything has a value for each variable.
var everything = map[string]string{
	"INNGEST_APP_ID": "shop", "INNGEST_APP_VERSION": "1.2", "INNGEST_DEV": "http://127.0.0.1:9999/",
	"INNGEST_SIGNING_KEY": signingKey, "INNGEST_SIGNING_KEY_FALLBACK": fallbackKey, "INNGEST_EVENT_KEY": "event-key",
	"INNGEST_ENV": "branch", "INNGEST_BASE_URL": "http://127.0.0.1:9999", "INNGEST_API_BASE_URL": "http://api.test",
	"INNGEST_EVENT_API_BASE_URL": "http://events.test", "INNGEST_SERVE_HOST": "https://shop.test",
	"INNGEST_SERVE_ORIGIN": "https://shop.test", "INNGEST_SERVE_PATH": "/x/inngest", "PORT": "8080",
	"INNGEST_ENABLE_UNAUTHED_SYNC": "true", "INNGEST_TRUST_PROXY": "1", "INNGEST_MAX_IN_FLIGHT": "50", "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY": "20",
	"AWS_REGION": "eu-west-3", "VERCEL": "1", "NETLIFY": "true", "CF_PAGES": "1", "RENDER": "true", "RAILWAY_ENVIRONMENT": "production",
}

var everythingConfig = inngestkit.Config{
	AppID: "shop", AppVersion: "1.2", Platform: "aws-eu-west-3", Dev: true, BaseURL: "http://127.0.0.1:9999/",
	SigningKey: signingKey, SigningKeyFallback: fallbackKey, EventKey: "event-key", Env: "branch",
	APIBaseURL: "http://api.test", EventAPIBaseURL: "http://events.test",
	ServeHost: "https://shop.test", ServePath: "/x/inngest", ServePort: 8080, TrustProxy: true, AllowUnsignedSync: true,
	MaxInFlight: 50, ConnectMaxWorkerConcurrency: 20,
}

func TestConfigFromEnv(t *testing.T) {
	for key, value := range everything {
		t.Setenv(key, value)
	}
	config, err := inngestkit.ConfigFromEnv()
	require.NoError(t, err)
	require.Equal(t, everythingConfig, config)
}

func TestConfigFrom(t *testing.T) {
	t.Parallel()
	type key struct{}
	asked := map[string]int{}
	config, err := inngestkit.ConfigFrom(context.WithValue(t.Context(), key{}, "x"),
		func(ctx context.Context, variable string) (string, bool, error) {
			asked[variable]++
			require.Equal(t, "x", ctx.Value(key{}))
			// As files with secrets end.
			return "\t" + everything[variable] + "\r\n", true, nil
		})
	require.NoError(t, err)
	require.Equal(t, everythingConfig, config)
	require.Len(t, asked, len(everything))
	for variable, n := range asked {
		require.Contains(t, everything, variable)
		require.Equal(t, 1, n)
	}
	config, err = inngestkit.ConfigFrom(t.Context(), lookupIn(nil))
	require.NoError(t, err)
	require.Zero(t, config)
	for variable := range everything {
		config, err := inngestkit.ConfigFrom(t.Context(), lookupIn(map[string]string{variable: " \n"}))
		require.NoError(t, err, variable)
		require.Zero(t, config, "an empty value counts as none")
	}
}

func TestConfigFromReportsFailedLookups(t *testing.T) {
	t.Parallel()
	_, err := inngestkit.ConfigFrom(t.Context(), nil)
	require.ErrorContains(t, err, "the lookup is nil")
	denied := errors.New("access denied")
	_, err = inngestkit.ConfigFrom(t.Context(), func(_ context.Context, variable string) (string, bool, error) {
		if variable == "INNGEST_SIGNING_KEY" || variable == "INNGEST_EVENT_KEY" {
			return "a-password", true, denied
		}
		return "", false, nil
	})
	require.ErrorIs(t, err, denied)
	require.EqualError(t, err, "inngestkit: environment: INNGEST_SIGNING_KEY: access denied\n"+
		"inngestkit: environment: INNGEST_EVENT_KEY: access denied")
}

func TestConfigFromStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	asked := 0
	_, err := inngestkit.ConfigFrom(ctx, func(ctx context.Context, _ string) (string, bool, error) {
		asked++
		cancel(errors.New("enough"))
		return "", false, context.Cause(ctx)
	})
	require.Equal(t, 1, asked)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "INNGEST_APP_ID: enough")
	require.ErrorContains(t, err, "INNGEST_APP_VERSION was not looked up: context canceled: enough")
}

func TestFirstFound(t *testing.T) {
	t.Parallel()
	denied := errors.New("access denied")
	failing := func(context.Context, string) (string, bool, error) { return "", false, denied }
	first := lookupIn(map[string]string{"a": "first", "empty": ""})
	second := lookupIn(map[string]string{"a": "second", "b": "second", "empty": "second"})
	for _, tc := range []struct {
		variable, want string
		lookups        []inngestkit.Lookup
		found          bool
		err            error
	}{
		{"a", "first", []inngestkit.Lookup{first, second}, true, nil},
		{"b", "second", []inngestkit.Lookup{first, second}, true, nil},
		{"empty", "", []inngestkit.Lookup{first, second}, true, nil},
		{"c", "", []inngestkit.Lookup{first, second}, false, nil},
		{"a", "first", []inngestkit.Lookup{first, failing}, true, nil},
		{"a", "", []inngestkit.Lookup{failing, first}, false, denied},
		{"a", "", nil, false, nil},
	} {
		got, found, err := inngestkit.FirstFound(tc.lookups...)(t.Context(), tc.variable)
		require.Equal(t, tc.err, err)
		require.Equal(t, tc.found, found)
		require.Equal(t, tc.want, got)
	}
}

func TestPlatform(t *testing.T) {
	t.Parallel()
	for want, vars := range map[string]map[string]string{
		"aws-eu-west-3": {"AWS_REGION": "eu-west-3", "VERCEL": "1"},
		"vercel":        {"VERCEL": "1", "NETLIFY": "true"},
		"netlify":       {"NETLIFY": "true", "CF_PAGES": "1"},

		"cloudflare-pages": {"CF_PAGES": "1", "RENDER": "true"},
		"render":           {"RENDER": "true", "RAILWAY_ENVIRONMENT": "production"},
		"railway":          {"RAILWAY_ENVIRONMENT": "production", "CF_PAGES": "0", "RENDER": "false"},
		"":                 {"CF_PAGES": "true", "RENDER": "1"}, // what these platforms do not set
	} {
		config, err := inngestkit.ConfigFrom(t.Context(), lookupIn(vars))
		require.NoError(t, err)
		require.Equal(t, want, config.Platform)
	}
}

// INNGEST_DEV alone decides between dev and cloud mode.
func TestMode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		vars map[string]string
		dev  bool
		base string
	}{
		{nil, false, ""},
		{map[string]string{"NODE_ENV": "development", "INNGEST_BASE_URL": "http://127.0.0.1:8288"}, false, "http://127.0.0.1:8288"},
		{map[string]string{"INNGEST_DEV": "0"}, false, ""},
		{map[string]string{"INNGEST_DEV": "false", "INNGEST_BASE_URL": "http://a.test"}, false, "http://a.test"},
		{map[string]string{"INNGEST_DEV": "1"}, true, ""},
		{map[string]string{"INNGEST_DEV": "True", "INNGEST_BASE_URL": "http://a.test"}, true, "http://a.test"},
		{map[string]string{"INNGEST_DEV": "http://a.test"}, true, "http://a.test"},
		{map[string]string{"INNGEST_DEV": "http://a.test", "INNGEST_BASE_URL": "http://a.test/"}, true, "http://a.test"},
	} {
		config, err := inngestkit.ConfigFrom(t.Context(), lookupIn(tc.vars))
		require.NoError(t, err)
		require.Equal(t, tc.dev, config.Dev, tc.vars)
		require.Equal(t, tc.base, config.BaseURL, tc.vars)
	}
}

func TestConfigFromRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		vars    map[string]string
		message []string
	}{
		{"dev", map[string]string{"INNGEST_DEV": "a-password"}, []string{"INNGEST_DEV must be 1, 0, true, false or the URL of a dev server"}},
		{"several", map[string]string{"INNGEST_DEV": "ftp://x", "PORT": "a-password", "INNGEST_ENABLE_UNAUTHED_SYNC": "a-password"},
			[]string{"INNGEST_DEV", "PORT is not a port; it must be a whole number from 1 to 65535", "INNGEST_ENABLE_UNAUTHED_SYNC must be true or false"}},
		{"port 0", map[string]string{"PORT": "0"}, []string{"PORT is not a port; it must be a whole number from 1 to 65535"}},
		{"a port with something around it", map[string]string{"PORT": "tcp://a-password:80", "INNGEST_SERVE_HOST": "shop"}, []string{"PORT is not a port"}},
		{"port 65536", map[string]string{"PORT": "65536"}, []string{"PORT is not a port"}},
		{"quotes", map[string]string{
			"INNGEST_SERVE_HOST": `"https://a-password"`, "INNGEST_EVENT_KEY": "'a-password'", "PORT": "`8080`", "INNGEST_DEV": ` "1" `,
		}, []string{"INNGEST_SERVE_HOST is in quotes", "INNGEST_EVENT_KEY is in quotes", "PORT is in quotes", "INNGEST_DEV is in quotes"}},
		{"two servers", map[string]string{"INNGEST_DEV": "http://a-password@a.test", "INNGEST_BASE_URL": "http://b.test"},
			[]string{"INNGEST_DEV and INNGEST_BASE_URL name different servers"}},
		{"two hosts", map[string]string{"INNGEST_SERVE_HOST": "a", "INNGEST_SERVE_ORIGIN": "b"},
			[]string{"INNGEST_SERVE_HOST and INNGEST_SERVE_ORIGIN"}},
		{"bounds", map[string]string{"INNGEST_MAX_IN_FLIGHT": "-1", "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY": "1e3"},
			[]string{"INNGEST_MAX_IN_FLIGHT must be a whole number of at least 0", "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY must be a whole number of at least 0"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := inngestkit.ConfigFrom(t.Context(), lookupIn(tc.vars))
			require.Error(t, err)
			for _, m := range tc.message {
				require.ErrorContains(t, err, m)
			}
			require.NotContains(t, err.Error(), "a-password")
		})
	}
}

// Harmless values that platforms and people set are accepted.
func TestConfigFromAccepts(t *testing.T) {
	t.Parallel()
	for name, vars := range map[string]map[string]string{
		"a slash at the end":                   {"INNGEST_SERVE_HOST": "https://shop.test", "INNGEST_SERVE_ORIGIN": "https://shop.test/"},
		"a PORT that is ignored, for a URL":    {"INNGEST_SERVE_HOST": "https://shop.test", "PORT": "tcp://10.0.0.1:80"},
		"a PORT that is ignored, for a port":   {"INNGEST_SERVE_HOST": "shop.test:81", "PORT": "http"},
		"a PORT that is ignored, for ORIGIN":   {"INNGEST_SERVE_ORIGIN": "https://shop.test", "PORT": "0"},
		"a quote within, or on one side alone": {"INNGEST_ENV": `it's`, "INNGEST_APP_VERSION": `"`, "INNGEST_EVENT_KEY": `'a"`},
	} {
		config, err := inngestkit.ConfigFrom(t.Context(), lookupIn(vars))
		require.NoError(t, err, name)
		require.Zero(t, config.ServePort, name)
	}
}
