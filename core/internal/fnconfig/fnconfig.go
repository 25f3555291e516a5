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

	Problems []Problem

	set map[string]bool
}

// Refuse notes that value cannot be used for field.
func (c *Config) Refuse(field string, value any, reason string, args ...any) {
	c.Problems = append(c.Problems, Problem{Field: field, Value: value, Reason: fmt.Sprintf(reason, args...)})
}

// Once reports whether field is being set for the first time and notes a problem
// otherwise, so that no option silently overrides another.
func (c *Config) Once(field string, value any) bool {
	if c.set[field] {
		c.Refuse(field, value, "is given twice; give it once")
		return false
	}
	if c.set == nil {
		c.set = map[string]bool{}
	}
	c.set[field] = true
	return true
}
