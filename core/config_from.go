package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// Lookup returns the value of a variable such as INNGEST_SIGNING_KEY; found is false if the
// variable is not set. The error must not contain the value, because it may be logged.
type Lookup func(ctx context.Context, variable string) (value string, found bool, err error)

// LookupEnv looks up variables in the environment.
func LookupEnv(_ context.Context, variable string) (value string, found bool, err error) {
	value, found = os.LookupEnv(variable)
	return value, found, nil
}

// FirstFound returns a lookup that calls lookups in order and returns the value of the
// first that has the variable, even if the value is empty.
func FirstFound(lookups ...Lookup) Lookup {
	return func(ctx context.Context, variable string) (value string, found bool, err error) {
		for _, lookup := range lookups {
			if value, found, err = lookup(ctx, variable); found || err != nil {
				return value, found, err
			}
		}
		return "", false, nil
	}
}

// environment has the variables from which a configuration is read.
type environment struct {
	AppID                       string `env:"INNGEST_APP_ID"`
	AppVersion                  string `env:"INNGEST_APP_VERSION"`
	Dev                         string `env:"INNGEST_DEV"`
	SigningKey                  string `env:"INNGEST_SIGNING_KEY"`
	SigningKeyFallback          string `env:"INNGEST_SIGNING_KEY_FALLBACK"`
	EventKey                    string `env:"INNGEST_EVENT_KEY"`
	Env                         string `env:"INNGEST_ENV"`
	BaseURL                     string `env:"INNGEST_BASE_URL"`
	APIBaseURL                  string `env:"INNGEST_API_BASE_URL"`
	EventAPIBaseURL             string `env:"INNGEST_EVENT_API_BASE_URL"`
	ServeHost                   string `env:"INNGEST_SERVE_HOST"`
	ServeOrigin                 string `env:"INNGEST_SERVE_ORIGIN"`
	ServePath                   string `env:"INNGEST_SERVE_PATH"`
	Port                        string `env:"PORT"`
	TrustProxy                  string `env:"INNGEST_TRUST_PROXY"`
	UnauthedSync                string `env:"INNGEST_ENABLE_UNAUTHED_SYNC"`
	MaxInFlight                 string `env:"INNGEST_MAX_IN_FLIGHT"`
	ConnectMaxWorkerConcurrency string `env:"INNGEST_CONNECT_MAX_WORKER_CONCURRENCY"`
	AWSRegion                   string `env:"AWS_REGION"`
	Vercel                      string `env:"VERCEL"`
	Netlify                     string `env:"NETLIFY"`
	CloudflarePages             string `env:"CF_PAGES"`
	Render                      string `env:"RENDER"`
	Railway                     string `env:"RAILWAY_ENVIRONMENT"`
}

// ConfigFromEnv reads the configuration from the environment, as [ConfigFrom] does with
// [LookupEnv].
func ConfigFromEnv() (Config, error) { return ConfigFrom(context.Background(), LookupEnv) }

// ConfigFrom reads the configuration with lookup, for example from a secrets manager. The
// comments of the fields of [Config] name the variables. lookup is called once for each
// variable, one after another. ConfigFrom removes white space around values, because
// files with secrets often end with a line break, and treats an empty value as unset.
//
// INNGEST_DEV is 1 or true for dev mode, 0 or false for cloud mode, or the URL
// of a dev server; unset means cloud mode.
//
// A value in quotes is refused: tools such as docker run --env-file keep the quotes of
// a file, and they would become part of the key or the host.
//
// The error lists all variables that cannot be read, without their values. ConfigFrom does
// not check that required fields are set, because the program may set them afterwards:
// [New] does.
func ConfigFrom(ctx context.Context, lookup Lookup) (Config, error) {
	if lookup == nil {
		return Config{}, errors.New("inngestkit: environment: the lookup is nil; use LookupEnv for the environment")
	}
	values, err := lookupAll(ctx, lookup)
	if err != nil {
		return Config{}, err
	}
	vars, err := env.ParseAsWithOptions[environment](env.Options{Environment: values})
	if err != nil {
		return Config{}, fmt.Errorf("inngestkit: environment: %w", err)
	}
	return vars.config()
}

// guarded calls the lookup and turns a panic into an error. The error shows the value of the
// panic only if it is a runtime error, because others may contain the variable's value.
func (l Lookup) guarded(ctx context.Context, variable string) (value string, found bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the lookup panicked with a %T, which is not shown because it may contain the value", r)
			if cause, ok := r.(runtime.Error); ok {
				err = fmt.Errorf("the lookup panicked: %w", cause)
			}
		}
	}()
	value, found, err = l(ctx, variable)
	return value, found, safe.Sound("the lookup", err)
}

// lookupAll looks up every variable and returns all errors, joined.
func lookupAll(ctx context.Context, lookup Lookup) (map[string]string, error) {
	variables, err := env.GetFieldParams(&environment{})
	if err != nil {
		return nil, fmt.Errorf("inngestkit: environment: %w", err)
	}
	values := make(map[string]string, len(variables))
	var errs []error
	for _, variable := range variables {
		if ctx.Err() != nil {
			errs = append(errs, fmt.Errorf("inngestkit: environment: %s was not looked up: %w", variable.Key, ctxerr.Cause(ctx)))
			break
		}
		value, found, err := lookup.guarded(ctx, variable.Key)
		if err != nil {
			errs = append(errs, fmt.Errorf("inngestkit: environment: %s: %w", variable.Key, err))
			continue
		}
		if !found {
			continue
		}
		if value = strings.TrimSpace(value); isQuoted(value) {
			errs = append(errs, fmt.Errorf("inngestkit: environment: %s is in quotes, which would become part of the value; "+
				"remove them (docker run --env-file keeps the quotes of a file)", variable.Key))
			continue
		}
		values[variable.Key] = value
	}
	return values, errors.Join(errs...)
}

// isQuoted reports whether a value begins and ends with the same quote.
func isQuoted(value string) bool {
	last := len(value) - 1
	return last > 0 && value[0] == value[last] && strings.ContainsRune("\"'`", rune(value[0]))
}

// config returns the configuration that the variables define, or all mistakes, joined.
func (vars environment) config() (Config, error) {
	var errs []error
	refuse := func(variable, reason string) {
		errs = append(errs, fmt.Errorf("inngestkit: environment: %s %s", variable, reason))
	}
	if vars.ServeHost != "" && vars.ServeOrigin != "" && trimURL(vars.ServeHost) != trimURL(vars.ServeOrigin) {
		refuse("INNGEST_SERVE_HOST", "and INNGEST_SERVE_ORIGIN mean the same and differ; set one of them")
	}
	serveHost := firstOf(vars.ServeHost, vars.ServeOrigin)
	c := Config{
		AppID:              vars.AppID,
		AppVersion:         vars.AppVersion,
		Platform:           vars.platform(),
		SigningKey:         Secret(vars.SigningKey),
		SigningKeyFallback: Secret(vars.SigningKeyFallback),
		EventKey:           Secret(vars.EventKey),
		Env:                vars.Env,
		APIBaseURL:         vars.APIBaseURL,
		EventAPIBaseURL:    vars.EventAPIBaseURL,
		ServeHost:          serveHost,
		ServePath:          vars.ServePath,
		TrustProxy:         readBool("INNGEST_TRUST_PROXY", vars.TrustProxy, refuse),
		AllowUnsignedSync:  readBool("INNGEST_ENABLE_UNAUTHED_SYNC", vars.UnauthedSync, refuse),
		ServePort:          readPort(vars.Port, serveHost, refuse),
		MaxInFlight:        readNumber("INNGEST_MAX_IN_FLIGHT", vars.MaxInFlight, 0, refuse),
		ConnectMaxWorkerConcurrency: readNumber(
			"INNGEST_CONNECT_MAX_WORKER_CONCURRENCY", vars.ConnectMaxWorkerConcurrency, 0, refuse),
	}
	c.Dev, c.BaseURL = readDev(vars.Dev, vars.BaseURL, refuse)
	return c, errors.Join(errs...)
}

// readBool reads a switch. An empty value is false.
func readBool(variable, value string, refuse func(variable, reason string)) bool {
	if value == "" {
		return false
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		refuse(variable, "must be true or false")
	}
	return on
}

// platform returns the name of the hosting platform: the first three are those of the Go
// SDK, the others those of the JavaScript SDK.
func (vars environment) platform() string {
	switch {
	case vars.AWSRegion != "":
		return "aws-" + vars.AWSRegion
	case vars.Vercel != "":
		return "vercel"
	case vars.Netlify != "":
		return "netlify"
	case vars.CloudflarePages == "1":
		return "cloudflare-pages"
	case vars.Render == "true":
		return "render"
	case vars.Railway != "":
		return "railway"
	default:
		return ""
	}
}

// readPort reads PORT. An empty value is 0, which means the default. Many platforms set PORT
// for every program, so a malformed one is ignored if ServeHost determines the port.
func readPort(value, serveHost string, refuse func(variable, reason string)) int {
	if value == "" {
		return 0
	}
	port, err := strconv.Atoi(value)
	switch {
	case err == nil && isPort(port):
		return port
	case !namesPort(serveHost):
		refuse("PORT", "is not a port; it must be a whole number from 1 to 65535")
	}
	return 0
}

// readNumber reads a whole number that is at least least. An empty value is 0, which means
// the default.
func readNumber(variable, value string, least int, refuse func(variable, reason string)) int {
	if value == "" {
		return 0
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least {
		refuse(variable, fmt.Sprintf("must be a whole number of at least %d", least))
		return 0
	}
	return n
}

// readDev reads INNGEST_DEV, a boolean or the URL of a dev server. It returns whether the
// app is in dev mode, and the URL of the server. A URL must not contradict INNGEST_BASE_URL.
func readDev(value, baseURL string, refuse func(variable, reason string)) (dev bool, base string) {
	if value == "" {
		return false, baseURL
	}
	if dev, err := strconv.ParseBool(value); err == nil {
		return dev, baseURL
	}
	if !isURL(value) {
		refuse("INNGEST_DEV", "must be 1, 0, true, false or the URL of a dev server")
		return false, baseURL
	}
	if baseURL != "" && trimURL(baseURL) != trimURL(value) {
		refuse("INNGEST_DEV", "and INNGEST_BASE_URL name different servers; set one of them")
	}
	return true, value
}
