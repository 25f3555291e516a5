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

// Lookup returns the value of a variable such as INNGEST_SIGNING_KEY, and found
// false if there is none. Its error should not hold the value.
type Lookup func(ctx context.Context, variable string) (value string, found bool, err error)

// LookupEnv looks up variables in the environment.
func LookupEnv(_ context.Context, variable string) (value string, found bool, err error) {
	value, found = os.LookupEnv(variable)
	return value, found, nil
}

// FirstFound asks several lookups in turn. The first that has the variable
// decides, even if its value is empty.
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

// environment is the variables that a configuration is read from.
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

// ConfigFromEnv is [ConfigFrom] with the environment.
func ConfigFromEnv() (Config, error) { return ConfigFrom(context.Background(), LookupEnv) }

// ConfigFrom reads the configuration with lookup, from a secrets manager for
// example; the fields of [Config] name their variables. It asks for each
// variable once, one after the other. White space around values is dropped, as
// files with secrets often end with a line break, and an empty value counts as
// none.
//
// INNGEST_DEV is 1 or true for dev mode, 0 or false for cloud mode, or the URL
// of a dev server; unset means cloud mode.
//
// A value in quotes is refused: tools such as docker run --env-file keep the quotes of
// a file, and they would become part of the key or the host.
//
// It returns everything that cannot be read as one error that names the
// variables and shows no values. What is missing is for [New] to say, because
// the program may set it first.
func ConfigFrom(ctx context.Context, lookup Lookup) (Config, error) {
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

// guarded is the lookup with an error in place of a panic. What it panics with is not
// shown, unless it is Go's own: it may hold the value.
func (l Lookup) guarded(ctx context.Context, variable string) (value string, found bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the lookup panicked, with a %T that is not shown, since it may hold the value", r)
			if cause, ok := r.(runtime.Error); ok {
				err = fmt.Errorf("the lookup panicked: %w", cause)
			}
		}
	}()
	value, found, err = l(ctx, variable)
	return value, found, safe.Sound("the lookup", err)
}

// lookupAll looks up every variable, and goes on after an error: the others may
// have one, too.
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

// config is the configuration that the variables mean.
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

// readBool reads a switch; none is off.
func readBool(variable, value string, refuse func(variable, reason string)) bool {
	if value == "" {
		return false
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		refuse(variable, "is neither true nor false")
	}
	return on
}

// platform names the platform that sets these variables: the first three as the Go SDK
// does, the others as the JavaScript SDK does.
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

// readPort reads PORT; "" is 0, which means the default. Many platforms set it for every
// program, so it stops nobody whose ServeHost says the port.
func readPort(value, serveHost string, refuse func(variable, reason string)) int {
	if value == "" {
		return 0
	}
	port, err := strconv.Atoi(value)
	switch {
	case err == nil && isPort(port):
		return port
	case !namesPort(serveHost):
		refuse("PORT", "is not a port; write a whole number from 1 to 65535, without anything around it")
	}
	return 0
}

// readNumber reads a whole number of at least the given one; "" is 0, which means the
// default.
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

// readDev decides between dev and cloud mode. INNGEST_DEV is a truth value, or
// the URL of the dev server, which must not be at odds with INNGEST_BASE_URL.
func readDev(value, baseURL string, refuse func(variable, reason string)) (dev bool, base string) {
	if value == "" {
		return false, baseURL
	}
	if dev, err := strconv.ParseBool(value); err == nil {
		return dev, baseURL
	}
	if !isURL(value) {
		refuse("INNGEST_DEV", "is neither 1, 0, true, false nor the URL of a dev server")
		return false, baseURL
	}
	if baseURL != "" && trimURL(baseURL) != trimURL(value) {
		refuse("INNGEST_DEV", "and INNGEST_BASE_URL name different servers; set one of them")
	}
	return true, value
}
