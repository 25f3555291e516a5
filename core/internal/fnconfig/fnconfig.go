// Package fnconfig is where function options meet: packages inngestkit and flow
// make them, and registration applies them.
package fnconfig

import (
	"fmt"

	"github.com/inngest/inngestgo"
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

// Config is what the options of one function add up to.
type Config struct {
	// Options is the SDK's own form.
	Options inngestgo.FunctionOpts

	// Middleware is the core's, the outermost first.
	Middleware []any
	// OnFailure is the core's failure handler, nil if the function has none.
	OnFailure any

	Problems []Problem

	// set is at which level a field was set.
	set   map[string]int
	level int
}

// NextLevel goes on to the options of the next group outward: they fill in what is
// not set yet.
func (c *Config) NextLevel() { c.level++ }

// Refuse notes that value cannot be used for field.
func (c *Config) Refuse(field string, value any, reason string, args ...any) {
	c.Problems = append(c.Problems, Problem{Field: field, Value: value, Reason: fmt.Sprintf(reason, args...)})
}

// Once reports whether field is to be set: not if it was on an inner level, nor if
// it was on the same one, which is noted as a problem, so that no option silently
// overrides another.
func (c *Config) Once(field string, value any) bool {
	level, ok := c.set[field]
	if ok && level == c.level {
		c.Refuse(field, value, "is given twice; give it once")
	}
	if ok {
		return false
	}
	if c.set == nil {
		c.set = map[string]int{}
	}
	c.set[field] = c.level
	return true
}
