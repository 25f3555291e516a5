package flow

import (
	"slices"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// Config is all options of this package in one struct, for those who prefer it,
// and the options for schedules. It is an option like those it is made of: each
// field says the same as the function of its name, with the same limits, and an
// option given as a field and as a function is given twice.
//
// A field with its zero value is not set.
type Config struct {
	// Retries is a pointer because 0 is a setting: Retries: new(0).
	Retries       *int
	Concurrency   []ConcurrencyConfig
	FnConcurrency *FnConcurrencyConfig
	RateLimit     *RateLimitConfig
	Throttle      *ThrottleConfig
	Debounce      *DebounceConfig
	BatchEvents   *BatchConfig
	// Priority and Idempotency are expressions.
	Priority    string
	Idempotency string
	Singleton   *SingletonConfig
	CancelOn    []CancelOnConfig

	StartTimeout  time.Duration
	FinishTimeout time.Duration
	Checkpoint    *CheckpointConfig

	// TimeZone and Jitter are [inngestkit.TimeZone] and [inngestkit.Jitter].
	TimeZone string
	Jitter   time.Duration
}

var _ inngestkit.Option = Config{}

// ConcurrencyConfig is [Concurrency] as a struct.
type ConcurrencyConfig struct {
	Limit int
	Key   string
	Scope ConcurrencyScope
}

// FnConcurrencyConfig is [FnConcurrency] as a struct.
type FnConcurrencyConfig struct {
	Limit int
	Key   string
}

// RateLimitConfig is [RateLimit] as a struct.
type RateLimitConfig struct {
	Limit  int
	Period time.Duration
	Key    string
}

// ThrottleConfig is [Throttle] as a struct.
type ThrottleConfig struct {
	Limit  int
	Period time.Duration
	Burst  int
	Key    string
}

// DebounceConfig is [Debounce] as a struct.
type DebounceConfig struct {
	Period  time.Duration
	Timeout time.Duration
	Key     string
}

// BatchConfig is [BatchEvents] as a struct.
type BatchConfig struct {
	MaxSize int
	Timeout time.Duration
	Key     string
	If      string
}

// SingletonConfig is [Singleton] as a struct. The mode is required.
type SingletonConfig struct {
	Mode SingletonMode
	Key  string
}

// CancelOnConfig is [CancelOn] as a struct. The event is required.
type CancelOnConfig struct {
	Event   CancelEvent
	Match   string
	If      string
	Timeout time.Duration
}

// CheckpointConfig is [Checkpoint] as a struct.
type CheckpointConfig struct {
	BatchSteps    int
	BatchInterval time.Duration
	MaxRuntime    time.Duration
}

// FunctionOption implements inngestkit.Option. App.Register calls it.
func (c Config) FunctionOption() any {
	return fnconfig.Func(func(config *fnconfig.Config) {
		for _, option := range slices.Concat(c.limits(), c.lists(), c.values()) {
			fnconfig.Apply(option, config)
		}
	})
}
