package flow

import (
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// KeyOption is an option of every limit: [Concurrency], [FnConcurrency],
// [RateLimit], [Throttle], [Debounce], [BatchEvents] and [Singleton].
type KeyOption interface {
	ConcurrencyOption
	FnConcurrencyOption
	RateLimitOption
	ThrottleOption
	DebounceOption
	BatchOption
	SingletonOption
}

// Key makes a limit apply to each value of an expression by itself:
// Key("event.data.userId").
func Key(expression string) KeyOption {
	return suboption{name: "Key", set: func(s *settings) { s.key = &expression }}
}

// IfOption is an option of [BatchEvents] and [CancelOn].
type IfOption interface {
	BatchOption
	CancelOption
}

// If is the condition on which an event goes into a batch ([BatchEvents]) or
// cancels a run ([CancelOn]). Of several conditions, all must hold.
func If(expression string) IfOption {
	return suboption{name: "If", repeats: true, set: func(s *settings) {
		s.conditions = append(s.conditions, condition{option: "If", value: expression})
	}}
}

// Match is a condition of [CancelOn]: the cancelling event has the same value at
// path as the event that triggered the run, as in Match("data.orderId"). Both events
// need to have it.
func Match(path string) CancelOption {
	return suboption{name: "Match", repeats: true, set: func(s *settings) {
		s.conditions = append(s.conditions, condition{option: "Match", value: path, isMatch: true})
	}}
}

// TimeoutOption is an option of [Debounce] and [CancelOn].
type TimeoutOption interface {
	DebounceOption
	CancelOption
}

// Timeout is how long [Debounce] may put a run off in all, and how long after a
// run was scheduled [CancelOn] still cancels it.
//
// A debounce at its timeout waits for another 2 s, and each event that comes in
// them makes the server wait anew (updateDebounce in its pkg/execution/debounce).
func Timeout(d time.Duration) TimeoutOption {
	return suboption{name: "Timeout", set: func(s *settings) { s.timeout = &d }}
}

// part is what every option of an option is. The exported interfaces add to
// it which options it fits, so that nothing else compiles.
type part interface{ self() suboption }

// suboption is an option of an option. It has the methods of all kinds; which of
// them a caller sees is up to the type that the function returns that made it.
type suboption struct {
	name    string
	repeats bool // may be given several times
	set     func(s *settings)
}

func (o suboption) self() suboption { return o }

func (suboption) ofConcurrency()   {}
func (suboption) ofFnConcurrency() {}
func (suboption) ofRateLimit()     {}
func (suboption) ofThrottle()      {}
func (suboption) ofDebounce()      {}
func (suboption) ofBatch()         {}
func (suboption) ofSingleton()     {}
func (suboption) ofCancel()        {}
func (suboption) ofCheckpoint()    {}

// settings is what the options of one option add up to.
type settings struct {
	key           *string
	conditions    []condition
	timeout       *time.Duration
	scope         ConcurrencyScope
	burst         *int
	batchSteps    *int
	batchInterval *time.Duration
	maxRuntime    *time.Duration
}

// condition is one condition: the option it was given with, and what was given, an
// expression or for Match a path.
type condition struct {
	option, value string
	isMatch       bool
}

// read adds up the options of one option, and refuses one that is given twice.
func read[O part](c *fnconfig.Config, field string, options []O) settings {
	var s settings
	given := map[string]bool{}
	for _, o := range options {
		if any(o) == nil {
			c.Refuse(field, nil, "has a nil option; leave it out")
			continue
		}
		option := o.self()
		if given[option.name] && !option.repeats {
			c.Refuse(field+"."+option.name, nil, "is given twice; give it once")
			continue
		}
		given[option.name] = true
		option.set(&s)
	}
	return s
}

// checkConditions notes conditions for the checks of App.Register, and returns all of
// them as one expression, nil if there is none. Async is the event besides the triggering
// one, nil if there is none.
func checkConditions(c *fnconfig.Config, field string, s settings, async *eventpath.Shape) *string {
	all := make([]string, len(s.conditions))
	for i, cond := range s.conditions {
		e := eventpath.Expression{Text: cond.value, IsMatch: cond.isMatch, Async: async}
		c.Express(field+"."+cond.option, e, "give an expression, or leave it out")
		all[i] = e.Full()
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return &all[0]
	default:
		return new("(" + strings.Join(all, ") && (") + ")")
	}
}
