package httpclient

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// Secrets are removed in each form, and the text around them stays.
func TestSecretsAreRemoved(t *testing.T) {
	t.Parallel()
	const key, password = `a/key "é<&>`, `p@ss:w/rd`
	u := (&url.URL{Scheme: "http", User: url.UserPassword("me", password), Host: "server.test"}).String()
	secrets := NewSecrets(append(InURL(u), key, "", "short")...)
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth("me", password)
	for text, want := range map[string]string{
		"POST /e/" + key + " failed":                     "POST /e/… failed",
		"/e/" + url.PathEscape(key):                      "/e/…",
		(&url.URL{Path: "/e/" + key}).String():           "/e/…",
		"?key=" + url.QueryEscape(key) + "&x=1":          "?key=…&x=1",
		fmt.Sprintf("got %q", key):                       `got "…"`,
		fmt.Sprintf("got %+q", key):                      `got "…"`,
		`{"path":"/e/a/key \"é\u003c\u0026\u003e"}`:      `{"path":"/e/…"}`,
		"<p>/e/a/key &#34;é&lt;&amp;&gt;</p>":            "<p>/e/…</p>",
		"password " + password:                           "password …",
		req.Header.Get("Authorization") + " was refused": "Basic … was refused",
		// What nobody knows, for example the password of the proxy.
		"proxy http://any:thing@proxy.test:3128 is down":                                 "proxy http://…@proxy.test:3128 is down",
		"Proxy-Authorization: basic " + base64.StdEncoding.EncodeToString([]byte("a:b")): "Proxy-Authorization: basic …",
		// Other text.
		"Basic authentication is required": "Basic authentication is required",
		"http://server.test/a@b: short":    "http://server.test/a@b: short",
	} {
		require.Equal(t, want, secrets.Text(text))
		require.Equal(t, text, (*Secrets)(nil).Text(text))
	}
}

// An error without secrets stays what it is. One with secrets loses what it wraps, which would
// show them.
func TestSecretsAreRemovedFromErrors(t *testing.T) {
	t.Parallel()
	secrets := NewSecrets("a-password")
	require.NoError(t, secrets.Error(nil))
	plain := errors.New("refused")
	require.Same(t, plain, secrets.Error(plain))
	inner := errors.New("cannot reach http://a-password@server.test")
	cleaned := secrets.Error(fmt.Errorf("sync: %w", inner))
	require.EqualError(t, cleaned, "sync: cannot reach http://…@server.test")
	require.NotErrorIs(t, cleaned, inner)
}

// A URL shows that it has credentials, but not which.
func TestShownURL(t *testing.T) {
	t.Parallel()
	hidden := (&url.URL{Scheme: "http", Host: "h", User: url.UserPassword("", "x")}).Redacted()
	for raw, want := range map[string]string{
		"http://h:1/base":      "http://h:1/base",
		"http://a-token@h":     hidden,
		"http://:a-password@h": hidden,
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, want, ShownURL(u))
		require.Equal(t, raw, u.String(), "it is not changed")
	}
	withUser := &url.URL{Scheme: "http", Host: "h", User: url.UserPassword("me", "a-password")}
	require.Equal(t, withUser.Redacted(), ShownURL(withUser))
}
