package inngestkit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestNewListsAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := inngestkit.New(inngestkit.Config{
		SigningKeyFallback: "not-hex-secret", BaseURL: "inngest:8288", APIBaseURL: "ftp://x", EventAPIBaseURL: "http://",
		ServeHost: "https://", ServePort: 70000, Path: "api", ServePath: "x", MaxBodyBytes: -1,
	})
	require.Error(t, err)
	for _, part := range []string{
		"AppID (INNGEST_APP_ID) is missing", "SigningKey (INNGEST_SIGNING_KEY) is missing",
		"SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK) is malformed", "is set without SigningKey",
		"BaseURL (INNGEST_BASE_URL) is no URL", "APIBaseURL (INNGEST_API_BASE_URL) is no URL",
		"EventAPIBaseURL (INNGEST_EVENT_API_BASE_URL) is no URL", "ServeHost (INNGEST_SERVE_HOST) is neither a host name nor a URL",
		"ServePort (PORT) is 70000", `Path is "api"`, `ServePath (INNGEST_SERVE_PATH) is "x"`, "MaxBodyBytes is -1",
	} {
		require.Contains(t, err.Error(), part)
	}
	require.NotContains(t, err.Error(), "not-hex-secret")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		config inngestkit.Config
		reason string
	}{
		// With an empty secret anybody could sign.
		{"key without a secret", inngestkit.Config{SigningKey: "signkey-prod-"}, "SigningKey (INNGEST_SIGNING_KEY) is malformed"},
		{"fallback without a secret", inngestkit.Config{SigningKey: signingKey, SigningKeyFallback: "signkey-prod-"},
			"SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK) is malformed"},
		{"body without bound", inngestkit.Config{Dev: true, MaxBodyBytes: 1<<63 - 1}, "MaxBodyBytes is 9223372036854775807"},
		{"serve host with a path", inngestkit.Config{Dev: true, ServeHost: "https://shop.test/base"}, "ServeHost"},
		{"serve host with a password", inngestkit.Config{Dev: true, ServeHost: "http://u:a-password@shop.test"}, "ServeHost"},
		{"serve host with a space", inngestkit.Config{Dev: true, ServeHost: "my host"}, "ServeHost"},
		{"path with a slash at the end", inngestkit.Config{Dev: true, Path: "/api/inngest/"}, "does not end with it"},
		{"unsigned sync to any host", inngestkit.Config{SigningKey: signingKey, AllowUnsignedSync: true}, "without ServeHost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.config.AppID = "shop"
			_, err := inngestkit.New(tc.config)
			require.ErrorContains(t, err, tc.reason)
			require.NotContains(t, err.Error(), "a-password")
		})
	}
}

func TestAppDoesNotPrintItsConfiguration(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, cloud)
	printed := fmt.Sprintf("%v %+v %#v %s", app, app, app, app)
	require.Contains(t, printed, "inngestkit.App(app)")
	for _, secret := range []string{signingKey, fallbackKey, "an-event-key"} {
		require.NotContains(t, printed, secret)
	}
}

func TestConfigFromEnv(t *testing.T) {
	for key, value := range map[string]string{
		"INNGEST_APP_ID": "shop", "INNGEST_DEV": "http://127.0.0.1:9999/", "INNGEST_SIGNING_KEY": signingKey,
		"INNGEST_SIGNING_KEY_FALLBACK": fallbackKey, "INNGEST_EVENT_KEY": "event-key", "INNGEST_ENV": "branch",
		"INNGEST_API_BASE_URL": "http://api.test", "INNGEST_EVENT_API_BASE_URL": "http://events.test",
		"INNGEST_SERVE_HOST": "https://shop.test", "INNGEST_SERVE_PATH": "/x/inngest", "PORT": "8080",
		"INNGEST_ENABLE_UNAUTHED_SYNC": "true",
	} {
		t.Setenv(key, value)
	}
	config, err := inngestkit.ConfigFromEnv()
	require.NoError(t, err)
	require.Equal(t, inngestkit.Config{
		AppID: "shop", Dev: true, BaseURL: "http://127.0.0.1:9999/", SigningKey: signingKey, SigningKeyFallback: fallbackKey,
		EventKey: "event-key", Env: "branch", APIBaseURL: "http://api.test", EventAPIBaseURL: "http://events.test",
		ServeHost: "https://shop.test", ServePath: "/x/inngest", ServePort: 8080, AllowUnsignedSync: true,
	}, config)
}

func TestConfigFromEnvRefuses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		env     map[string]string
		message []string
	}{
		{"dev", map[string]string{"INNGEST_DEV": "maybe"}, []string{"INNGEST_DEV is neither"}},
		{"several", map[string]string{"INNGEST_DEV": "ftp://x", "PORT": "http", "INNGEST_ENABLE_UNAUTHED_SYNC": "perhaps"},
			[]string{"INNGEST_DEV", "PORT is no number", "INNGEST_ENABLE_UNAUTHED_SYNC is neither"}},
		{"two servers", map[string]string{"INNGEST_DEV": "http://a.test", "INNGEST_BASE_URL": "http://b.test"},
			[]string{"INNGEST_DEV and INNGEST_BASE_URL name different servers"}},
		{"two hosts", map[string]string{"INNGEST_SERVE_HOST": "a", "INNGEST_SERVE_ORIGIN": "b"},
			[]string{"INNGEST_SERVE_HOST and INNGEST_SERVE_ORIGIN"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for key, value := range tc.env {
				t.Setenv(key, value)
			}
			_, err := inngestkit.ConfigFromEnv()
			require.Error(t, err)
			for _, m := range tc.message {
				require.Contains(t, err.Error(), m)
			}
		})
	}
}

func TestAppIDAndPath(t *testing.T) {
	t.Parallel()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(t, err)
	require.Equal(t, "shop", app.ID())
	require.Equal(t, "/api/inngest", app.Path())
	require.True(t, strings.HasPrefix(app.Path(), "/"))
}
