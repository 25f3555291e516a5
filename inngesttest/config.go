package inngesttest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ServerConfig says how [StartServer] runs the Inngest server. The zero value
// is a dev server on a free port.
type ServerConfig struct {
	// Binary is the path of the server's executable. Default: what
	// [FindServer] finds.
	Binary string

	// Version is the version of the server to run, such as [OldestVersion], which
	// [BuildServer] builds, whatever the environment says. It excludes Binary.
	// Default: what [FindServer] finds.
	Version string

	// AppURLs are the serve URLs of the apps to sync, for example
	// http://127.0.0.1:3000/api/inngest. The server asks each for its functions
	// as it starts, and one that does not answer again every PollInterval, so an
	// app may come up later than the server.
	AppURLs []string

	// Port is the port of the server's API, on 127.0.0.1. Default: a free one.
	Port int

	// PollInterval is how often apps are asked for their functions; it is
	// rounded up to whole seconds. With the default, 0, an app is asked until it
	// has answered once, every second, and then left alone: it syncs itself when
	// its functions change. The self-hosted mode never asks an app again that
	// has answered.
	PollInterval time.Duration

	// RetryInterval is the time between the attempts of a failed function or
	// step, the same for each; it is rounded up to whole seconds. Default: the
	// server's own exponential back-off, which begins at about 10 s.
	RetryInterval time.Duration

	// Tick is how often the server looks for work in its queue, in whole
	// milliseconds. Default: the server's, 150 ms.
	Tick time.Duration

	// SigningKey, when set, selects the self-hosted mode (`inngest start`)
	// instead of dev mode: requests between the server and its apps are signed,
	// and the API asks for the key. It is hexadecimal with an even number of
	// digits; a prefix such as signkey-prod- is allowed. State is kept in SQLite
	// in a temporary directory.
	SigningKey string

	// EventKey is the key that events must be sent with. The self-hosted mode
	// requires one; dev mode takes any.
	EventKey string

	// Env are further environment variables for the server, KEY=value. It gets
	// no others from this process than PATH and the ones for time zone, TLS roots
	// and HTTP proxies, because every INNGEST_ variable is a setting to it.
	Env []string

	// Args are further arguments for the server's command.
	Args []string

	// Log receives the server's output, by whole lines, from one goroutine.
	// Default: it is only kept for [Server.Logs].
	Log io.Writer

	// Progress receives what [BuildServer] says when the server has to be built
	// first, and a warning, once in a process, about a version that inngestkit is
	// not tested on. Default: os.Stderr.
	Progress io.Writer
}

// selfHosted reports whether the configuration selects `inngest start`.
func (c *ServerConfig) selfHosted() bool { return c.SigningKey != "" }

func (c *ServerConfig) validate() error {
	var errs []error
	if c.Binary != "" && c.Version != "" {
		errs = append(errs, fmt.Errorf("ServerConfig.Binary is %q and ServerConfig.Version is %q; set one of them",
			c.Binary, c.Version))
	}
	if _, err := parseVersion(c.Version); err != nil {
		errs = append(errs, fmt.Errorf("ServerConfig.Version: %w", err))
	}
	if c.Port < 0 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("ServerConfig.Port is %d; it must be a TCP port, or 0 for a free one", c.Port))
	}
	for _, field := range []struct {
		name  string
		value time.Duration
	}{{"PollInterval", c.PollInterval}, {"RetryInterval", c.RetryInterval}, {"Tick", c.Tick}} {
		if field.value < 0 {
			errs = append(errs, fmt.Errorf("ServerConfig.%s is %s; it must not be negative", field.name, field.value))
		}
	}
	if 0 < c.Tick && c.Tick < time.Millisecond {
		errs = append(errs, fmt.Errorf("ServerConfig.Tick is %s; the least is 1ms", c.Tick))
	}
	if c.selfHosted() {
		// The messages leave the key out.
		if key, err := hex.DecodeString(bareKey(c.SigningKey)); err != nil || len(key) == 0 {
			errs = append(errs, errors.New("ServerConfig.SigningKey must be an even number of hexadecimal digits, "+
				"with or without a prefix such as signkey-prod-"))
		}
		if c.EventKey == "" {
			errs = append(errs, errors.New(
				"ServerConfig.EventKey is empty; the self-hosted mode, which SigningKey selects, requires one"))
		}
	}
	// The server splits the variable it reads the key from at commas, and takes
	// the key as one segment of a URL.
	if strings.ContainsAny(c.EventKey, ",/?#% ") {
		errs = append(errs, errors.New("ServerConfig.EventKey must not contain any of , / ? # % or a space"))
	}
	return errors.Join(errs...)
}

// args returns the command line. Keys are not on it, where every user of the
// machine could read them.
func (c *ServerConfig) args(state string, ports ports) []string {
	mode := []string{"dev", "--no-discovery"}
	if c.selfHosted() {
		mode = []string{"start", "--sqlite-dir", state}
	} else if c.PollInterval == 0 {
		mode = append(mode, "--no-poll")
	}
	args := append(mode,
		// Without a file of our own the server searches the parents of its
		// directory and the user's home for one.
		"--config", configFile(state),
		"--host", loopback,
		"--poll-interval", strconv.Itoa(max(1, wholeSeconds(c.PollInterval))),
	)
	args = append(args, ports.args()...)
	if c.RetryInterval > 0 {
		args = append(args, "--retry-interval", strconv.Itoa(wholeSeconds(c.RetryInterval)))
	}
	if c.Tick > 0 {
		args = append(args, "--tick", strconv.FormatInt(c.Tick.Milliseconds(), 10))
	}
	for _, appURL := range c.AppURLs {
		args = append(args, "--sdk-url", localhostURL(appURL))
	}
	return append(args, c.Args...)
}

// localhostURL is an app's URL as the server spells it. The server writes
// localhost for 127.0.0.1 when an app registers, but not when it makes the ID
// of an app it was told about; so the app would be there twice, once registered
// and once unreachable for good and asked anew again and again.
func localhostURL(appURL string) string {
	u, err := url.Parse(appURL)
	if err != nil || u.Port() == "" {
		return appURL
	}
	switch u.Hostname() {
	case loopback, "0.0.0.0":
		u.Host = "localhost:" + u.Port()
		return u.String()
	default:
		return appURL
	}
}

// inherited are the variables the server gets from this process. SystemRoot and
// PATHEXT are what Windows programs need to start at all.
var inherited = []string{
	"PATH", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "SystemRoot", "PATHEXT",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// surroundings is the environment of a server's process that keeps its files in
// the directory.
func surroundings(dir string) []string {
	env := []string{
		// Everything the server could write goes with the directory.
		"HOME=" + dir, "USERPROFILE=" + dir, "APPDATA=" + dir, "LOCALAPPDATA=" + dir,
		"TMPDIR=" + dir, "TMP=" + dir, "TEMP=" + dir,
		// Test runs should not count as usage, nor look for updates.
		"DO_NOT_TRACK=1",
	}
	for _, key := range inherited {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	return env
}

// env returns the server's environment. The identity is a further event key.
func (c *ServerConfig) env(state, identity string) []string {
	env := surroundings(state)
	if c.selfHosted() {
		// The server wants an even number of characters in the key as a whole, which
		// a key with the usual prefixes does not have; it drops the prefix anyway
		// where it uses the key.
		env = append(env, "INNGEST_SIGNING_KEY="+bareKey(c.SigningKey), "INNGEST_EVENT_KEY="+c.EventKey+","+identity)
	}
	return append(env, c.Env...)
}

// secrets returns what must not show in logs.
func (c *ServerConfig) secrets() []string {
	if !c.selfHosted() {
		return nil
	}
	return []string{bareKey(c.SigningKey), hashedKey(c.SigningKey), c.EventKey}
}

// wholeSeconds rounds up, as rounding down could give 0, which the server reads
// as "not set".
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

var keyPrefix = regexp.MustCompile(`^signkey-\w+-`)

// bareKey is a signing key without its human-readable prefix.
func bareKey(key string) string { return keyPrefix.ReplaceAllString(key, "") }

// hashedKey is the form of a signing key that authorizes API calls: the SHA-256
// of its bytes.
func hashedKey(key string) string {
	raw, err := hex.DecodeString(bareKey(key))
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
