// Package fnconfig is where function options meet: packages inngestkit and flow
// make them, and registration applies them.
package fnconfig

import (
	"fmt"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
)

// Func applies one option to a Config. It implements inngestkit.Option.
type Func func(c *Config)

// FunctionOption returns f. It implements inngestkit.Option, which cannot mention Func.
func (f Func) FunctionOption() any { return f }

// Apply applies an inngestkit.Option to c, and reports whether it is one of this module.
func Apply(option interface{ FunctionOption() any }, c *Config) bool {
	apply, ok := option.FunctionOption().(Func)
	if ok {
		apply(c)
	}
	return ok
}

// Problem is one mistake in a function.
type Problem struct {
	Field  string
	Value  any // nil if something is missing
	Reason string
}

// String returns the problem as a sentence.
func (p Problem) String() string {
	if p.Value == nil {
		return p.Field + " " + p.Reason
	}
	return fmt.Sprintf("%s %#v %s", p.Field, p.Value, p.Reason)
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

// SetOnce reports whether an option may set field. It may not if an inner level has
// set it, and if the same level has: that is noted as a problem, so that no
// option silently overrides another.
func (c *Config) SetOnce(field string, value any) bool {
	level, taken := c.set[field]
	if taken && level == c.level {
		c.Refuse(field, value, "is given twice; give it once")
	}
	return !taken && c.Append(field)
}

// Append is [Config.SetOnce] for options that add up: it reports whether an option
// may add to field, which it may not if an inner level has.
func (c *Config) Append(field string) bool {
	if level, taken := c.set[field]; taken {
		return level == c.level
	}
	if c.set == nil {
		c.set = map[string]int{}
	}
	c.set[field] = c.level
	return true
}

// SetByFunction reports whether the function itself has set field, and not a group that it
// may share with functions of another kind.
func (c *Config) SetByFunction(field string) bool {
	level, taken := c.set[field]
	return taken && level == 0
}
