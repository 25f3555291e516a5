package secrets

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/planted"
)

// The planted secrets. The passwords and the event key have characters that URLs and JSON
// escape.
const (
	signingKey    = "signkey-prod-5f1c7e9a3b2d4860917f3e5a6c8b0d2e4f6a8c0e1b3d5f7092a4c6e8f0b1d3e5"
	fallbackKey   = "signkey-prod-c4a2e0869d7b5f3120e8c6a4f2b0d9e7c5a3f1e0d8b6a49273f5e1c0d2b4a698"
	eventKey      = `Event/Key"+ü<&> 8d21f6`
	password      = `P@ss:w/rd"+ü<&> 30c9e4`
	token         = "Token~As-User_71b3d8e2"
	proxyPassword = "Proxy!Password_6e90a2c7"
)

// finder finds the planted secrets.
var finder = planted.NewFinder(append(append(
	planted.SigningKey("the signing key", signingKey),
	planted.SigningKey("the fallback key", fallbackKey)...),
	planted.Secret{Name: "the event key", Value: eventKey},
	planted.Secret{Name: "the event key of the real server", Value: plainEventKey},
	planted.Secret{Name: "the hash of that", Value: fmt.Sprintf("%x", sha256.Sum256([]byte(plainEventKey)))},
	planted.Secret{Name: "the password of a URL", Value: password},
	planted.Secret{Name: "the token in a URL", Value: token},
	planted.Secret{Name: "the password of the proxy", Value: proxyPassword},
)...)

// plainEventKey is an event key that a self-hosted server accepts.
const plainEventKey = "plain-b07d43e9.c5a1f2"

// withPassword returns a URL with a planted password.
func withPassword(raw string) string { return withUser(raw, url.UserPassword("deploy", password)) }

// withToken returns a URL whose user name is a planted token, as some proxies have it.
func withToken(raw string) string { return withUser(raw, url.User(token)) }

func withUser(raw string, user *url.Userinfo) string {
	u, err := url.Parse(raw)
	if err != nil {
		panic(err)
	}
	u.User = user
	return u.String()
}

// modes are the modes of apps.
var modes = map[string]bool{"cloud mode": false, "dev mode": true}

// config returns a configuration with every secret.
func config(dev bool, log slog.Handler, transport http.RoundTripper) inngestkit.Config {
	return inngestkit.Config{
		AppID: "shop", Dev: dev, SigningKey: signingKey, SigningKeyFallback: fallbackKey, EventKey: eventKey,
		BaseURL: withPassword("http://inngest.test:8288"), APIBaseURL: withToken("http://api.inngest.test:8288"),
		ServeHost: "https://shop.test", HTTPClient: &http.Client{Transport: transport}, Logger: slog.New(log),
	}
}

// newApp returns an app with every secret, and what it logs.
func newApp(t *testing.T, dev bool, transport http.RoundTripper) (*inngestkit.App, *record) {
	t.Helper()
	log := &record{}
	app, err := inngestkit.New(config(dev, log, transport))
	require.NoError(t, err)
	return app, log
}
