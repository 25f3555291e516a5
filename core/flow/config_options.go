package flow

import (
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// The functional options that the fields of a Config stand for, so that each is
// checked in one place.

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
