package inngesttest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// The versions of the Inngest server whose behavior [Virtual] has and that [Real] runs.
const (
	OldestVersion = devserver.OldestVersion
	NewestVersion = devserver.NewestVersion
)

// SeedEnv is the environment variable with the seed of tests that do not set it with [Seed].
const SeedEnv = "INNGESTTEST_SEED"

// Option is an option of [Virtual] and [Run].
type Option interface {
	applyVirtual(c *virtualConfig) error
}

// RealOption is an option of [Real].
type RealOption interface {
	applyReal(c *realConfig) error
}

// CommonOption is an option of both [Virtual] and [Real].
type CommonOption interface {
	Option
	RealOption
}

// virtualConfig is what the options of Virtual add up to.
type virtualConfig struct {
	version          string
	start            time.Time
	seed             uint64
	noJitter         bool
	overlap          bool
	signingKey       string
	retryInterval    time.Duration
	allowNetwork     bool
	maxStarts        int             // less than the default in tests of the kit
	nondeterministic map[string]bool // by the ID of the function
}

// realConfig is what the options of Real add up to.
type realConfig struct {
	version       string
	retryInterval time.Duration
}

// newVirtualConfig applies options to the defaults.
func newVirtualConfig(options []Option) (virtualConfig, error) {
	c := virtualConfig{version: NewestVersion, seed: 1, nondeterministic: map[string]bool{}}
	if text := os.Getenv(SeedEnv); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return c, fmt.Errorf("the environment variable %s is %q; it must be a whole number", SeedEnv, text)
		}
		c.seed = seed
	}
	for _, option := range options {
		if option == nil {
			continue
		}
		if err := option.applyVirtual(&c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// newRealConfig applies options to the defaults.
func newRealConfig(options []RealOption) (realConfig, error) {
	c := realConfig{version: NewestVersion, retryInterval: time.Second}
	for _, option := range options {
		if option == nil {
			continue
		}
		if err := option.applyReal(&c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// virtualOption is an Option that cannot fail.
type virtualOption func(c *virtualConfig)

func (o virtualOption) applyVirtual(c *virtualConfig) error {
	o(c)
	return nil
}

// Version chooses the version of the server, [NewestVersion] or [OldestVersion]. The default is
// NewestVersion. docs/servers.md lists the differences.
func Version(v string) CommonOption { return versionOption(v) }

type versionOption string

func (o versionOption) check() error {
	if o != NewestVersion && o != OldestVersion {
		return fmt.Errorf("the version %q is not supported; use %s or %s", string(o), NewestVersion, OldestVersion)
	}
	return nil
}

func (o versionOption) applyVirtual(c *virtualConfig) error {
	c.version = string(o)
	return o.check()
}

func (o versionOption) applyReal(c *realConfig) error {
	c.version = string(o)
	return o.check()
}

// RetryInterval sets the constant time between attempts, like the option --retry-interval of
// the server. By default, Virtual has the server's backoff, which starts with 15 to 45 s, and
// Real uses 1 s.
func RetryInterval(d time.Duration) CommonOption { return retryIntervalOption(d) }

type retryIntervalOption time.Duration

func (o retryIntervalOption) check() error {
	if d := time.Duration(o); d < time.Second || d%time.Second != 0 {
		return fmt.Errorf("the retry interval %s is not possible; the server takes whole seconds, at least 1", d)
	}
	return nil
}

func (o retryIntervalOption) applyVirtual(c *virtualConfig) error {
	c.retryInterval = time.Duration(o)
	return o.check()
}

func (o retryIntervalOption) applyReal(c *realConfig) error {
	c.retryInterval = time.Duration(o)
	return o.check()
}

// StartAt sets the virtual time at which the test begins. The default is the current time. In a
// bubble of testing/synctest, whose clock begins at 2000-01-01 UTC, t must not be earlier.
func StartAt(t time.Time) Option { return virtualOption(func(c *virtualConfig) { c.start = t }) }

// Seed sets the seed of what the server leaves to chance: the jitter of retries and schedules,
// and IDs. The default is the environment variable INNGESTTEST_SEED, or else 1. A failing test
// prints its seed.
func Seed(n uint64) Option { return virtualOption(func(c *virtualConfig) { c.seed = n }) }

// NoJitter leaves out the random part of the time until a retry, up to 30 s, and the delays of
// inngestkit.Jitter. Production has both: use it only where a test needs exact times.
func NoJitter() Option { return virtualOption(func(c *virtualConfig) { c.noJitter = true }) }

// Overlap runs the calls that are due at the same virtual time on goroutines of their own, so
// that steps can meet and the race detector sees what they share. By default, one call follows
// the other.
func Overlap() Option { return virtualOption(func(c *virtualConfig) { c.overlap = true }) }

// SigningKey signs the calls of apps in cloud mode with their key.
func SigningKey(key string) Option {
	return virtualOption(func(c *virtualConfig) { c.signingKey = key })
}

// AllowNetwork lets step.Fetch and step.Infer make real requests. By default, a request without
// a [Stub] fails the test.
func AllowNetwork() Option { return virtualOption(func(c *virtualConfig) { c.allowNetwork = true }) }

// Nondeterministic turns off the checks that a function takes the same way in each of its calls.
// By default, an engine fails the test if the IDs or the order of steps change between calls, or
// if the callback of a step changes variables that the function reads. The reason is for readers
// of the test, and must not be empty.
//
// In the first ten runs of each function, the engine repeats each of the first 100 calls and every
// tenth of the others, if it ends with a step: with the same results, and without running
// callbacks. So the code outside of steps runs more often than in production; FunctionRun.Calls
// does not count this.
func Nondeterministic(function Named, reason string) Option {
	return nondeterministicOption{function, reason}
}

type nondeterministicOption struct {
	function Named
	reason   string
}

func (o nondeterministicOption) applyVirtual(c *virtualConfig) error {
	if o.function == nil {
		return errors.New("Nondeterministic has no function; name the one that may differ between calls")
	}
	if o.reason == "" {
		return fmt.Errorf("Nondeterministic of %q has no reason; say why the function may differ between calls", o.function.ID())
	}
	c.nondeterministic[o.function.ID()] = true
	return nil
}
