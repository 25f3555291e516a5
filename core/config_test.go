package inngestkit_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
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
		MaxInFlight: -1, ConnectMaxWorkerConcurrency: -2,
	})
	require.Error(t, err)
	for _, part := range []string{
		"AppID (INNGEST_APP_ID) is missing", "SigningKey (INNGEST_SIGNING_KEY) is missing",
		"SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK) is malformed", "is set without SigningKey",
		"BaseURL (INNGEST_BASE_URL) is not a URL", "APIBaseURL (INNGEST_API_BASE_URL) is not a URL",
		"EventAPIBaseURL (INNGEST_EVENT_API_BASE_URL) is not a URL", "ServeHost (INNGEST_SERVE_HOST) is neither a host name nor a URL",
		"ServePort (PORT) is 70000", `Path is "api"`, `ServePath (INNGEST_SERVE_PATH) is "x"`, "MaxBodyBytes is -1",
		"MaxInFlight (INNGEST_MAX_IN_FLIGHT) is -1", "ConnectMaxWorkerConcurrency (INNGEST_CONNECT_MAX_WORKER_CONCURRENCY) is -2",
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
		{"app ID with a quote", inngestkit.Config{Dev: true, AppID: `a"b`}, `AppID (INNGEST_APP_ID) is "a\"b"; leave out quotes`},
		{"app ID with a backslash", inngestkit.Config{Dev: true, AppID: `a\b`}, `AppID (INNGEST_APP_ID) is "a\\b"; leave out quotes`},
		// Anyone could sign with an empty secret.
		{"key without a secret", inngestkit.Config{SigningKey: "signkey-prod-"}, "SigningKey (INNGEST_SIGNING_KEY) is malformed"},
		{"fallback without a secret", inngestkit.Config{SigningKey: signingKey, SigningKeyFallback: "signkey-prod-"},
			"SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK) is malformed"},
		{"body without bound", inngestkit.Config{Dev: true, MaxBodyBytes: 1<<63 - 1}, "MaxBodyBytes is 9223372036854775807"},
		{"serve host with a path", inngestkit.Config{Dev: true, ServeHost: "https://shop.test/base"}, "ServeHost"},
		{"serve host with a password", inngestkit.Config{Dev: true, ServeHost: "http://u:a-password@shop.test"}, "ServeHost"},
		{"serve host with a space", inngestkit.Config{Dev: true, ServeHost: "my host"}, "ServeHost"},
		{"path with two slashes at the end", inngestkit.Config{Dev: true, Path: "/api//"}, `Path is "/api//"; a path begins with /`},
		{"path of two slashes", inngestkit.Config{Dev: true, Path: "//"}, `Path is "//"`},
		{"path with two slashes", inngestkit.Config{Dev: true, Path: "/api//inngest"}, "no //, no . or .. element"},
		{"path with dots", inngestkit.Config{Dev: true, ServePath: "/api/../inngest"}, "no //, no . or .. element"},
		{"path with a query", inngestkit.Config{Dev: true, Path: "/api/inngest?x"}, `Path is "/api/inngest?x"`},
		{"serve path with a line break", inngestkit.Config{Dev: true, ServePath: "/api\ninngest"}, "ServePath (INNGEST_SERVE_PATH)"},
		{"serve path with half an escape", inngestkit.Config{Dev: true, ServePath: "/50%"}, `is "/50%"; % must begin an escape`},
		{"serve host without a name", inngestkit.Config{Dev: true, ServeHost: "http://:80"}, "ServeHost"},
		{"serve host with a query", inngestkit.Config{Dev: true, ServeHost: "http://shop.test?x=1"}, "ServeHost"},
		{"serve host with a port that is none", inngestkit.Config{Dev: true, ServeHost: "shop.test:70000"}, "ServeHost"},
		{"negative serve port", inngestkit.Config{Dev: true, ServePort: -1}, "ServePort (PORT) is -1; a port is a whole number from 1 to 65535"},
		{"server without a name", inngestkit.Config{Dev: true, BaseURL: "http://:8288"}, "BaseURL (INNGEST_BASE_URL) is not a URL"},
		{"server with a query", inngestkit.Config{Dev: true, BaseURL: "http://inngest.test/?a-password"}, "BaseURL (INNGEST_BASE_URL) is not a URL"},
		{"server with an empty query", inngestkit.Config{Dev: true, BaseURL: "http://inngest.test/?"}, "BaseURL (INNGEST_BASE_URL) is not a URL"},
		{"server with a fragment", inngestkit.Config{Dev: true, APIBaseURL: "http://inngest.test/#x"}, "APIBaseURL (INNGEST_API_BASE_URL) is not a URL"},
		{"server with port 0", inngestkit.Config{Dev: true, BaseURL: "http://inngest.test:0"}, "BaseURL (INNGEST_BASE_URL) is not a URL"},
		{"dev mode in the cloud", inngestkit.Config{Dev: true, BaseURL: "https://api.inngest.com"}, "in dev mode anyone can call the functions"},
		{"dev mode with the cloud's events", inngestkit.Config{Dev: true, EventAPIBaseURL: "https://INN.gs/"},
			"EventAPIBaseURL (INNGEST_EVENT_API_BASE_URL) is Inngest Cloud, but Dev (INNGEST_DEV) is set"},
		{"dev mode in the cloud, absolute", inngestkit.Config{Dev: true, BaseURL: "https://API.inngest.com./"}, "is Inngest Cloud, but Dev"},
		{"dev mode in the cloud, with a port", inngestkit.Config{Dev: true, APIBaseURL: "https://Inn.gs.:443"}, "is Inngest Cloud, but Dev"},
		{"dev mode in another part of the cloud", inngestkit.Config{Dev: true, BaseURL: "https://eu.api.inngest.com"}, "is Inngest Cloud, but Dev"},
		{"a part of a key", inngestkit.Config{SigningKey: "signkey-prod-0123456789abcdef0123456789abcd"},
			"SigningKey (INNGEST_SIGNING_KEY) has 30 hexadecimal digits; keys of Inngest Cloud have at least 32"},
		{"a part of a fallback key", inngestkit.Config{SigningKey: signingKey, SigningKeyFallback: "ab", BaseURL: "https://api.inngest.com"},
			"SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK) has 2 hexadecimal digits"},
		{"event key is a signing key", inngestkit.Config{SigningKey: signingKey, EventKey: signingKey}, "EventKey (INNGEST_EVENT_KEY) is a signing key"},
		{"key with a line break", inngestkit.Config{SigningKey: signingKey + "\n"}, "SigningKey (INNGEST_SIGNING_KEY) has white space around it"},
		{"fallback key with a space", inngestkit.Config{SigningKey: signingKey, SigningKeyFallback: " " + fallbackKey},
			"SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK) has white space around it"},
		{"event key with a line break", inngestkit.Config{Dev: true, EventKey: "a-password\n"}, "EventKey (INNGEST_EVENT_KEY) has white space around it"},
		{"event key of two lines", inngestkit.Config{Dev: true, EventKey: "a-password\nx"}, "EventKey (INNGEST_EVENT_KEY) has white space around it or control"},
		{"env with a line break", inngestkit.Config{Dev: true, Env: "branch\r\nX: y"}, "Env (INNGEST_ENV) has white space"},
		{"version with a space", inngestkit.Config{Dev: true, AppVersion: "1 "}, "AppVersion (INNGEST_APP_VERSION) has white space"},
		{"platform with a tab", inngestkit.Config{Dev: true, Platform: "\taws"}, "Platform has white space"},
		{"instance with a space", inngestkit.Config{Dev: true, ConnectInstanceID: " "}, "ConnectInstanceID has white space"},
		{"unsigned sync to any host", inngestkit.Config{SigningKey: signingKey, AllowUnsignedSync: true}, "without ServeHost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.config.AppID = cmp.Or(tc.config.AppID, "shop")
			_, err := inngestkit.New(tc.config)
			require.ErrorContains(t, err, tc.reason)
			require.NotContains(t, err.Error(), "a-password")
		})
	}
}

// Common values are accepted.
func TestNewAccepts(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]inngestkit.Config{
		"dev mode with keys":          {Dev: true, SigningKey: signingKey, EventKey: "key"},
		"a port and a URL":            {Dev: true, ServePort: 8080, ServeHost: "https://shop.test"},
		"a port and a host's":         {Dev: true, ServePort: 8080, ServeHost: "shop.test:81"},
		"an IPv6 address":             {Dev: true, ServeHost: "::1", BaseURL: "http://[::1]:8288/"},
		"a self-hosted server":        {SigningKey: "0123456789abcdef", EventKey: "key", BaseURL: "https://user:pw@inngest.test/base/"},
		"hosts that sound alike":      {Dev: true, BaseURL: "http://notinngest.com", EventAPIBaseURL: "http://inn.gs.test"},
		"the cloud":                   {SigningKey: signingKey, BaseURL: "https://api.inngest.com"},
		"a path with parameters":      {Dev: true, Path: "/tenants/:id/inngest"},
		"a key with its own fallback": {SigningKey: signingKey, SigningKeyFallback: signingKey},
		"an app ID in words":          {Dev: true, Env: "feature/x y", AppVersion: "1.0 beta"},
	} {
		config.AppID = "my shop"
		_, err := inngestkit.New(config)
		require.NoError(t, err, name)
	}
}

func TestAppDoesNotPrintItsConfiguration(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, cloud)
	var inside any = struct{ app *inngestkit.App }{app} // fmt reads the field, and calls no methods
	printed := fmt.Sprintf("%v %+v %#v %s %d %t %v %s %d", app, app, app, app, app, app, inside, inside, inside)
	require.Contains(t, printed, "inngestkit.App(app)")
	for _, secret := range []string{signingKey, fallbackKey, "an-event-key"} {
		require.NotContains(t, printed, secret)
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

// Self-hosted servers accept short keys, and their documentation has one of 4 digits.
func TestShortKeysOfSelfHostedServers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		config inngestkit.Config
		warned bool
	}{
		{inngestkit.Config{SigningKey: "1234", BaseURL: "http://inngest.test:8288"}, true},
		{inngestkit.Config{SigningKey: signingKey, SigningKeyFallback: "12", BaseURL: "http://inngest.test:8288"}, true},
		{inngestkit.Config{SigningKey: signingKey, SigningKeyFallback: fallbackKey, BaseURL: "http://inngest.test:8288"}, false},
		{inngestkit.Config{SigningKey: "1234", Dev: true}, false},
		{inngestkit.Config{SigningKey: signingKey}, false},
	} {
		_, l := newAppWith(t, tc.config)
		require.Equal(t, tc.warned, strings.Contains(l.String(), "a signing key is short"), "%s", l)
		require.NotContains(t, l.String(), "1234")
	}
}

// A configuration shows no secret, however it is printed.
func TestConfigPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	config := inngestkit.Config{
		AppID: "shop", SigningKey: signingKey, SigningKeyFallback: fallbackKey, EventKey: "an-event-key",
		BaseURL: "http://user:a-password@inngest.test:8288", APIBaseURL: "https://api.test/?token=a-password#a-password", EventAPIBaseURL: "://a-password@",
		ServeHost: "user:a-password@shop.test", HTTPClient: http.DefaultClient, Logger: slog.New(slog.DiscardHandler),
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "config", config, "pointer", &config)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "config", config, "pointer", &config)
	printed, err := json.Marshal([]any{config, &config})
	require.NoError(t, err)
	printed = fmt.Appendf(printed, "%v %+v %#v %s %q %x %v %+v %#v", config, config, config, config, config, config, &config, &config, &config)
	printed = fmt.Appendf(printed, "%d %t %d %t", config, config, config.SigningKey, config.EventKey) // fmt prints the value with its error
	asText, err := config.MarshalText()                                                               // YAML
	require.NoError(t, err)
	printed = append(printed, asText...)
	for _, all := range []string{logged.String(), string(printed)} {
		require.Contains(t, all, "shop")
		require.Contains(t, all, redacted(t, "http://user:a-password@inngest.test:8288"))
		for _, secret := range []string{"a-password", signingKey[13:], fallbackKey[13:], "an-event-key"} {
			require.NotContains(t, all, secret)
		}
	}
	for _, logged := range []any{config, &config} {
		require.Equal(t, slog.KindString, slog.AnyValue(logged).Resolve().Kind(), "for handlers that look at fields")
	}
	require.Equal(t, "user:a-password@shop.test", config.ServeHost, "it is not changed")
}

// redacted returns a URL without its password, as net/url shows it.
func redacted(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Redacted()
}
