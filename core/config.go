package inngestkit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/safe"
	"github.com/inngestkit/inngestkit/core/internal/signing"
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
)

// Config configures an [App]. The zero value of every field but AppID is usable.
// [ConfigFromEnv] fills the fields whose comment ends with variables from the
// environment, [ConfigFrom] from anywhere else.
type Config struct {
	// AppID names the app at the Inngest server. It has no double quotes and no
	// backslashes. Required. INNGEST_APP_ID.
	AppID string
	// AppVersion is shown beside the app in the Inngest UI. Optional.
	// INNGEST_APP_VERSION.
	AppVersion string
	// Platform names the hosting platform in the Inngest UI, as the SDKs do:
	// aws-<region>, vercel, netlify, cloudflare-pages, render or railway. Optional.
	// AWS_REGION, VERCEL, NETLIFY, CF_PAGES, RENDER or RAILWAY_ENVIRONMENT.
	Platform string

	// Dev is for the Inngest dev server: calls need no signature, and
	// [App.Start] announces the app to the dev server. Without it the app is in
	// cloud mode and only executes signed calls. Nothing else decides the mode:
	// no key, no URL and no NODE_ENV. INNGEST_DEV.
	Dev bool

	// SigningKey verifies calls by the server and authenticates requests to its
	// API. Required in cloud mode. Those of Inngest Cloud have at least 32 hexadecimal
	// digits; a shorter one of a self-hosted server is warned of. INNGEST_SIGNING_KEY.
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
	// APIBaseURL replaces BaseURL for everything but sending events: syncs,
	// signals, the state of large runs. INNGEST_API_BASE_URL.
	APIBaseURL string
	// EventAPIBaseURL replaces BaseURL for sending events.
	// INNGEST_EVENT_API_BASE_URL.
	EventAPIBaseURL string

	// Path is where adapters mount the app, below the router or group it is
	// mounted on; / is that itself. A slash at the end is left out: adapters serve
	// both forms. The default is [DefaultPath].
	Path string
	// ServeHost is where the server reaches this app: a host name, or a URL
	// without path such as https://shop.example.com. The default is the host of
	// the sync request, in cloud mode the one that the server has signed, and
	// localhost for [App.Start]. Set it in cloud mode. INNGEST_SERVE_HOST or
	// INNGEST_SERVE_ORIGIN.
	ServeHost string
	// ServePort is the port that goes with ServeHost if that is a mere host
	// name, or with localhost. By default [App.Start] finds the port where the app
	// listens, and 3000 is announced if it finds none, and by [App.Sync]. With a
	// ServeHost that is a URL or has a port it is ignored, since many platforms set
	// its variable. PORT.
	ServePort int
	// ServePath is the path the server is told, if a proxy makes it differ from
	// the one the app is mounted on, without a slash at the end; it may have escapes such
	// as %20. INNGEST_SERVE_PATH.
	ServePath string
	// TrustProxy takes the URL that a sync announces from the headers
	// X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Prefix, the first element
	// of each. Anybody can send them: set it only where a proxy in front of the app
	// overwrites them. ServeHost and ServePath take precedence, and so does the URL
	// that a server has signed. INNGEST_TRUST_PROXY.
	TrustProxy bool
	// AllowUnsignedSync lets anybody trigger a sync in cloud mode by an unsigned
	// PUT, which sends the functions to the server. It needs ServeHost, since the
	// request's host could be anything, and leaves the request's query out of the URL.
	// Between two such syncs are at least 5 s; what comes too early is answered with
	// 429. Why one has failed is logged and not answered. INNGEST_ENABLE_UNAUTHED_SYNC.
	AllowUnsignedSync bool

	// MaxBodyBytes bounds the body of a request. The default is
	// [DefaultMaxBodyBytes].
	MaxBodyBytes int64
	// MaxInFlight bounds how many calls of functions run at once; further ones wait
	// for a free place, with their bodies in memory. The default, 0, is no bound.
	// INNGEST_MAX_IN_FLIGHT.
	MaxInFlight int

	// RefuseRoundedIntegers has steps, functions and sends fail, without a retry, if
	// their data has an integer that the server would round: one above 2^53, unless a
	// float64 holds it. The default is one warning in the log for each place. The error,
	// and the warning, name the field. Integers stay whole as text, for example in
	// fields with the tag json:",string".
	RefuseRoundedIntegers bool

	// ConnectInstanceID tells this instance of the app from others in [App.Connect];
	// it should stay the same over restarts. The default is the host's name.
	ConnectInstanceID string
	// ConnectMaxWorkerConcurrency is how many calls at a time the server gives to
	// this instance over [App.Connect]. The default is MaxInFlight; without that,
	// the server does not count, and 1,000 run at a time.
	// INNGEST_CONNECT_MAX_WORKER_CONCURRENCY.
	ConnectMaxWorkerConcurrency int

	// HTTPClient makes the requests to the Inngest server, and, without its proxy,
	// those of [App.CheckEndpoint]. Each has at most 30 s, whatever the client's own
	// timeout. The default is a client with connections of its own that
	// [App.Shutdown] closes. A panic of the client's transport, CheckRedirect or Jar is
	// an error of the request, and is logged.
	HTTPClient *http.Client
	// Logger is where the app logs. The default is slog.Default(). A panic of its handler
	// loses what was to be logged; standard error says so, once a minute at most.
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
	c.Path, c.ServePath = trimSlash(firstOf(c.Path, DefaultPath)), trimSlash(c.ServePath)
	if c.MaxBodyBytes == 0 {
		c.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if c.HTTPClient == nil {
		c.HTTPClient = httpclient.New()
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Logger = safe.Logger(c.Logger)
	c.HTTPClient = httpclient.Guard(c.HTTPClient, c.Logger,
		string(c.EventKey), url.PathEscape(string(c.EventKey)), string(c.SigningKey), signing.HashedKey(string(c.SigningKey)),
		string(c.SigningKeyFallback), signing.HashedKey(string(c.SigningKeyFallback)))
	return c, nil
}

// devEventKey is sent where no key is needed, since the path of the API has one.
const devEventKey = "NO_EVENT_KEY_SET"

func (c Config) eventKey() string {
	if c.EventKey == "" && c.Dev {
		return devEventKey
	}
	return string(c.EventKey)
}

// printable is a Config that fmt and encoding/json print field by field.
type printable Config

// printable is c without what must not be shown. The keys hide themselves.
func (c Config) printable() printable {
	for _, u := range []*string{&c.BaseURL, &c.APIBaseURL, &c.EventAPIBaseURL, &c.ServeHost} {
		*u = shownURL(*u)
	}
	return printable(c)
}

// String returns the fields for %v and the like, without keys and without the
// passwords in URLs.
func (c Config) String() string { return fmt.Sprintf("%+v", c.printable()) }

// GoString is String, for %#v.
func (c Config) GoString() string { return "inngestkit.Config" + c.String() }

// LogValue is String, for log/slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON is String, for encoding/json: an object of the fields, without
// HTTPClient and Logger. It is for people; no Config can be read from it.
func (c Config) MarshalJSON() ([]byte, error) {
	c.HTTPClient, c.Logger = nil, nil
	return json.Marshal(c.printable()) //nolint:musttag,staticcheck // documented names; HTTPClient is nil
}

// shownURL is a URL, or what somebody has taken for one, without what may be secret
// in it: its user's password, and a query.
func shownURL(s string) string {
	if !strings.ContainsAny(s, "@?#") {
		return s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "(not a URL)"
	}
	u.RawQuery, u.Fragment = "", ""
	return u.Redacted()
}

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
