package flow

import (
	"slices"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxConcurrencyLimits is MaxConcurrencyLimits in the server's pkg/consts.
const maxConcurrencyLimits = 2

// ConcurrencyOption is an option of [Concurrency]: a [Key] or a [Scope].
type ConcurrencyOption interface {
	part
	ofConcurrency()
}

// ConcurrencyScope defines which steps count towards a [Concurrency] limit.
type ConcurrencyScope int

// The values are the SDK's.
const (
	// ScopeFn counts the steps of the function. It is the default.
	ScopeFn ConcurrencyScope = iota
	// ScopeEnv counts the steps of all functions in the environment that have a limit with
	// the same scope and key.
	ScopeEnv
	// ScopeAccount counts the steps of all functions in the account that have a limit with
	// the same scope and key.
	ScopeAccount
)

// String returns the scope's name in Inngest's documentation.
func (s ConcurrencyScope) String() string {
	switch s {
	case ScopeFn:
		return "fn"
	case ScopeEnv:
		return "env"
	case ScopeAccount:
		return "account"
	default:
		return "unknown"
	}
}

// Scope lets several functions share a [Concurrency] limit: give each of them the same
// limit with the same scope and key. A scope other than [ScopeFn] needs a [Key], which may
// be a constant, such as Key(`"openai"`).
func Scope(scope ConcurrencyScope) ConcurrencyOption {
	return suboption{name: "Scope", set: func(s *settings) { s.scope = scope }}
}

// Concurrency limits how many steps of the function, of all its runs, run at the same
// time. Further steps wait. Sleeping and waiting runs do not count; to limit whole runs, use
// [FnConcurrency] or [Singleton].
//
// Concurrency may be given twice, with different keys or scopes, or with and without a key.
func Concurrency(limit int, options ...ConcurrencyOption) inngestkit.Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if !c.Append("Concurrency") {
			return
		}
		s := read(c, "Concurrency", options)
		checkLimit(c, "Concurrency", limit)
		added := inngestgo.ConfigStepConcurrency{Limit: limit, Key: checkKey(c, "Concurrency", s)}
		switch s.scope {
		case ScopeFn:
		case ScopeEnv:
			added.Scope = 1 // ConcurrencyScopeEnv in the server's pkg/enums
		case ScopeAccount:
			added.Scope = 2 // ConcurrencyScopeAccount
		default:
			c.Refuse("Concurrency.Scope", int(s.scope), "is not a scope; give ScopeFn, ScopeEnv or ScopeAccount")
		}
		// See Concurrency.Validate in the server's pkg/inngest/concurrency.go.
		if s.scope != ScopeFn && s.key == nil {
			c.Refuse("Concurrency.Scope", s.scope.String(),
				`needs a Key by which functions share the limit, for example Key("\"openai\"")`)
		}
		addConcurrency(c, added)
	})
}

func addConcurrency(c *fnconfig.Config, added inngestgo.ConfigStepConcurrency) {
	limits := &concurrency(c).Step
	if slices.ContainsFunc(*limits, func(l inngestgo.ConfigStepConcurrency) bool { return sameGroup(l, added) }) {
		c.Refuse("Concurrency", added.Limit, "has the same key as another limit of the function; keep the lower one")
	}
	*limits = append(*limits, added)
	if len(*limits) > maxConcurrencyLimits {
		c.Refuse("Concurrency", added.Limit, "is one limit too many; a function has at most %d", maxConcurrencyLimits)
	}
}

// sameGroup reports whether two limits count the same steps.
func sameGroup(a, b inngestgo.ConfigStepConcurrency) bool {
	if a.Scope != b.Scope || a.Key == nil || b.Key == nil {
		return a.Scope == b.Scope && a.Key == b.Key
	}
	return *a.Key == *b.Key
}

func concurrency(c *fnconfig.Config) *inngestgo.ConfigConcurrency {
	if c.Options.Concurrency == nil {
		c.Options.Concurrency = &inngestgo.ConfigConcurrency{}
	}
	return c.Options.Concurrency
}

// FnConcurrencyOption is an option of [FnConcurrency]: a [Key].
type FnConcurrencyOption interface {
	part
	ofFnConcurrency()
}

// FnConcurrency limits how many runs of the function are under way at the same time. A run
// counts from its first step to its end, also while it sleeps or waits. Further runs wait.
//
// On server 1.43.0, a run whose first call fails needs a second place when it is retried 5 s
// later or more, as with the usual pauses. If the limit has none, the run waits forever, and
// so do all runs behind it. Use FnConcurrency only if the function's first step does not
// fail, and [Concurrency] otherwise.
//
// Servers up to 1.17 ignore FnConcurrency, and then also all limits of [Concurrency] but
// the first.
func FnConcurrency(limit int, options ...FnConcurrencyOption) inngestkit.Option {
	return option("FnConcurrency", limit, func(c *fnconfig.Config) {
		s := read(c, "FnConcurrency", options)
		checkLimit(c, "FnConcurrency", limit)
		concurrency(c).Fn = []inngestgo.ConfigFnConcurrency{{Limit: limit, Key: checkKey(c, "FnConcurrency", s)}}
	})
}

// SingletonMode defines what happens to an event that arrives while a run of a [Singleton]
// function is under way.
type SingletonMode int

const (
	// SingletonSkip drops the event, and the run continues. Servers since 1.13 do not drop
	// runs of a schedule: they retry the start with growing pauses for about a day, so such
	// a run may start late.
	SingletonSkip SingletonMode = iota + 1
	// SingletonCancel cancels the run and starts a new one with the event.
	SingletonCancel
)

// SingletonOption is an option of [Singleton]: a [Key].
type SingletonOption interface {
	part
	ofSingleton()
}

// Singleton allows one run of the function at a time, from the event to the end of the
// run. With a [Key], it allows one run for each of its values. It cannot be combined with
// [BatchEvents].
func Singleton(mode SingletonMode, options ...SingletonOption) inngestkit.Option {
	return option("Singleton", int(mode), func(c *fnconfig.Config) {
		s := read(c, "Singleton", options)
		config := &inngestgo.ConfigSingleton{Key: checkKey(c, "Singleton", s)}
		switch mode {
		case SingletonSkip: // SingletonModeSkip in the server's pkg/enums is 0
		case SingletonCancel:
			config.Mode = 1 // SingletonModeCancel
		default:
			c.Refuse("Singleton.Mode", int(mode), "is not a mode; give SingletonSkip or SingletonCancel")
		}
		c.Options.Singleton = config
	})
}
