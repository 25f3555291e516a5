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

// Key applies a limit to each value of an expression separately, such as
// Key("event.data.userId").
func Key(expression string) KeyOption {
	return suboption{name: "Key", set: func(s *settings) { s.key = &expression }}
}

// IfOption is an option of [BatchEvents] and [CancelOn].
type IfOption interface {
	BatchOption
	CancelOption
}

// If sets the condition on which an event joins a batch ([BatchEvents]) or cancels a run
// ([CancelOn]). If there are several conditions, all must hold.
func If(expression string) IfOption {
	return suboption{name: "If", repeats: true, set: func(s *settings) {
		s.conditions = append(s.conditions, condition{option: "If", value: expression})
	}}
}

// Match sets a condition of [CancelOn]: the cancelling event has the same value at path as
// the event that triggered the run, as in Match("data.orderId"). Both events must have a
// value there.
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

// Timeout limits how long [Debounce] delays a run in total, and how long after a run was
// scheduled [CancelOn] can cancel it.
//
// When a debounce reaches its timeout, the server waits for another 2 s, and each event in
// that time restarts them (updateDebounce in its pkg/execution/debounce).
func Timeout(d time.Duration) TimeoutOption {
	return suboption{name: "Timeout", set: func(s *settings) { s.timeout = &d }}
}

// part is the common interface of all options of an option. The exported interfaces add a
// method for each option that accepts it, so nothing else compiles.
type part interface{ self() suboption }

// suboption is an option of an option. It implements all the interfaces. The function that
// returns one decides by its result type which options accept it.
type suboption struct {
	name    string
	repeats bool // it may be given several times
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

// settings has the values that the options of one option set.
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

// condition is one condition, given with option. The value is an expression, or a path if
// isMatch is set.
type condition struct {
	option, value string
	isMatch       bool
}

// read returns what the options of one option set, and refuses one that is given twice.
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

// checkConditions records conditions, which App.Register checks, and returns all of them as
// one expression, nil without conditions. async is the second event of the expressions, nil
// if they only have the triggering one.
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
