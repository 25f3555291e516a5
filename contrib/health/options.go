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
	// DefaultPath is where the report is, below the router the app is mounted on.
	DefaultPath = "/health/inngest"
	// DefaultLiveness and DefaultReadiness are the names of the probes beneath it, as
	// Kubernetes has them for its own API server.
	DefaultLiveness  = "livez"
	DefaultReadiness = "readyz"
	// DefaultInterval is the time between the end of a check and its next run, that of
	// the kubelet's probes (periodSeconds).
	DefaultInterval = 10 * time.Second
	// DefaultTimeout is how long a check may take.
	DefaultTimeout = 5 * time.Second
	// DefaultMemoryThreshold is the percentage of the memory limit from which on the memory
	// is short. It is high because a limit is there to be used.
	DefaultMemoryThreshold = 95
	// DefaultFailureThreshold is which part of its runs has to fail to make a function
	// unhealthy; DefaultFailureRuns of them have to have ended within DefaultFailureWindow.
	DefaultFailureThreshold = 0.5
	DefaultFailureRuns      = 5
	DefaultFailureWindow    = 5 * time.Minute
)

// Option is an option of [Install].
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

// WithPath sets where the report is, below the router or group that the app is mounted
// on; / is that itself, and a slash at the end is left out. The probes are beneath it. The
// default is [DefaultPath].
func WithPath(path string) Option {
	return option(func(c *config) {
		c.path = strings.TrimSuffix(path, "/")
		if !strings.HasPrefix(path, "/") || pathpkg.Clean(path) != "/"+strings.TrimPrefix(c.path, "/") ||
			strings.Contains(path, "//") || strings.ContainsAny(path, notInPaths) {
			c.refusef("WithPath: %q is not a path for a report; it is one such as %q, without . and .., // and any of %s",
				path, DefaultPath, notInPaths)
		}
	})
}

// notInPaths are the characters that mean something to a router or in a URL.
const notInPaths = `:*+{}%?#\`

// WithoutRoutes keeps adapters from mounting anything: for a port of its own, there are
// [Health.Handler], [Health.LiveHandler] and [Health.ReadyHandler].
func WithoutRoutes() Option {
	return option(func(c *config) { c.noRoutes = true })
}

// WithProbes sets the names of the probes beneath the path of the report. The defaults
// are [DefaultLiveness] and [DefaultReadiness].
func WithProbes(liveness, readiness string) Option {
	return option(func(c *config) {
		for _, name := range []string{liveness, readiness} {
			if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/"+notInPaths) {
				c.refusef("WithProbes: %q is not a name for a probe; it is one element of a path, such as %q",
					name, DefaultReadiness)
			}
		}
		c.livenessName, c.readinessName = liveness, readiness
	})
}

// DetailsMode is who gets the details of the report.
type DetailsMode int

// The modes of [WithDetails].
const (
	// DetailsOnQuery adds the details for ?details=true.
	DetailsOnQuery DetailsMode = iota + 1
	// DetailsAlways adds them to every report, whatever the query.
	DetailsAlways
	// DetailsNever adds them to none, whatever the query.
	DetailsNever
)

// WithDetails sets when the report has [Details]: IDs of functions, how often they
// run and fail, memory. By default that is DetailsOnQuery in dev mode or with
// [WithAuthorization] or [WithBasicAuth], else DetailsNever.
func WithDetails(mode DetailsMode) Option {
	return option(func(c *config) {
		if mode < DetailsOnQuery || mode > DetailsNever {
			c.refusef("WithDetails(%d): it is DetailsOnQuery, DetailsAlways or DetailsNever", mode)
		}
		c.details = mode
	})
}

// WithAuthorization gives details only to requests for which authorized returns true.
// The ctx has what middleware of the framework has stored for the request. Others get
// the report without details, or 403 if the query asks for them. It must not change the
// request. If it panics, that is no.
func WithAuthorization(authorized func(ctx context.Context, req *adapter.Request) bool) Option {
	return option(func(c *config) {
		if authorized == nil {
			c.refusef("WithAuthorization: the function is nil")
		}
		c.authorized, c.basicAuth = authorized, false
	})
}

// WithBasicAuth gives details only to requests with this name and password, by HTTP's
// Basic authentication; use TLS. Others get the report without details, or 401 if the
// query asks for them, upon which browsers ask for the password. It takes the place of
// [WithAuthorization].
func WithBasicAuth(username, password string) Option {
	return option(func(c *config) {
		if username == "" || password == "" {
			c.refusef("WithBasicAuth: the name or the password is empty; is a variable not set?")
		}
		c.authorized, c.basicAuth = checkPassword(username, password), true
	})
}

// WithChecks adds checks of the program's own, such as of its database, to the report
// and to the readiness.
func WithChecks(checks ...Check) Option {
	return option(func(c *config) { c.checks = append(c.checks, checks...) })
}

// WithServerCheck adds a check of whether the Inngest server answers
// ([inngestkit.App.Ping], which sends no event), to the report and to the readiness.
// Mind that all instances of a program become unready when Inngest is away, though they
// may have other things to do.
func WithServerCheck() Option {
	return option(func(c *config) { c.serverCheck = true })
}

// WithInterval sets the time from the end of a check to its next run, for the check of
// [WithServerCheck] and for those of [WithChecks] that have no Interval of their own.
// It is more than 0; the default is [DefaultInterval]. A load balancer learns of a
// change after that time and its own interval.
func WithInterval(interval time.Duration) Option {
	return option(func(c *config) {
		if interval <= 0 {
			c.refusef("WithInterval(%s): the time between two runs of a check is more than 0", interval)
		}
		c.interval = interval
	})
}

// WithSyncRequired makes an app that this process has not synced yet down and unready,
// and one that has registered functions since. It fits apps that sync themselves:
// with App.Start in dev mode, App.Sync, or App.Connect. Where a deployment triggers
// the sync, it reaches one instance, through the load balancer that waits for all of
// them to become ready.
func WithSyncRequired() Option {
	return option(func(c *config) { c.syncRequired = true })
}

// WithMemoryThreshold sets the percentage, 0 to 100, of its memory limit from which on
// the report says that the memory is short; the readiness is not affected. The default is
// [DefaultMemoryThreshold]; with 0 it never is.
func WithMemoryThreshold(percentage float64) Option {
	return option(func(c *config) {
		if !(percentage >= 0 && percentage <= 100) { // no NaN
			c.refusef("WithMemoryThreshold(%v): a percentage is from 0, for no threshold, to 100", percentage)
		}
		c.memoryThreshold = percentage
	})
}

// WithFailureThreshold sets which part of a function's runs, from 0 to 1, has to fail
// to make the function [Unhealthy], if at least so many of its runs have ended within
// the window; and which part of its attempts to make it [Degraded], if there were at
// least so many. A function that is unhealthy makes the report say so; the readiness
// is not affected. The defaults are [DefaultFailureThreshold], [DefaultFailureRuns] and
// [DefaultFailureWindow]. With a rate of 0 functions always are healthy.
func WithFailureThreshold(rate float64, runs int, window time.Duration) Option {
	return option(func(c *config) {
		if !(rate >= 0 && rate <= 1) { // no NaN
			c.refusef("WithFailureThreshold: the rate is %v; it is from 0, for no threshold, to 1", rate)
		}
		if runs < 1 {
			c.refusef("WithFailureThreshold: the number of runs is %d; it is at least 1", runs)
		}
		if window < windowSlots*time.Millisecond {
			c.refusef("WithFailureThreshold: the window is %s; it is at least %s", window, windowSlots*time.Millisecond)
		}
		c.failures = failurePolicy{rate, runs, window}
	})
}

// checkChecks checks the checks and fills in their defaults.
func (c *config) checkChecks() {
	taken := map[string]bool{InngestIndicator: true, MemoryIndicator: true, FunctionsIndicator: true}
	for i := range c.checks {
		check := &c.checks[i]
		switch {
		case !isName(check.Name):
			c.refusef("WithChecks: check %d has the name %q; it needs one, without white space around it or control characters",
				i, check.Name)
		case taken[check.Name]:
			c.refusef("WithChecks: two checks have the name %q, or it is that of one that is built in", check.Name)
		case check.Run == nil:
			c.refusef("WithChecks: the check %q has no function Check", check.Name)
		case check.Timeout < 0 || check.Interval < 0:
			c.refusef("WithChecks: the check %q has a timeout of %s and an interval of %s; neither can be negative",
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
