// Package fnconfig is where function options meet: packages inngestkit and flow
// make them, and registration applies them.
package fnconfig

import (
	"fmt"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
)

// Option is one option of a function. It is sealed: only the core module can
// name Config.
type Option interface {
	Apply(c *Config)
}

// Func makes an Option of a function.
type Func func(c *Config)

// Apply implements Option.
func (f Func) Apply(c *Config) { f(c) }

// Problem is one thing that is wrong with an option.
type Problem struct {
	Field  string
	Value  any
	Reason string
}

// Expression is one expression of a function.
type Expression struct {
	eventpath.Expression

	// Field is the option that it belongs to.
	Field string
}

// Config is what the options of one function add up to.
//
// Options come from several levels: the function itself, then the group it is
// in, then that group's group, with [Config.NextLevel] between them. What an
// inner level has set, an outer one does not change.
type Config struct {
	// Options is the SDK's own form.
	Options inngestgo.FunctionOpts

	// TimeZone and Jitter are for the function's schedules, which are no options
	// to the SDK but triggers.
	TimeZone string
	Jitter   time.Duration

	// Middleware is the core's, the outermost first.
	Middleware []any
	// OnFailure is the core's failure handler, nil if the function has none.
	OnFailure any

	// Expressions are those of the options, in the order they were applied.
	Expressions []Expression

	Problems []Problem

	level int
	// set has the level that has set a field.
	set map[string]int
}

// Refuse notes that value cannot be used for field.
func (c *Config) Refuse(field string, value any, reason string, args ...any) {
	c.Problems = append(c.Problems, Problem{Field: field, Value: value, Reason: fmt.Sprintf(reason, args...)})
}

// Express notes an expression of an option, which is checked when the events are known,
// and refuses an empty one with what to do about it.
func (c *Config) Express(field string, e eventpath.Expression, empty string) {
	if e.Text == "" {
		c.Refuse(field, "", "is empty; %s", empty)
		return
	}
	c.Expressions = append(c.Expressions, Expression{e, field})
}

// NextLevel says that the options that follow are those of the group around what
// has been applied so far.
func (c *Config) NextLevel() { c.level++ }

// Once reports whether an option may set field. It may not if an inner level has
// set it, and if the same level has: that is noted as a problem, so that no
// option silently overrides another.
func (c *Config) Once(field string, value any) bool {
	level, taken := c.set[field]
	if taken && level == c.level {
		c.Refuse(field, value, "is given twice; give it once")
	}
	return !taken && c.Several(field)
}

// Several is [Config.Once] for options that add up: it reports whether an option
// may add to field, which it may not if an inner level has.
func (c *Config) Several(field string) bool {
	if level, taken := c.set[field]; taken {
		return level == c.level
	}
	if c.set == nil {
		c.set = map[string]int{}
	}
	c.set[field] = c.level
	return true
}

// Own reports whether the function itself has set field, and not a group that it
// may share with functions of another kind.
func (c *Config) Own(field string) bool {
	level, taken := c.set[field]
	return taken && level == 0
}
