package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Config is the configuration of the program: the app's, and its own.
type Config struct {
	Inngest inngestkit.Config
	// MailPassword is MAIL_PASSWORD, the password for the mail server.
	MailPassword inngestkit.Secret
}

// LoadConfig looks everything up, once, and reports all mistakes together.
func LoadConfig(ctx context.Context, lookup inngestkit.Lookup) (Config, error) {
	app, err := inngestkit.ConfigFrom(ctx, lookup)
	password, mailErr := required(ctx, lookup, "MAIL_PASSWORD")
	if err := errors.Join(err, mailErr); err != nil {
		return Config{}, err
	}
	// What is the same everywhere is in the code, and takes precedence.
	app.AppID = "invoices"
	return Config{Inngest: app, MailPassword: password}, nil
}

// required looks up a variable of the program that must be set.
func required(ctx context.Context, lookup inngestkit.Lookup, variable string) (inngestkit.Secret, error) {
	value, _, err := lookup(ctx, variable)
	value = strings.TrimSpace(value) // files often end with a line break
	if err == nil && value == "" {
		err = errors.New("it is not set")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", variable, err)
	}
	return inngestkit.Secret(value), nil
}
