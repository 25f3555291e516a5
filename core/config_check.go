package inngestkit

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// validate returns all mistakes of the configuration, joined.
func (c Config) validate() error {
	var errs []error
	refuse := func(field, reason string, args ...any) {
		errs = append(errs, fmt.Errorf("inngestkit: config: %s "+reason, append([]any{field}, args...)...))
	}
	if c.AppID == "" {
		refuse("AppID (INNGEST_APP_ID)", "is missing; it names the app at the Inngest server")
	}
	if strings.ContainsAny(c.AppID, `"\`) {
		refuse("AppID (INNGEST_APP_ID)",
			`is %q; leave out quotes (") and backslashes: with them, the server does not find the handlers of failed runs`,
			c.AppID)
	}
	for _, text := range []struct{ field, value string }{
		{"AppID (INNGEST_APP_ID)", c.AppID},
		{"AppVersion (INNGEST_APP_VERSION)", c.AppVersion},
		{"Platform", c.Platform},
		{"Env (INNGEST_ENV)", c.Env},
		{"ConnectInstanceID", c.ConnectInstanceID},
	} {
		checkText(refuse, text.field, text.value)
	}
	c.checkKeys(refuse)
	c.checkServer(refuse)
	c.checkAddress(refuse)
	c.checkBounds(refuse)
	return errors.Join(errs...)
}

func (c Config) checkKeys(refuse refuser) {
	if !c.Dev && c.SigningKey == "" {
		refuse("SigningKey (INNGEST_SIGNING_KEY)",
			"is missing; cloud mode needs it to verify calls. For the dev server set Dev (INNGEST_DEV=1)")
	}
	checkSigningKey(refuse, "SigningKey (INNGEST_SIGNING_KEY)", c.SigningKey)
	checkSigningKey(refuse, "SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK)", c.SigningKeyFallback)
	if !c.Dev && isCloud(firstOf(c.APIBaseURL, c.BaseURL, defaultAPIURL)) {
		refuseShortKey(refuse, "SigningKey (INNGEST_SIGNING_KEY)", c.SigningKey)
		refuseShortKey(refuse, "SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK)", c.SigningKeyFallback)
	}
	if c.SigningKeyFallback != "" && c.SigningKey == "" {
		refuse("SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK)", "is set without SigningKey (INNGEST_SIGNING_KEY)")
	}
	checkText(refuse, "EventKey (INNGEST_EVENT_KEY)", string(c.EventKey))
	if signing.HasKeyPrefix(string(c.EventKey)) {
		// It would become part of URLs.
		refuse("EventKey (INNGEST_EVENT_KEY)", "is a signing key; use the event key, which the Inngest UI shows separately")
	}
}

// checkServer checks the URLs of the server.
func (c Config) checkServer(refuse refuser) {
	for _, server := range []struct{ field, url string }{
		{"BaseURL (INNGEST_BASE_URL)", c.BaseURL},
		{"APIBaseURL (INNGEST_API_BASE_URL)", c.APIBaseURL},
		{"EventAPIBaseURL (INNGEST_EVENT_API_BASE_URL)", c.EventAPIBaseURL},
	} {
		checkURL(refuse, server.field, server.url)
		if c.Dev && isCloud(server.url) {
			refuse(server.field, "is Inngest Cloud, but Dev (INNGEST_DEV) is set; "+
				"in dev mode anyone can call the functions, so unset one of them")
		}
	}
}

// isCloud reports whether the host of a URL belongs to Inngest Cloud. It ignores a port and
// the final dot of an absolute name.
func isCloud(s string) bool {
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	host := "." + strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return strings.HasSuffix(host, ".inngest.com") || strings.HasSuffix(host, ".inn.gs")
}

// checkAddress checks the address at which the server reaches the app.
func (c Config) checkAddress(refuse refuser) {
	checkServeHost(refuse, c)
	if c.ServePort != 0 && !isPort(c.ServePort) {
		refuse("ServePort (PORT)", "is %d; a port is a whole number from 1 to 65535", c.ServePort)
	}
	checkPath(refuse, "Path", c.Path)
	checkPath(refuse, "ServePath (INNGEST_SERVE_PATH)", c.ServePath)
	if _, err := url.PathUnescape(c.ServePath); err != nil {
		refuse("ServePath (INNGEST_SERVE_PATH)",
			"is %q; %% must begin an escape with two hexadecimal digits; write %%25 for a percent sign", c.ServePath)
	}
	if c.AllowUnsignedSync && !c.Dev && c.ServeHost == "" {
		refuse("AllowUnsignedSync (INNGEST_ENABLE_UNAUTHED_SYNC)",
			"is set without ServeHost (INNGEST_SERVE_HOST); set it, or anyone could announce the app at their own host")
	}
}

func (c Config) checkBounds(refuse refuser) {
	if c.MaxBodyBytes < 0 || c.MaxBodyBytes > maxMaxBodyBytes {
		refuse("MaxBodyBytes", "is %d; it must be from 0, for the default, to %d", c.MaxBodyBytes, maxMaxBodyBytes)
	}
	if c.MaxInFlight < 0 {
		refuse("MaxInFlight (INNGEST_MAX_IN_FLIGHT)", "is %d; it must be at least 1, or 0 for no bound", c.MaxInFlight)
	}
	if c.ConnectMaxWorkerConcurrency < 0 {
		refuse("ConnectMaxWorkerConcurrency (INNGEST_CONNECT_MAX_WORKER_CONCURRENCY)",
			"is %d; it must be at least 1, or 0 for no bound", c.ConnectMaxWorkerConcurrency)
	}
}

// A refuser records a mistake in a field.
type refuser func(field, reason string, args ...any)

// checkText refuses text that would be invalid in a header or is probably a mistake. It
// does not show the value, which may be a key.
func checkText(refuse refuser, field, value string) {
	if !isClean(value) {
		refuse(field, unclean)
	}
}

const unclean = "has white space around it or control characters in it, perhaps the line break at the end of a file; remove them"

func isClean(s string) bool {
	return strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

func checkURL(refuse refuser, field, value string) {
	if value != "" && !isURL(value) {
		// The value is not shown: URLs may hold passwords.
		refuse(field, "is not a URL; write it as https://host or http://host:port, without query")
	}
}

// isURL reports whether s is an HTTP URL to which a path can be appended.
func isURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != schemeHTTP && u.Scheme != schemeHTTPS) || u.Hostname() == "" {
		return false
	}
	if u.Port() != "" {
		if port, err := strconv.Atoi(u.Port()); err != nil || !isPort(port) {
			return false
		}
	}
	return u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}

func isPort(n int) bool { return n >= 1 && n <= 65535 }

// checkServeHost accepts a host name, with or without a port, or a URL that consists of
// scheme, host and port.
func checkServeHost(refuse refuser, c Config) {
	if c.ServeHost == "" {
		return
	}
	origin := trimURL(c.serveOrigin())
	u, err := url.Parse(origin)
	if err != nil || !isURL(origin) || u.Path != "" || u.User != nil {
		// The value is not shown: URLs may hold passwords.
		refuse("ServeHost (INNGEST_SERVE_HOST)", "is neither a host name nor a URL without path such as https://shop.example.com")
	}
}

func checkPath(refuse refuser, field, value string) {
	if value == "" {
		return
	}
	if !isPath(value) {
		refuse(field, "is %q; "+pathRule, value)
	}
}

const pathRule = "a path begins with / and has no //, no . or .. element, no query and no white space"

func isPath(s string) bool {
	return strings.HasPrefix(s, "/") && trimSlash(s) == path.Clean(s) && !strings.Contains(s, "//") &&
		!strings.ContainsAny(s, "?# ") && isClean(s)
}

// trimSlash returns a path without a trailing slash. Adapters serve both forms.
func trimSlash(s string) string {
	if len(s) > 1 {
		return strings.TrimSuffix(s, "/")
	}
	return s
}

func checkSigningKey(refuse refuser, field string, key Secret) {
	if key == "" {
		return
	}
	if !isClean(string(key)) {
		refuse(field, unclean)
		return
	}
	if !signing.IsKey(string(key)) {
		refuse(field, "is malformed; a key is signkey-, the environment, a hyphen and hexadecimal digits, as in the Inngest UI")
	}
}

// minKeyDigits is the minimum number of hexadecimal digits with which the secret part of a
// signing key cannot be guessed: 128 bits. The keys of Inngest Cloud have more. Self-hosted
// servers accept any even number of digits (cmd/start in the server's source).
const minKeyDigits = 32

// isShort reports whether a well-formed key is short enough to be guessed.
func isShort(key Secret) bool {
	return signing.IsKey(string(key)) && len(signing.SecretPart(string(key))) < minKeyDigits
}

// refuseShortKey refuses a key that is too short to be one of Inngest Cloud.
func refuseShortKey(refuse refuser, field string, key Secret) {
	if isShort(key) {
		refuse(field, "has %d hexadecimal digits; keys of Inngest Cloud have at least %d, so it may be incomplete. "+
			"For a self-hosted server set BaseURL (INNGEST_BASE_URL)", len(signing.SecretPart(string(key))), minKeyDigits)
	}
}

// warnOfShortKeys logs a warning about keys that a self-hosted server accepts but that can
// be guessed.
func (c Config) warnOfShortKeys() {
	if !c.Dev && (isShort(c.SigningKey) || isShort(c.SigningKeyFallback)) {
		c.Logger.Warn("inngest: a signing key is short; whoever guesses it can execute the functions. "+
			"Make a new one for the app and the server with openssl rand -hex 32", "hexadecimal_digits_at_least", minKeyDigits)
	}
}

// server returns the URL of the API for logs and errors.
func (c Config) server() string { return redacted(c.APIBaseURL) }

// redacted returns a URL as [httpclient.ShownURL] does.
func redacted(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "" // New refuses such URLs.
	}
	return httpclient.ShownURL(u)
}

func trimURL(s string) string { return strings.TrimRight(s, "/") }

// firstOf returns the first value that is not empty, "" if all are.
func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
