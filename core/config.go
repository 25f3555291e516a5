package inngestkit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Defaults of [Config].
const (
	// DefaultPath is where adapters mount an app, below the router or group it
	// is mounted on.
	DefaultPath = "/api/inngest"
	// DefaultMaxBodyBytes is twice what the server sends at most: it leaves the
	// steps out of requests above 4 MiB (MaxSDKRequestBodySize in its source).
	DefaultMaxBodyBytes = 8 << 20
	// DefaultDevServerURL is where the Inngest dev server listens by default.
	DefaultDevServerURL = "http://127.0.0.1:8288"

	schemeHTTP  = "http"
	schemeHTTPS = "https"

	// maxMaxBodyBytes keeps sums of sizes within bounds; nothing Inngest sends
	// comes near it.
	maxMaxBodyBytes = 1 << 30

	defaultAPIURL      = "https://api.inngest.com"
	defaultEventAPIURL = "https://inn.gs"
	defaultServePort   = 3000
	// httpTimeout bounds one request to the server: a sync or one try to send.
	httpTimeout = 30 * time.Second
)

// Secret is a string that is not printed: fmt, log/slog and encoding/json show
// only whether it is set. (fmt shows it all the same in a field that is not
// exported.)
type Secret string

// String returns "(set)" or "".
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// MarshalText is String, for JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Config configures an [App]. The zero value of every field but AppID is usable;
// [ConfigFromEnv] fills the fields from the environment.
type Config struct {
	// AppID names the app at the Inngest server. Required. INNGEST_APP_ID.
	AppID string
	// AppVersion is shown beside the app in the Inngest UI. Optional.
	AppVersion string

	// Dev is for the Inngest dev server: calls need no signature, and
	// [App.Start] announces the app to the dev server. Without it the app is in
	// cloud mode and only executes signed calls. INNGEST_DEV.
	Dev bool

	// SigningKey verifies calls by the server and authenticates requests to its
	// API. Required in cloud mode. INNGEST_SIGNING_KEY.
	SigningKey Secret
	// SigningKeyFallback is tried where SigningKey fails, for key rotation.
	// INNGEST_SIGNING_KEY_FALLBACK.
	SigningKeyFallback Secret
	// EventKey authenticates sending events. Required to send in cloud mode.
	// INNGEST_EVENT_KEY.
	EventKey Secret
	// Env is the Inngest environment, for branch environments. INNGEST_ENV.
	Env string

	// BaseURL is the URL of a dev server or a self-hosted server. The default is
	// the dev server on its usual port in dev mode and Inngest Cloud otherwise.
	// INNGEST_BASE_URL, or INNGEST_DEV with a URL.
	BaseURL string
	// APIBaseURL replaces BaseURL for syncs. INNGEST_API_BASE_URL.
	APIBaseURL string
	// EventAPIBaseURL replaces BaseURL for sending. INNGEST_EVENT_API_BASE_URL.
	EventAPIBaseURL string

	// Path is where adapters mount the app, below the router or group it is
	// mounted on. The default is [DefaultPath].
	Path string
	// ServeHost is where the server reaches this app: a host name, or a URL
	// without path such as https://shop.example.com. The default is the host of
	// the sync request, and localhost for [App.Start]. Set it behind a proxy that
	// terminates TLS: X-Forwarded headers, which anybody can send, are not read.
	// INNGEST_SERVE_HOST or INNGEST_SERVE_ORIGIN.
	ServeHost string
	// ServePort is the port that goes with ServeHost if that is a mere host
	// name; the default is 3000. PORT.
	ServePort int
	// ServePath is the path the server is told, if a proxy makes it differ from
	// the one the app is mounted on. INNGEST_SERVE_PATH.
	ServePath string
	// AllowUnsignedSync lets anybody trigger a sync in cloud mode by an unsigned
	// PUT, which sends the functions to the server. It needs ServeHost, since the
	// request's host could be anything. INNGEST_ENABLE_UNAUTHED_SYNC.
	AllowUnsignedSync bool

	// MaxBodyBytes bounds the body of a request. The default is
	// [DefaultMaxBodyBytes].
	MaxBodyBytes int64

	// HTTPClient sends events and syncs. The default has a timeout of 30 s.
	HTTPClient *http.Client
	// Logger is where the app logs. The default is slog.Default().
	Logger *slog.Logger
}

// withDefaults returns c with every default filled in, or all its mistakes.
func (c Config) withDefaults() (Config, error) {
	if err := c.validate(); err != nil {
		return c, err
	}
	if c.BaseURL == "" && c.Dev {
		c.BaseURL = DefaultDevServerURL
	}
	c.APIBaseURL = trimURL(firstOf(c.APIBaseURL, c.BaseURL, defaultAPIURL))
	c.EventAPIBaseURL = trimURL(firstOf(c.EventAPIBaseURL, c.BaseURL, defaultEventAPIURL))
	c.ServeHost = trimURL(c.ServeHost)
	c.Path = firstOf(c.Path, DefaultPath)
	if c.MaxBodyBytes == 0 {
		c.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Timeout: httpTimeout}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

func (c Config) validate() error {
	var errs []error
	refuse := func(field, reason string, args ...any) {
		errs = append(errs, fmt.Errorf("inngestkit: config: %s "+reason, append([]any{field}, args...)...))
	}
	if c.AppID == "" {
		refuse("AppID (INNGEST_APP_ID)", "is missing; it names the app at the Inngest server")
	}
	if !c.Dev && c.SigningKey == "" {
		refuse("SigningKey (INNGEST_SIGNING_KEY)",
			"is missing; cloud mode needs it to verify calls. For the dev server set Dev (INNGEST_DEV=1)")
	}
	checkSigningKey(refuse, "SigningKey (INNGEST_SIGNING_KEY)", c.SigningKey)
	checkSigningKey(refuse, "SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK)", c.SigningKeyFallback)
	if c.SigningKeyFallback != "" && c.SigningKey == "" {
		refuse("SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK)", "is set without SigningKey (INNGEST_SIGNING_KEY)")
	}
	checkURL(refuse, "BaseURL (INNGEST_BASE_URL)", c.BaseURL)
	checkURL(refuse, "APIBaseURL (INNGEST_API_BASE_URL)", c.APIBaseURL)
	checkURL(refuse, "EventAPIBaseURL (INNGEST_EVENT_API_BASE_URL)", c.EventAPIBaseURL)
	checkServeHost(refuse, c)
	if c.ServePort < 0 || c.ServePort > 65535 {
		refuse("ServePort (PORT)", "is %d; a port is 1 to 65535", c.ServePort)
	}
	checkPath(refuse, "Path", c.Path)
	checkPath(refuse, "ServePath (INNGEST_SERVE_PATH)", c.ServePath)
	if c.MaxBodyBytes < 0 || c.MaxBodyBytes > maxMaxBodyBytes {
		refuse("MaxBodyBytes", "is %d; it is at most %d", c.MaxBodyBytes, maxMaxBodyBytes)
	}
	if c.AllowUnsignedSync && !c.Dev && c.ServeHost == "" {
		refuse("AllowUnsignedSync (INNGEST_ENABLE_UNAUTHED_SYNC)",
			"is set without ServeHost (INNGEST_SERVE_HOST); anybody could announce the app at a host of theirs")
	}
	return errors.Join(errs...)
}

type refuser func(field, reason string, args ...any)

func checkURL(refuse refuser, field, value string) {
	if value != "" && !isURL(value) {
		// The value is not shown: URLs may hold passwords.
		refuse(field, "is no URL; write it as https://host or http://host:port")
	}
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == schemeHTTP || u.Scheme == schemeHTTPS) && u.Host != ""
}

// checkServeHost accepts a host name, with or without a port, or a URL of
// nothing but scheme, host and port.
func checkServeHost(refuse refuser, c Config) {
	if c.ServeHost == "" {
		return
	}
	u, err := url.Parse(trimURL(c.serveOrigin()))
	if err != nil || !isURL(c.serveOrigin()) || u.Path != "" || u.RawQuery != "" || u.User != nil {
		// The value is not shown: URLs may hold passwords.
		refuse("ServeHost (INNGEST_SERVE_HOST)", "is neither a host name nor a URL without path such as https://shop.example.com")
	}
}

func checkPath(refuse refuser, field, value string) {
	if value != "" && (!strings.HasPrefix(value, "/") || strings.HasSuffix(value, "/")) {
		refuse(field, "is %q; a path begins with / and does not end with it", value)
	}
}

// keyPrefix is the part of a signing key that names its environment; the secret
// follows it in hexadecimal digits.
var keyPrefix = regexp.MustCompile(`^signkey-\w+-`)

func checkSigningKey(refuse refuser, field string, key Secret) {
	if key == "" {
		return
	}
	// An empty secret would let anybody sign.
	if secret, err := hex.DecodeString(secretPart(key)); err != nil || len(secret) == 0 {
		refuse(field, "is malformed; it is signkey-, the environment, a hyphen and hexadecimal digits, as in the Inngest UI")
	}
}

// secretPart is the key without its prefix.
func secretPart(key Secret) string { return keyPrefix.ReplaceAllString(string(key), "") }

// server is the URL of the API for logs and errors.
func (c Config) server() string { return redacted(c.APIBaseURL) }

// redacted is a URL without its password.
func redacted(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "" // New refuses such URLs.
	}
	return u.Redacted()
}

func trimURL(s string) string { return strings.TrimRight(s, "/") }

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
