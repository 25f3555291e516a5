package mistakes

import (
	"context"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// news returns a test that calls New and returns the error.
func news(config inngestkit.Config) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		_, err := inngestkit.New(config)
		return fails(t, err)
	}
}

// reads returns a test that reads the configuration from one variable and returns the error.
func reads(variable, value string) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		_, err := inngestkit.ConfigFrom(t.Context(), func(_ context.Context, name string) (string, bool, error) {
			return value, name == variable, nil
		})
		return fails(t, err)
	}
}

// with returns a configuration for the dev server with a change.
func with(change func(c *inngestkit.Config)) inngestkit.Config {
	config := dev()
	change(&config)
	return config
}

var configuration = []mistake{
	{"The app has no ID", news(inngestkit.Config{Dev: true})},
	{"INNGEST_DEV is not set on the developer's machine", news(inngestkit.Config{AppID: "shop"})},
	{"INNGEST_DEV is neither a truth value nor a URL", reads("INNGEST_DEV", "yes")},
	{"PORT is not a number", reads("PORT", "tcp://10.0.0.1:8080")},
	{"The signing key is truncated", news(inngestkit.Config{AppID: "shop", SigningKey: "signkey-prod-0123456789abcde"})},
	{"The signing key is made up", news(inngestkit.Config{AppID: "shop", SigningKey: "signkey-prod-1234"})},
	{"The event key is a signing key", news(with(func(c *inngestkit.Config) { c.EventKey = signingKey }))},
	{"A key ends with the line break of its file", news(with(func(c *inngestkit.Config) { c.EventKey = "event-key\n" }))},
	{"A value in quotes", reads("INNGEST_SERVE_HOST", `"https://shop.example.com"`)},
	{"The ID of the app has a quotation mark", news(with(func(c *inngestkit.Config) { c.AppID = `the "shop"` }))},
	{"The base URL has no scheme", news(with(func(c *inngestkit.Config) { c.BaseURL = "inngest:8288" }))},
	{"Dev mode with Inngest Cloud", news(with(func(c *inngestkit.Config) { c.BaseURL = "https://api.inngest.com" }))},
	{"ServeHost with a path", news(with(func(c *inngestkit.Config) { c.ServeHost = "https://shop.example.com/api/inngest" }))},
	{"Path without a slash", news(with(func(c *inngestkit.Config) { c.Path = "api/inngest" }))},
	{"Unsigned syncs without a host", news(inngestkit.Config{AppID: "shop", SigningKey: signingKey, AllowUnsignedSync: true})},
}
