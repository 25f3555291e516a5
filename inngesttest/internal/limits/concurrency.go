package limits

import (
	"fmt"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// ConcurrencyScope says which functions share a concurrency limit.
type ConcurrencyScope string

// The scopes, as the sync calls them.
const (
	ConcurrencyScopeFn      ConcurrencyScope = "fn"
	ConcurrencyScopeEnv     ConcurrencyScope = "env"
	ConcurrencyScopeAccount ConcurrencyScope = "account"
)

// A ConcurrencyLimit limits how many calls run at the same time, with the key of one of them.
type ConcurrencyLimit struct {
	Limit      int
	Scope      ConcurrencyScope
	Function   string // whose call it is
	Expression string // the expression of the key; "" without a key
	Key        string // its value for the run
}

func (l ConcurrencyLimit) String() string {
	text := fmt.Sprintf("concurrency %d", l.Limit)
	if l.Expression != "" {
		text += fmt.Sprintf(" of key %q", l.Key)
	}
	if l.Scope != ConcurrencyScopeFn {
		text += " in the " + string(l.Scope)
	}
	return text
}

// Concurrency counts the calls that run, by the limits that apply to them. Runs that sleep
// or wait do not count.
type Concurrency struct {
	version version.Version
	running map[string]map[string]struct{} // calls, by the limits that count them together
	limits  map[string][]string            // the reverse
}

// NewConcurrency returns a Concurrency without running calls.
func NewConcurrency(v version.Version) *Concurrency {
	return &Concurrency{version: v, running: map[string]map[string]struct{}{}, limits: map[string][]string{}}
}

// Acquire counts call under all limits, or under none if one of them is reached. Then
// blocked is the first of those that are.
func (c *Concurrency) Acquire(call string, limits ...ConcurrencyLimit) (blocked ConcurrencyLimit, ok bool) {
	for _, limit := range limits {
		if len(c.running[c.group(limit)]) >= limit.Limit {
			return limit, false
		}
	}
	for _, limit := range limits {
		group := c.group(limit)
		if c.running[group] == nil {
			c.running[group] = map[string]struct{}{}
		}
		c.running[group][call] = struct{}{}
		c.limits[call] = append(c.limits[call], group)
	}
	return ConcurrencyLimit{}, true
}

// Release ends call.
func (c *Concurrency) Release(call string) {
	for _, group := range c.limits[call] {
		delete(c.running[group], call)
		if len(c.running[group]) == 0 {
			delete(c.running, group)
		}
	}
	delete(c.limits, call)
}

// Running returns the number of calls that count under limit.
func (c *Concurrency) Running(limit ConcurrencyLimit) int { return len(c.running[c.group(limit)]) }

// group returns what a limit is counted by. Limits with the same value of different
// expressions are counted apart by [version.Newest] (InProgressLeasesKey in
// pkg/constraintapi of the server), and together by [version.Oldest] (ConcurrencyKey in
// its pkg/util).
func (c *Concurrency) group(l ConcurrencyLimit) string {
	function, expression := "", l.Expression
	if l.Scope == ConcurrencyScopeFn {
		function = l.Function
	}
	if c.version == version.Oldest && expression != "" {
		expression = "any"
	}
	return joinKey(string(l.Scope), function, expression, l.Key)
}
