package inngestkit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/safe"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// Defaults of [Config].
const (
	// DefaultPath is the path at which adapters mount an app, relative to the router or
	// group.
	DefaultPath = "/api/inngest"
	// DefaultMaxBodyBytes is the default maximum size of a request body, twice what the
	// server sends: it leaves the steps out of requests above 4 MiB (MaxSDKRequestBodySize
	// in its source).
	DefaultMaxBodyBytes = 8 << 20
	// DefaultDevServerURL is the URL at which the Inngest dev server listens by default.
	DefaultDevServerURL = "http://127.0.0.1:8288"

	schemeHTTP  = "http"
	schemeHTTPS = "https"

	// maxMaxBodyBytes keeps sums of sizes from overflowing. Inngest sends far less.
	maxMaxBodyBytes = 1 << 30

	defaultAPIURL      = "https://api.inngest.com"
	defaultEventAPIURL = "https://inn.gs"
	defaultServePort   = 3000
)

// Config configures an [App]. The zero value of every field but AppID is usable.
// [ConfigFromEnv] fills the fields whose comment ends with variables from the
// environment, [ConfigFrom] from any other source.
type Config struct {
	// AppID is the ID of the app at the Inngest server, without double quotes and
	// backslashes. Required. INNGEST_APP_ID.
	AppID string
	// AppVersion is shown with the app in the Inngest UI. Optional.
	// INNGEST_APP_VERSION.
	AppVersion string
	// Platform names the hosting platform in the Inngest UI, as the SDKs do:
	// aws-<region>, vercel, netlify, cloudflare-pages, render or railway. Optional.
	// AWS_REGION, VERCEL, NETLIFY, CF_PAGES, RENDER or RAILWAY_ENVIRONMENT.
	Platform string

	// Dev turns on dev mode, for the Inngest dev server: calls need no signature, and
	// [App.Start] announces the app to the dev server. By default the app is in cloud mode
	// and only executes signed calls. Keys, URLs and NODE_ENV do not change the mode.
	// INNGEST_DEV.
	Dev bool

	// SigningKey verifies calls by the server and authenticates requests to its
	// API. Required in cloud mode. Keys of Inngest Cloud have at least 32 hexadecimal
	// digits; the app logs a warning about a shorter key of a self-hosted server.
	// INNGEST_SIGNING_KEY.
	SigningKey Secret
	// SigningKeyFallback is used where SigningKey fails, for key rotation.
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
	// APIBaseURL replaces BaseURL for everything except sending events: syncs,
	// signals, the state of large runs. INNGEST_API_BASE_URL.
	APIBaseURL string
	// EventAPIBaseURL replaces BaseURL for sending events.
	// INNGEST_EVENT_API_BASE_URL.
	EventAPIBaseURL string

	// Path is the path at which adapters mount the app, relative to the router or group;
	// / is the router or group itself. A trailing slash is removed: adapters serve both
	// forms. The default is [DefaultPath].
	Path string
	// ServeHost is where the server reaches this app: a host name, or a URL
	// without path such as https://shop.example.com. The default is the host of
	// the sync request, in cloud mode the one that the server has signed, and
	// localhost for [App.Start]. Set it in cloud mode. INNGEST_SERVE_HOST or
	// INNGEST_SERVE_ORIGIN.
	ServeHost string
	// ServePort is the port for a ServeHost that is only a host name, or for localhost.
	// By default [App.Start] finds the port on which the app listens. If it finds none,
	// and in [App.Sync], the port is 3000. ServePort is ignored if ServeHost is a URL or
	// has a port, since many platforms set its variable. PORT.
	ServePort int
	// ServePath is the path that is announced to the server, if a proxy, http.StripPrefix
	// or a sub-router makes it differ from the one at which the app is mounted. It has no
	// trailing slash and may have escapes such as %20. INNGEST_SERVE_PATH.
	ServePath string
	// TrustProxy takes the URL that a sync announces from the headers
	// X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Prefix, the first element
	// of each. Anyone can send these headers: set it only where a proxy in front of the
	// app overwrites them. ServeHost, ServePath and a URL signed by a server take
	// precedence. INNGEST_TRUST_PROXY.
	TrustProxy bool
	// AllowUnsignedSync lets anyone trigger a sync in cloud mode with an unsigned PUT,
	// which sends the functions to the server. It requires ServeHost, since the request's
	// host could be anything, and drops the request's query from the URL. Such syncs are
	// at least 5 s apart; earlier requests get status 429. The reason for a failure is
	// logged, and not sent in the response. INNGEST_ENABLE_UNAUTHED_SYNC.
	AllowUnsignedSync bool

	// MaxBodyBytes is the maximum size of a request body, in bytes. Larger bodies are
	// refused with status 413. The default is [DefaultMaxBodyBytes]. Bodies above 256 KiB
	// share 64 MiB until their signatures are verified, and wait for it.
	MaxBodyBytes int64
	// MaxInFlight bounds how many calls of functions run at once. Further calls wait, with
	// their bodies in memory. The default, 0, sets no bound.
	// INNGEST_MAX_IN_FLIGHT.
	MaxInFlight int

	// RefuseRoundedIntegers makes steps, functions and sends fail, without a retry, if
	// their data has an integer that the server would round: one above 2^53 that a float64
	// does not hold. By default the app logs one warning for each place. Both name the
	// field. Integers encoded as text are not rounded, for example in fields with the tag
	// json:",string".
	RefuseRoundedIntegers bool

	// ConnectInstanceID distinguishes this instance of the app from others in
	// [App.Connect]. It should stay the same across restarts. The default is the host name.
	ConnectInstanceID string
	// ConnectMaxWorkerConcurrency bounds how many calls at a time the server sends to this
	// instance over [App.Connect]. The default is MaxInFlight. If that is 0, the server
	// sets no bound, and at most 1,000 calls run at a time.
	// INNGEST_CONNECT_MAX_WORKER_CONCURRENCY.
	ConnectMaxWorkerConcurrency int

	// JSON encodes and decodes what is yours: the data of events, the results and inputs of
	// steps, the outputs of functions, signals. The default is encoding/json. Other encoders
	// and decoders of its kind fit as they are, such as sonic.ConfigStd. JSON must understand
	// the struct tags of encoding/json, and must not change the bytes that it decodes. Types
	// that encoding/json cannot encode or decode are refused nonetheless. [EventType.Decode]
	// and functions created with the SDK keep to encoding/json.
	JSON JSON

	// HTTPClient makes the requests to the Inngest server, and, without its proxy, those of
	// [App.CheckEndpoint]. Each request takes at most 30 s, regardless of the client's own
	// timeout. The default is a client with its own connections, which [App.Shutdown]
	// closes. A panic in the client's transport, CheckRedirect or Jar is logged and fails
	// the request.
	HTTPClient *http.Client
	// Logger receives the app's logs. The default is slog.Default(). If its handler panics,
	// the record is lost; standard error reports that at most once a minute.
	Logger *slog.Logger
}

// A JSON encodes and decodes values in place of encoding/json. It must be safe for concurrent
// use.
type JSON interface {
	// Marshal returns value as JSON, which shares no memory with value.
	Marshal(value any) ([]byte, error)
	// Unmarshal decodes data into what into points to, and keeps no part of data.
	Unmarshal(data []byte, into any) error
}

// printable is a Config without its methods, printed field by field.
type printable Config

// String returns the fields, without keys and without the passwords in URLs.
func (c Config) String() string { return fmt.Sprintf("%+v", c.printable()) }

// GoString returns the same as String, for %#v.
func (c Config) GoString() string { return "inngestkit.Config" + c.String() }

// Format implements [fmt.Formatter]. It prints the same as String, whatever the verb.
func (c Config) Format(state fmt.State, verb rune) {
	safe.Format(state, verb, c.String(), c.GoString())
}

// MarshalText returns the same as String, for YAML and other encodings than JSON.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue returns the same as String, for log/slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON returns an object of the fields without secrets, JSON, HTTPClient and Logger. It is
// for reading by people: a Config cannot be restored from it.
func (c Config) MarshalJSON() ([]byte, error) {
	c.JSON, c.HTTPClient, c.Logger = nil, nil, nil
	return json.Marshal(c.printable()) //nolint:musttag,staticcheck // documented names; HTTPClient is nil
}

// printable returns c without the passwords in its URLs. Keys hide themselves.
func (c Config) printable() printable {
	for _, u := range []*string{&c.BaseURL, &c.APIBaseURL, &c.EventAPIBaseURL, &c.ServeHost} {
		*u = shownURL(*u)
	}
	return printable(c)
}

// withDefaults returns c with every default filled in, or an error with all its mistakes.
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
	c.HTTPClient = httpclient.Guard(c.HTTPClient, c.Logger, c.secrets())
	return c, nil
}

// secrets returns what removes the secrets of c from text that others write.
func (c Config) secrets() *httpclient.Secrets {
	all := []string{string(c.EventKey)}
	for _, key := range []Secret{c.SigningKey, c.SigningKeyFallback} {
		for _, form := range []string{string(key), signing.HashedKey(string(key))} {
			all = append(all, form, signing.SecretPart(form))
		}
	}
	for _, u := range []string{c.BaseURL, c.APIBaseURL, c.EventAPIBaseURL} {
		all = append(all, httpclient.InURL(u)...)
	}
	return httpclient.NewSecrets(all...)
}

// devEventKey is sent where no key is needed, since the path of the API has one.
const devEventKey = "NO_EVENT_KEY_SET"

func (c Config) eventKey() string {
	if c.EventKey == "" && c.Dev {
		return devEventKey
	}
	return string(c.EventKey)
}

// shownURL returns a URL, or what was given as one, as [httpclient.ShownURL] does, and
// without its query, which may be secret.
func shownURL(s string) string {
	if !strings.ContainsAny(s, "@?#") {
		return s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "(not a URL)"
	}
	u.RawQuery, u.Fragment = "", ""
	return httpclient.ShownURL(u)
}

// Secret is a string that is not printed: fmt, log/slog and encoding/json show only
// whether it is set. In unexported fields of other structs, fmt prints it, because it cannot
// call methods there.
type Secret string

// String returns "(set)" or "".
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// GoString returns the same as String, for %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// Format implements [fmt.Formatter]. It prints the same as String, whatever the verb: for a
// verb that does not fit, such as %d, fmt would otherwise print the value itself.
func (s Secret) Format(state fmt.State, verb rune) {
	safe.Format(state, verb, s.String(), s.GoString())
}

// MarshalText returns the same as String, for JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns the same as String, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
