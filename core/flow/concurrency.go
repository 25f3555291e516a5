package flow

import (
	"slices"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxConcurrencyLimits is MaxConcurrencyLimits of the server's pkg/consts.
const maxConcurrencyLimits = 2

// ConcurrencyOption is an option of [Concurrency]: a [Key] or a [Scope].
type ConcurrencyOption interface {
	part
	ofConcurrency()
}

// ConcurrencyScope says which steps count towards a [Concurrency] limit.
type ConcurrencyScope int

// The values are the SDK's.
const (
	// ScopeFn counts the steps of the function. It is the default.
	ScopeFn ConcurrencyScope = iota
	// ScopeEnv counts the steps of all functions in the environment whose limit
	// has the same key.
	ScopeEnv
	// ScopeAccount counts the steps of all functions in the account whose limit
	// has the same key.
	ScopeAccount
)

// String is the scope's name in Inngest's documentation.
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

// Scope makes several functions share a [Concurrency] limit: give each the same
// limit with the same scope and key. A scope other than [ScopeFn] needs a [Key],
// which may be a constant: Key(`"openai"`).
func Scope(scope ConcurrencyScope) ConcurrencyOption {
	return suboption{name: "Scope", set: func(s *settings) { s.scope = scope }}
}

// Concurrency limits how many steps of the function run at the same time, over
// all its runs; further steps wait. Sleeping and waiting runs do not count: use
// [FnConcurrency] or [Singleton] to limit whole runs. It may be given twice, for
// one limit with a key and one without, or for two keys or scopes.
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
			added.Scope = 1 // ConcurrencyScopeEnv of the server's pkg/enums
		case ScopeAccount:
			added.Scope = 2 // ConcurrencyScopeAccount
		default:
			c.Refuse("Concurrency.Scope", int(s.scope), "is not a scope; give ScopeFn, ScopeEnv or ScopeAccount")
		}
		// Concurrency.Validate of the server's pkg/inngest/concurrency.go.
		if s.scope != ScopeFn && s.key == nil {
			c.Refuse("Concurrency.Scope", s.scope.String(),
				`needs a Key, on which functions share the limit, for example Key("\"openai\"")`)
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

// FnConcurrency limits how many runs of the function there are at the same time,
// from their first step to their end, sleeping and waiting ones included; further
// runs wait.
//
// It needs a server that knows it. Servers up to 1.17 ignore it, and of the
// limits of [Concurrency] besides it they see the first only.
func FnConcurrency(limit int, options ...FnConcurrencyOption) inngestkit.Option {
	return option("FnConcurrency", limit, func(c *fnconfig.Config) {
		s := read(c, "FnConcurrency", options)
		checkLimit(c, "FnConcurrency", limit)
		concurrency(c).Fn = []inngestgo.ConfigFnConcurrency{{Limit: limit, Key: checkKey(c, "FnConcurrency", s)}}
	})
}

// SingletonMode says what becomes of an event that comes while the one run of a
// [Singleton] function is not at its end.
type SingletonMode int

const (
	// SingletonSkip drops the event; the run goes on. Servers from 1.13 on do not
	// drop a scheduled run: they try to start it again, with growing pauses, for
	// about a day, and so it may start late.
	SingletonSkip SingletonMode = iota + 1
	// SingletonCancel cancels the run and starts another with the event.
	SingletonCancel
)

// SingletonOption is an option of [Singleton]: a [Key].
type SingletonOption interface {
	part
	ofSingleton()
}

// Singleton allows one run of the function at a time, or with a [Key] one for each
// value of it, from the event to the end of the run. It cannot be combined with
// [BatchEvents].
func Singleton(mode SingletonMode, options ...SingletonOption) inngestkit.Option {
	return option("Singleton", int(mode), func(c *fnconfig.Config) {
		s := read(c, "Singleton", options)
		config := &inngestgo.ConfigSingleton{Key: checkKey(c, "Singleton", s)}
		switch mode {
		case SingletonSkip: // SingletonModeSkip of the server's pkg/enums is 0
		case SingletonCancel:
			config.Mode = 1 // SingletonModeCancel
		default:
			c.Refuse("Singleton.Mode", int(mode), "is not a mode; give SingletonSkip or SingletonCancel")
		}
		c.Options.Singleton = config
	})
}
