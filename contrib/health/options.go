package inngesthealth

import (
	"context"
	"errors"
	"fmt"
	pathpkg "path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// Defaults of the options.
const (
	// DefaultPath is the path of the report, below the app's router.
	DefaultPath = "/health/inngest"
	// DefaultLiveness and DefaultReadiness are the names of the probes below the
	// report's path. The Kubernetes API server uses the same names.
	DefaultLiveness  = "livez"
	DefaultReadiness = "readyz"
	// DefaultInterval is the time from the end of a check to its next run. The
	// kubelet's probes have the same default (periodSeconds).
	DefaultInterval = 10 * time.Second
	// DefaultTimeout is the maximum duration of a check.
	DefaultTimeout = 5 * time.Second
	// DefaultMemoryThreshold is the percentage of the memory limit from which the
	// memory is reported as down. It is high because a process may use its limit.
	DefaultMemoryThreshold = 95
	// DefaultFailureThreshold is the share of failed runs that makes a function
	// unhealthy, if at least DefaultFailureRuns ended within DefaultFailureWindow.
	DefaultFailureThreshold = 0.5
	DefaultFailureRuns      = 5
	DefaultFailureWindow    = 5 * time.Minute
)

// An Option configures [Install].
type Option interface{ apply(c *config) }

type option func(c *config)

func (o option) apply(c *config) { o(c) }

type config struct {
	noRoutes      bool
	path          string
	livenessName  string
	readinessName string

	details    DetailsMode
	authorized func(ctx context.Context, req *adapter.Request) bool
	basicAuth  bool // authorized asks for a password

	checks          []Check
	interval        time.Duration
	serverCheck     bool
	syncRequired    bool
	memoryThreshold float64
	failures        failurePolicy

	errs []error
}

func (c *config) refusef(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("inngesthealth: "+format, args...))
}

func newConfig(app *inngestkit.App, options []Option) (*config, error) {
	c := &config{
		path: DefaultPath, livenessName: DefaultLiveness, readinessName: DefaultReadiness,
		interval:        DefaultInterval,
		memoryThreshold: DefaultMemoryThreshold,
		failures:        failurePolicy{rate: DefaultFailureThreshold, runs: DefaultFailureRuns, window: DefaultFailureWindow},
	}
	for _, o := range options {
		if o != nil {
			o.apply(c)
		}
	}
	if c.livenessName == c.readinessName {
		c.refusef("WithProbes(%q, %q): the names must differ", c.livenessName, c.readinessName)
	}
	if c.details == 0 {
		c.details = DetailsNever
		if app.Dev() || c.authorized != nil {
			c.details = DetailsOnQuery
		}
	}
	if c.serverCheck {
		c.checks = append([]Check{{Name: ServerIndicator, Run: app.Ping}}, c.checks...)
	}
	c.checkChecks()
	return c, errors.Join(c.errs...)
}

// WithPath sets the path of the report, below the router or group of the app. "/" is
// the router's own path. A trailing slash is ignored. The probes are below this path.
// The default is [DefaultPath].
func WithPath(path string) Option {
	return option(func(c *config) {
		c.path = strings.TrimSuffix(path, "/")
		if !strings.HasPrefix(path, "/") || pathpkg.Clean(path) != "/"+strings.TrimPrefix(c.path, "/") ||
			strings.Contains(path, "//") || strings.ContainsAny(path, notInPaths) {
			c.refusef("WithPath: %q is not a valid path; use one such as %q, without ., .., // and any of %s",
				path, DefaultPath, notInPaths)
		}
	})
}

// notInPaths lists the characters that have a meaning to a router or in a URL.
const notInPaths = `:*+{}%?#\`

// WithoutRoutes prevents adapters from mounting the endpoints. Use it to serve
// [Health.Handler], [Health.LiveHandler] and [Health.ReadyHandler] elsewhere, for
// example on another port.
func WithoutRoutes() Option {
	return option(func(c *config) { c.noRoutes = true })
}

// WithProbes sets the names of the probes below the report's path. The defaults are
// [DefaultLiveness] and [DefaultReadiness].
func WithProbes(liveness, readiness string) Option {
	return option(func(c *config) {
		for _, name := range []string{liveness, readiness} {
			if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/"+notInPaths) {
				c.refusef("WithProbes: %q is not a valid name; use one path element, such as %q",
					name, DefaultReadiness)
			}
		}
		c.livenessName, c.readinessName = liveness, readiness
	})
}

// DetailsMode determines which reports include [Details]; see [WithDetails].
type DetailsMode int

// The modes of [WithDetails].
const (
	// DetailsOnQuery includes details for ?details=true.
	DetailsOnQuery DetailsMode = iota + 1
	// DetailsAlways includes details in every report, regardless of the query.
	DetailsAlways
	// DetailsNever includes details in no report, regardless of the query.
	DetailsNever
)

// WithDetails sets when reports include [Details]: IDs of functions, how often they run
// and fail, and memory. The default is DetailsOnQuery in dev mode, with
// [WithAuthorization] or with [WithBasicAuth], and DetailsNever otherwise.
func WithDetails(mode DetailsMode) Option {
	return option(func(c *config) {
		if mode < DetailsOnQuery || mode > DetailsNever {
			c.refusef("WithDetails(%d): the mode must be DetailsOnQuery, DetailsAlways or DetailsNever", mode)
		}
		c.details = mode
	})
}

// WithAuthorization shows details only for requests for which authorized returns true.
// ctx has the values that the framework's middleware has stored for the request. Other
// requests get the report without details, or 403 if the query requests them.
// authorized must not change the request. If it panics, access is denied.
func WithAuthorization(authorized func(ctx context.Context, req *adapter.Request) bool) Option {
	return option(func(c *config) {
		if authorized == nil {
			c.refusef("WithAuthorization: the function is nil")
		}
		c.authorized, c.basicAuth = authorized, false
	})
}

// WithBasicAuth shows details only for requests with this name and password, by HTTP
// Basic authentication; use TLS. Other requests get the report without details, or 401
// if the query requests them, and browsers then prompt for the password. WithBasicAuth
// and [WithAuthorization] replace each other.
func WithBasicAuth(username, password string) Option {
	return option(func(c *config) {
		if username == "" || password == "" {
			c.refusef("WithBasicAuth: the name or the password is empty; is a variable not set?")
		}
		c.authorized, c.basicAuth = checkPassword(username, password), true
	})
}

// WithChecks adds the program's own checks, for example of its database, to the report
// and to readiness.
func WithChecks(checks ...Check) Option {
	return option(func(c *config) { c.checks = append(c.checks, checks...) })
}

// WithServerCheck adds a check that the Inngest server responds ([inngestkit.App.Ping],
// which sends no event), to the report and to readiness. While Inngest is unreachable,
// all instances of the program are unready, even for other requests that they could
// serve.
func WithServerCheck() Option {
	return option(func(c *config) { c.serverCheck = true })
}

// WithInterval sets the time from the end of a check to its next run, for
// [WithServerCheck] and for checks of [WithChecks] without an Interval. It must be
// positive; the default is [DefaultInterval]. A load balancer notices a change after
// this time plus its own interval.
func WithInterval(interval time.Duration) Option {
	return option(func(c *config) {
		if interval <= 0 {
			c.refusef("WithInterval(%s): the time between two runs of a check must be positive", interval)
		}
		c.interval = interval
	})
}

// WithSyncRequired makes the app unready until this process has synced it, and again
// when functions were registered since. Use it for apps that sync themselves: with
// App.Start in dev mode, App.Sync, or App.Connect. Do not use it if a deployment
// triggers the sync: the sync reaches only one instance, through a load balancer that
// waits until all instances are ready.
func WithSyncRequired() Option {
	return option(func(c *config) { c.syncRequired = true })
}

// WithMemoryThreshold sets the percentage of the memory limit, 0 to 100, from which the
// report has the memory as down. It does not affect readiness. The default is
// [DefaultMemoryThreshold]; 0 disables it.
func WithMemoryThreshold(percentage float64) Option {
	return option(func(c *config) {
		if !(percentage >= 0 && percentage <= 100) { // also rejects NaN
			c.refusef("WithMemoryThreshold(%v): the percentage must be from 0 (no threshold) to 100", percentage)
		}
		c.memoryThreshold = percentage
	})
}

// WithFailureThreshold sets when a function is [Unhealthy]: when at least the share
// rate of its runs, from 0 to 1, has failed, and at least the given number of runs
// ended within the window. With the same values for attempts instead of runs it is
// [Degraded]. The report is down while a function is unhealthy; readiness is not
// affected. The defaults are [DefaultFailureThreshold], [DefaultFailureRuns] and
// [DefaultFailureWindow]. With a rate of 0, functions are always healthy.
func WithFailureThreshold(rate float64, runs int, window time.Duration) Option {
	return option(func(c *config) {
		if !(rate >= 0 && rate <= 1) { // also rejects NaN
			c.refusef("WithFailureThreshold: the rate is %v; it must be from 0 (no threshold) to 1", rate)
		}
		if runs < 1 {
			c.refusef("WithFailureThreshold: the number of runs is %d; it must be at least 1", runs)
		}
		if window < windowSlots*time.Millisecond {
			c.refusef("WithFailureThreshold: the window is %s; it must be at least %s", window, windowSlots*time.Millisecond)
		}
		c.failures = failurePolicy{rate, runs, window}
	})
}

// checkChecks validates the checks and sets their defaults.
func (c *config) checkChecks() {
	taken := map[string]bool{InngestIndicator: true, MemoryIndicator: true, FunctionsIndicator: true}
	for i := range c.checks {
		check := &c.checks[i]
		switch {
		case !isName(check.Name):
			c.refusef("WithChecks: check %d has the name %q; names have no surrounding white space or control characters",
				i, check.Name)
		case taken[check.Name]:
			c.refusef("WithChecks: the name %q is used by another check or a built-in indicator", check.Name)
		case check.Run == nil:
			c.refusef("WithChecks: the check %q has no function Run", check.Name)
		case check.Timeout < 0 || check.Interval < 0:
			c.refusef("WithChecks: the check %q has a timeout of %s and an interval of %s; neither may be negative",
				check.Name, check.Timeout, check.Interval)
		}
		taken[check.Name] = true
		if check.Timeout == 0 {
			check.Timeout = DefaultTimeout
		}
		if check.Interval == 0 {
			check.Interval = c.interval
		}
	}
}

func isName(s string) bool {
	return s != "" && utf8.ValidString(s) && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}
