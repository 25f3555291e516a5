package inngestkit

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

// configFromClient is the configuration of a client of the SDK, with what its
// options do not say from the environment.
func configFromClient(client inngestgo.Client) (Config, error) {
	c, err := ConfigFromEnv()
	if err != nil {
		return c, err
	}
	options := client.Options()
	c.AppID = client.AppID()
	if options.Dev != nil && *options.Dev != c.Dev {
		if c.Dev {
			// INNGEST_DEV may have been the URL of a server that is not meant then.
			c.BaseURL = os.Getenv("INNGEST_BASE_URL")
		}
		c.Dev = *options.Dev
	}
	override(&c.AppVersion, options.AppVersion)
	override(&c.SigningKey, (*Secret)(options.SigningKey))
	override(&c.SigningKeyFallback, (*Secret)(options.SigningKeyFallback))
	override(&c.EventKey, (*Secret)(options.EventKey))
	override(&c.Env, options.Env)
	override(&c.APIBaseURL, options.APIBaseURL)
	override(&c.EventAPIBaseURL, options.EventAPIBaseURL)
	if options.RegisterURL != nil {
		base, ok := strings.CutSuffix(*options.RegisterURL, inngestapi.RegisterPath)
		if !ok || (options.APIBaseURL != nil && trimURL(*options.APIBaseURL) != base) {
			return c, errors.New("inngestkit: from client: the client's RegisterURL is not " + inngestapi.RegisterPath +
				" of its APIBaseURL; set APIBaseURL to the server's URL, and RegisterURL not at all")
		}
		c.APIBaseURL = base
	}
	if u := options.URL; u != nil {
		c.ServeHost = u.Scheme + "://" + u.Host
		if u.Path != "" && u.Path != "/" {
			c.ServePath = u.Path
		}
	}
	if options.MaxBodySize > 0 {
		c.MaxBodyBytes = int64(options.MaxBodySize)
	}
	// Without a client the SDK fills in the default one, which has no timeout.
	if options.HTTPClient != http.DefaultClient {
		c.HTTPClient = options.HTTPClient
	}
	if !isSDKDefault(options.Logger) {
		c.Logger = options.Logger
	}
	return c, nil
}

// isSDKDefault reports whether a logger is the one that the SDK fills in, which writes
// colours for a terminal, into files too. It is known by a function of the SDK's that it
// has been given.
func isSDKDefault(l *slog.Logger) bool {
	handler := reflect.Indirect(reflect.ValueOf(l.Handler()))
	if handler.Kind() != reflect.Struct {
		return false
	}
	replace := handler.FieldByName("replaceAttr")
	if replace.Kind() != reflect.Func || replace.IsNil() {
		return false
	}
	made := runtime.FuncForPC(replace.Pointer())
	return made != nil && strings.HasPrefix(made.Name(), "github.com/inngest/inngestgo/")
}

// checkAdopted refuses what [App.Register] refuses about triggers: the server would
// refuse the sync of the whole app. A function without triggers can be invoked.
func checkAdopted(from []inngestgo.Trigger) error {
	var errs []error
	refuse := func(field string, value any, reason string, args ...any) {
		errs = append(errs, fmt.Errorf("%s %#v %s", field, value, fmt.Sprintf(reason, args...)))
	}
	triggers := make([]trigger, 0, len(from))
	for _, t := range from {
		switch {
		case t.CronTrigger != nil:
			// The jitter makes no other schedule of it. The server takes its own time
			// zone, as the SDK does.
			schedule := strings.Replace(t.Cron, "TZ=Local ", "TZ=UTC ", 1)
			triggers = append(triggers, trigger{cron: schedule, isCron: true})
			if t.Jitter == nil {
				continue
			}
			if jitter, err := time.ParseDuration(*t.Jitter); err == nil { // others are for the server to read
				checkJitter(jitter, refuse)
			}
		case t.EventTrigger != nil:
			triggers = append(triggers, trigger{event: t.Event, expression: t.Expression})
		default:
			triggers = append(triggers, trigger{})
		}
	}
	if len(triggers) > 0 {
		checkTriggers(triggers, refuse)
		checkTwice(triggers, refuse)
	}
	return errors.Join(errs...)
}

// override sets a field that the options name.
func override[T any](field, option *T) {
	if option != nil {
		*field = *option
	}
}
