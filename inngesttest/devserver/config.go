package devserver

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

// Config configures the Inngest server for [Start]. The zero value means
// a dev server on a free port.
type Config struct { //nolint:recvcheck // values are printed, too
	// Binary is the path of the server's executable. Default: what
	// [Find] finds.
	Binary string

	// Version is the version of the server to run, such as [OldestVersion].
	// [Build] builds it. It overrides the environment, and cannot be combined
	// with Binary. Default: what [Find] finds.
	Version string

	// AppURLs are the serve URLs of the apps to sync, for example
	// http://127.0.0.1:3000/api/inngest. The server requests the functions of each
	// app when it starts, and again every PollInterval if the app does not respond,
	// so an app may start after the server.
	AppURLs []string

	// Port is the port of the server's API, on 127.0.0.1. Default: a free port.
	Port int

	// PollInterval is how often the server requests the functions of apps, rounded up
	// to whole seconds. With the default, 0, the server polls an app every second
	// until it has responded once; after that, the app syncs itself when its
	// functions change. The self-hosted mode never polls an app again that has
	// responded.
	PollInterval time.Duration

	// RetryInterval is the constant time between the attempts of a function or step,
	// rounded up to whole seconds. Default: the server's exponential back-off, which
	// starts at about 10 s.
	RetryInterval time.Duration

	// Tick is how often the server polls its queue, in whole milliseconds. Default:
	// the server's, 150 ms.
	Tick time.Duration

	// SigningKey, when set, selects the self-hosted mode (`inngest start`) instead of
	// dev mode: requests between the server and its apps are signed, and the API
	// requires the key. It is hexadecimal with an even number of digits; a prefix
	// such as signkey-prod- is allowed. Its database is SQLite, in a temporary
	// directory or in StateDir, unless Args or Env name another one.
	SigningKey string

	// EventKey is the key for sending events. The self-hosted mode requires one; dev
	// mode accepts any.
	EventKey string

	// StateDir is the directory for the server's database. It is created if missing and
	// never deleted, and only one server at a time can use it. A server that starts with
	// the StateDir (and the Port) of one that has ended still has its apps, functions and
	// the history of its runs.
	//
	// The database does not have the queue and the state of runs, which the server keeps in
	// memory: without --redis-uri in Args, every run that has not ended is lost with the
	// server, stopped or killed, and stays [RunRunning] forever. With --redis-uri and
	// --postgres-uri in Args, all state is there, and StateDir only says that it is kept.
	//
	// In dev mode StateDir requires a server that has the flag --persist, from v1.15.0 on.
	// Default: the state is deleted when the server ends.
	StateDir string

	// Env are further environment variables for the server, KEY=value. From this
	// process it inherits only PATH and the variables for time zone, TLS roots and
	// HTTP proxies, because every INNGEST_ variable configures it.
	Env []string

	// Args are further arguments for the server's command.
	Args []string

	// Log receives the server's output, in whole lines, from one goroutine. Default:
	// only [Server.Logs] has it.
	Log io.Writer

	// Progress receives the progress of [Build] if the server must be built,
	// and a warning once per process about an untested version. Default: os.Stderr.
	Progress io.Writer
}

// selfHosted reports whether the configuration selects `inngest start`.
func (c *Config) selfHosted() bool { return c.SigningKey != "" }

func (c *Config) validate() error {
	var errs []error
	if c.Binary != "" && c.Version != "" {
		errs = append(errs, fmt.Errorf("Config.Binary is %q and Config.Version is %q; set one of them",
			c.Binary, c.Version))
	}
	if _, err := parseVersion(c.Version); err != nil {
		errs = append(errs, fmt.Errorf("Config.Version: %w", err))
	}
	if c.Port < 0 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("Config.Port is %d; it must be a TCP port, or 0 for a free one", c.Port))
	}
	for _, field := range []struct {
		name  string
		value time.Duration
	}{{"Config.PollInterval", c.PollInterval}, {"Config.RetryInterval", c.RetryInterval}, {"Config.Tick", c.Tick}} {
		if field.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %s; it must not be negative", field.name, field.value))
		}
	}
	if 0 < c.Tick && c.Tick < time.Millisecond {
		errs = append(errs, fmt.Errorf("Config.Tick is %s; the least is 1ms", c.Tick))
	}
	if c.selfHosted() {
		// The messages omit the key.
		if key, err := hex.DecodeString(bareKey(c.SigningKey)); err != nil || len(key) == 0 {
			errs = append(errs, errors.New("Config.SigningKey must be an even number of hexadecimal digits, "+
				"with or without a prefix such as signkey-prod-"))
		}
		if c.EventKey == "" {
			errs = append(errs, errors.New(
				"Config.EventKey is empty; the self-hosted mode, which SigningKey selects, requires one"))
		}
	}
	// The server splits the variable with the key at commas, and expects the key as
	// one segment of a URL.
	if strings.ContainsAny(c.EventKey, ",/?#% ") {
		errs = append(errs, errors.New("Config.EventKey must not contain any of , / ? # % or a space"))
	}
	return errors.Join(errs...)
}

// args returns the command line, without keys, because every user of the machine
// could read them there.
func (c *Config) args(state string, ports ports) []string {
	mode := []string{"dev", "--no-discovery"}
	if c.selfHosted() {
		mode = []string{"start"}
	} else if c.PollInterval == 0 {
		mode = append(mode, "--no-poll")
	}
	switch {
	case c.StateDir != "" && !c.selfHosted():
		mode = append(mode, persistFlag, "--sqlite-dir", c.StateDir)
	case c.StateDir != "":
		mode = append(mode, "--sqlite-dir", c.StateDir)
	case c.selfHosted():
		mode = append(mode, "--sqlite-dir", state)
	}
	args := append(mode,
		// Without our own file, the server searches the parents of its directory and
		// the user's home for one.
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

// localhostURL returns an app's URL in the server's spelling. The server replaces
// 127.0.0.1 with localhost when an app registers, but not when it computes the ID of
// a configured app. The app would exist twice, once registered and once unreachable
// and polled forever.
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

// inherited lists the variables that the server gets from this process. Windows
// programs do not start without SystemRoot and PATHEXT.
var inherited = []string{
	"PATH", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "SystemRoot", "PATHEXT",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// surroundings returns the environment of a server's process that keeps its files in
// dir.
func surroundings(dir string) []string {
	env := []string{
		// Everything the server writes is deleted with the directory.
		"HOME=" + dir, "USERPROFILE=" + dir, "APPDATA=" + dir, "LOCALAPPDATA=" + dir,
		"TMPDIR=" + dir, "TMP=" + dir, "TEMP=" + dir,
		// Test runs do not count as usage, and do not check for updates.
		"DO_NOT_TRACK=1",
	}
	for _, key := range inherited {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	return env
}

// env returns the server's environment. The identity is an additional event key.
func (c *Config) env(state, identity string) []string {
	env := surroundings(state)
	if c.selfHosted() {
		// The server wants an even number of characters in the key as a whole, which
		// a key with the usual prefixes does not have; it drops the prefix anyway
		// where it uses the key.
		env = append(env, "INNGEST_SIGNING_KEY="+bareKey(c.SigningKey), "INNGEST_EVENT_KEY="+c.EventKey+","+identity)
	}
	return append(env, c.Env...)
}

// secrets returns the keys, which must not appear in logs.
func (c *Config) secrets() []string {
	if !c.selfHosted() {
		return nil
	}
	return []string{bareKey(c.SigningKey), hashedKey(c.SigningKey), c.EventKey}
}

// wholeSeconds rounds up. Rounding down could return 0, which the server treats as
// not set.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

var keyPrefix = regexp.MustCompile(`^signkey-\w+-`)

// bareKey returns a signing key without its prefix.
func bareKey(key string) string { return keyPrefix.ReplaceAllString(key, "") }

// hashedKey returns the SHA-256 of a signing key's bytes, which authorizes API calls.
func hashedKey(key string) string {
	raw, err := hex.DecodeString(bareKey(key))
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
