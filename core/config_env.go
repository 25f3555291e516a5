package inngestkit

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/caarlos0/env/v11"
)

// environment is the variables that ConfigFromEnv reads.
type environment struct {
	AppID              string `env:"INNGEST_APP_ID"`
	Dev                string `env:"INNGEST_DEV"`
	SigningKey         string `env:"INNGEST_SIGNING_KEY"`
	SigningKeyFallback string `env:"INNGEST_SIGNING_KEY_FALLBACK"`
	EventKey           string `env:"INNGEST_EVENT_KEY"`
	Env                string `env:"INNGEST_ENV"`
	BaseURL            string `env:"INNGEST_BASE_URL"`
	APIBaseURL         string `env:"INNGEST_API_BASE_URL"`
	EventAPIBaseURL    string `env:"INNGEST_EVENT_API_BASE_URL"`
	ServeHost          string `env:"INNGEST_SERVE_HOST"`
	ServeOrigin        string `env:"INNGEST_SERVE_ORIGIN"`
	ServePath          string `env:"INNGEST_SERVE_PATH"`
	Port               string `env:"PORT"`
	UnauthedSync       string `env:"INNGEST_ENABLE_UNAUTHED_SYNC"`
}

// ConfigFromEnv reads the configuration from the environment; the fields of
// [Config] name their variables. INNGEST_DEV is 1 or true for dev mode, 0 or
// false for cloud mode, or the URL of a dev server; unset means cloud mode.
//
// It returns everything that cannot be read as one error that names the
// variables. What is missing is for [New] to say, because the program may set
// it first.
func ConfigFromEnv() (Config, error) {
	vars, err := env.ParseAs[environment]()
	if err != nil {
		return Config{}, fmt.Errorf("inngestkit: environment: %w", err)
	}
	c := Config{
		AppID:              vars.AppID,
		SigningKey:         Secret(vars.SigningKey),
		SigningKeyFallback: Secret(vars.SigningKeyFallback),
		EventKey:           Secret(vars.EventKey),
		Env:                vars.Env,
		APIBaseURL:         vars.APIBaseURL,
		EventAPIBaseURL:    vars.EventAPIBaseURL,
		ServeHost:          firstOf(vars.ServeHost, vars.ServeOrigin),
		ServePath:          vars.ServePath,
	}
	var errs []error
	refuse := func(variable, reason string) {
		errs = append(errs, fmt.Errorf("inngestkit: environment: %s %s", variable, reason))
	}
	if vars.ServeHost != "" && vars.ServeOrigin != "" && vars.ServeHost != vars.ServeOrigin {
		refuse("INNGEST_SERVE_HOST", "and INNGEST_SERVE_ORIGIN mean the same and differ; set one of them")
	}
	c.Dev, c.BaseURL = readDev(vars.Dev, vars.BaseURL, refuse)
	if vars.Port != "" {
		if c.ServePort, err = strconv.Atoi(vars.Port); err != nil {
			refuse("PORT", "is no number")
		}
	}
	if vars.UnauthedSync != "" {
		if c.AllowUnsignedSync, err = strconv.ParseBool(vars.UnauthedSync); err != nil {
			refuse("INNGEST_ENABLE_UNAUTHED_SYNC", "is neither true nor false")
		}
	}
	return c, errors.Join(errs...)
}

// readDev reads INNGEST_DEV: a truth value, or the URL of the dev server, which
// must not be at odds with INNGEST_BASE_URL.
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
