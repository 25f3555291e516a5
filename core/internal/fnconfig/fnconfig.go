// Package fnconfig holds the configuration of a function. The options of packages
// inngestkit and flow change it when a function is registered.
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

// Apply applies an inngestkit.Option to c, and reports whether it is an option of this
// module.
func Apply(option interface{ FunctionOption() any }, c *Config) bool {
	apply, ok := option.FunctionOption().(Func)
	if ok {
		apply(c)
	}
	return ok
}

// A Problem is one mistake in the options of a function.
type Problem struct {
	Field  string
	Value  any // nil if something is missing
	Reason string
}

// String returns the problem as the message of an error.
func (p Problem) String() string {
	if p.Value == nil {
		return p.Field + " " + p.Reason
	}
	return fmt.Sprintf("%s %#v %s", p.Field, p.Value, p.Reason)
}

// An Expression is an expression in an option of a function.
type Expression struct {
	eventpath.Expression

	// Field is the name of the option.
	Field string
}

// A Config is the configuration that the options of one function set.
//
// Options are applied level by level: those of the function first, then those of its
// group, then those of the group around that one. [Config.NextLevel] is called between levels.
// An outer level does not change what an inner one has set.
type Config struct {
	// Options is the configuration in the SDK's form.
	Options inngestgo.FunctionOpts

	// TimeZone and Jitter apply to the function's schedules, which are triggers in the SDK's
	// form, not options.
	TimeZone string
	Jitter   time.Duration

	// Expressions are the expressions in options, in the order in which they were applied.
	Expressions []Expression

	Problems []Problem

	level int
	// set has the level that set each field.
	set map[string]int
}

// Refuse records the problem that field cannot have value.
func (c *Config) Refuse(field string, value any, reason string, args ...any) {
	c.Problems = append(c.Problems, Problem{Field: field, Value: value, Reason: fmt.Sprintf(reason, args...)})
}

// Express records an expression of an option. It is checked once the events are known. For
// an empty one it records a problem, whose message ends with empty: what to do about it.
func (c *Config) Express(field string, e eventpath.Expression, empty string) {
	if e.Text == "" {
		c.Refuse(field, "", "is empty; %s", empty)
		return
	}
	c.Expressions = append(c.Expressions, Expression{e, field})
}

// NextLevel begins the options of the next level: the group around what was applied so far.
func (c *Config) NextLevel() { c.level++ }

// SetOnce reports whether an option may set field to value. It may not if an inner level
// has set it, or if the same level has, which is recorded as a problem.
func (c *Config) SetOnce(field string, value any) bool {
	level, taken := c.set[field]
	if taken && level == c.level {
		c.Refuse(field, value, "is given twice; give it once")
	}
	return !taken && c.Append(field)
}

// Append reports whether an option that may be given several times may add to field. It
// may not if an inner level has set it.
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

// SetByFunction reports whether the function itself has set field. Its groups may have
// functions of other kinds, to which field does not apply.
func (c *Config) SetByFunction(field string) bool {
	level, taken := c.set[field]
	return taken && level == 0
}
