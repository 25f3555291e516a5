package flow

import (
	"slices"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// Config has all options of this package, and those for schedules, in one struct. It is an
// option itself. Each field corresponds to the function of the same name and has the same
// limits. An option that is given as a field and as a function is given twice, which is an
// error.
//
// A field with the zero value is not set.
type Config struct {
	// Retries is a pointer because 0 is a valid value: Retries: new(0).
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

	// TimeZone and Jitter correspond to [inngestkit.TimeZone] and [inngestkit.Jitter].
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

// SingletonConfig is [Singleton] as a struct. Mode is required.
type SingletonConfig struct {
	Mode SingletonMode
	Key  string
}

// CancelOnConfig is [CancelOn] as a struct. Event is required.
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

// The methods below turn the fields of a Config into the options that they correspond to,
// so each option is checked in one place.

func (c Config) limits() []inngestkit.Option {
	var all []inngestkit.Option
	if c.FnConcurrency != nil {
		all = append(all, c.FnConcurrency.option())
	}
	if c.RateLimit != nil {
		all = append(all, c.RateLimit.option())
	}
	if c.Throttle != nil {
		all = append(all, c.Throttle.option())
	}
	if c.Debounce != nil {
		all = append(all, c.Debounce.option())
	}
	if c.BatchEvents != nil {
		all = append(all, c.BatchEvents.option())
	}
	if c.Singleton != nil {
		all = append(all, c.Singleton.option())
	}
	if c.Checkpoint != nil {
		all = append(all, c.Checkpoint.option())
	}
	return all
}

func (c Config) lists() []inngestkit.Option {
	all := make([]inngestkit.Option, 0, len(c.Concurrency)+len(c.CancelOn))
	for _, limit := range c.Concurrency {
		all = append(all, limit.option())
	}
	for _, on := range c.CancelOn {
		all = append(all, on.option())
	}
	return all
}

func (c Config) values() []inngestkit.Option {
	var all []inngestkit.Option
	if c.Retries != nil {
		all = append(all, Retries(*c.Retries))
	}
	if c.Priority != "" {
		all = append(all, Priority(c.Priority))
	}
	if c.Idempotency != "" {
		all = append(all, Idempotency(c.Idempotency))
	}
	if c.StartTimeout != 0 {
		all = append(all, StartTimeout(c.StartTimeout))
	}
	if c.FinishTimeout != 0 {
		all = append(all, FinishTimeout(c.FinishTimeout))
	}
	if c.TimeZone != "" {
		all = append(all, inngestkit.TimeZone(c.TimeZone))
	}
	if c.Jitter != 0 {
		all = append(all, inngestkit.Jitter(c.Jitter))
	}
	return all
}

func (c ConcurrencyConfig) option() inngestkit.Option {
	var options []ConcurrencyOption
	if c.Key != "" {
		options = append(options, Key(c.Key))
	}
	if c.Scope != ScopeFn {
		options = append(options, Scope(c.Scope))
	}
	return Concurrency(c.Limit, options...)
}

func (c FnConcurrencyConfig) option() inngestkit.Option {
	var options []FnConcurrencyOption
	if c.Key != "" {
		options = append(options, Key(c.Key))
	}
	return FnConcurrency(c.Limit, options...)
}

func (c RateLimitConfig) option() inngestkit.Option {
	var options []RateLimitOption
	if c.Key != "" {
		options = append(options, Key(c.Key))
	}
	return RateLimit(c.Limit, c.Period, options...)
}

func (c ThrottleConfig) option() inngestkit.Option {
	var options []ThrottleOption
	if c.Key != "" {
		options = append(options, Key(c.Key))
	}
	if c.Burst != 0 {
		options = append(options, Burst(c.Burst))
	}
	return Throttle(c.Limit, c.Period, options...)
}

func (c DebounceConfig) option() inngestkit.Option {
	var options []DebounceOption
	if c.Key != "" {
		options = append(options, Key(c.Key))
	}
	if c.Timeout != 0 {
		options = append(options, Timeout(c.Timeout))
	}
	return Debounce(c.Period, options...)
}

func (c BatchConfig) option() inngestkit.Option {
	var options []BatchOption
	if c.Key != "" {
		options = append(options, Key(c.Key))
	}
	if c.If != "" {
		options = append(options, If(c.If))
	}
	return BatchEvents(c.MaxSize, c.Timeout, options...)
}

func (c SingletonConfig) option() inngestkit.Option {
	var options []SingletonOption
	if c.Key != "" {
		options = append(options, Key(c.Key))
	}
	return Singleton(c.Mode, options...)
}

func (c CancelOnConfig) option() inngestkit.Option {
	var options []CancelOption
	if c.Match != "" {
		options = append(options, Match(c.Match))
	}
	if c.If != "" {
		options = append(options, If(c.If))
	}
	if c.Timeout != 0 {
		options = append(options, Timeout(c.Timeout))
	}
	return CancelOn(c.Event, options...)
}

func (c CheckpointConfig) option() inngestkit.Option {
	var options []CheckpointOption
	if c.BatchSteps != 0 {
		options = append(options, BatchSteps(c.BatchSteps))
	}
	if c.BatchInterval != 0 {
		options = append(options, BatchInterval(c.BatchInterval))
	}
	if c.MaxRuntime != 0 {
		options = append(options, MaxRuntime(c.MaxRuntime))
	}
	return Checkpoint(options...)
}
