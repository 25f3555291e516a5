package flow

import (
	"slices"
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// The server's limits on cancellation: MaxCancellations and CancelTimeout in its pkg/consts.
const (
	maxCancelOn      = 5
	maxCancelTimeout = 365 * 24 * time.Hour
)

// CancelEvent is an event that cancels runs: an inngestkit.EventType, or the result of
// [EventNamed].
type CancelEvent interface {
	// Name returns the name of the event.
	Name() string
}

// EventNamed returns the event called name, for an event without a Go type. Its fields are
// not known, so App.Register does not find mistakes in paths of it.
func EventNamed(name string) CancelEvent { return eventName(name) }

type eventName string

func (n eventName) Name() string { return string(n) }

// CancelOption is an option of [CancelOn]: an [If], a [Match] or a [Timeout].
type CancelOption interface {
	part
	ofCancel()
}

// CancelOn cancels a run when event arrives. Without a condition, each such event cancels
// all runs of the function; with [Match] or [If], those for which the condition holds:
//
//	flow.CancelOn(orderCancelled, flow.Match("data.orderId"))
//
// In the expression of If, event is the event that triggered the run, and async the one
// that cancels it: "async.data.userId == event.data.userId". The server does not accept
// macros and function calls in this expression, such as has(…) and size(…).
//
// With a [Timeout], at most 365 days, the event cancels only runs that were scheduled within
// that time. A step that is running finishes, and its result is dropped.
//
// CancelOn may be given up to 5 times, for several events or for the same event on
// different conditions. It cannot be combined with [BatchEvents].
func CancelOn(event CancelEvent, options ...CancelOption) inngestkit.Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if !c.Append("CancelOn") {
			return
		}
		name := ""
		if event != nil {
			name = event.Name()
		}
		if name == "" {
			c.Refuse("CancelOn", nil,
				"has no event, or an event without a name; define events with inngestkit.DefineEvent and a name")
		}
		if problem := eventpath.NameProblem(name); problem != "" {
			c.Refuse("CancelOn", name, "%s", problem)
		}
		s := read(c, "CancelOn", options)
		async := eventpath.Shape{Event: name}
		if typed, ok := event.(eventpath.TypedEvent); ok {
			async = eventpath.ShapeOf(typed)
		}
		added := inngestgo.ConfigCancel{Event: name, If: checkConditions(c, "CancelOn", s, &async)}
		if s.timeout != nil {
			if *s.timeout <= 0 || *s.timeout > maxCancelTimeout {
				c.Refuse("CancelOn.Timeout", s.timeout.String(), "is out of range; it must be more than 0 and at most 365 days")
			}
			added.Timeout = new(s.timeout.String())
		}
		addCancelOn(c, added)
	})
}

func addCancelOn(c *fnconfig.Config, added inngestgo.ConfigCancel) {
	all := &c.Options.Cancel
	// The server names a cancellation by its event and its condition, and keeps only the first
	// with the same name (createCancellationPauses in its pkg/execution/executor).
	if slices.ContainsFunc(*all, func(other inngestgo.ConfigCancel) bool { return sameCancelOn(other, added) }) {
		c.Refuse("CancelOn", added.Event, "is given twice with the same condition; give it once")
	}
	*all = append(*all, added)
	if len(*all) > maxCancelOn {
		c.Refuse("CancelOn", added.Event, "is one event too many; a function has at most %d", maxCancelOn)
	}
}

func sameCancelOn(a, b inngestgo.ConfigCancel) bool {
	if a.Event != b.Event || a.If == nil || b.If == nil {
		return a.Event == b.Event && a.If == b.If
	}
	return *a.If == *b.If
}

// StartTimeout cancels a run that has not started within d after it was scheduled, for
// example because of [Concurrency] or [Throttle]. d must be more than 0.
func StartTimeout(d time.Duration) inngestkit.Option {
	return option("StartTimeout", d.String(), func(c *fnconfig.Config) {
		checkPositive(c, "StartTimeout", d)
		timeouts(c).Start = &d
	})
}

// FinishTimeout cancels a run that has not ended within d after it started, including
// sleeps and waits. A step that is running finishes. d must be more than 0.
func FinishTimeout(d time.Duration) inngestkit.Option {
	return option("FinishTimeout", d.String(), func(c *fnconfig.Config) {
		checkPositive(c, "FinishTimeout", d)
		timeouts(c).Finish = &d
	})
}

func timeouts(c *fnconfig.Config) *inngestgo.ConfigTimeouts {
	if c.Options.Timeouts == nil {
		c.Options.Timeouts = &inngestgo.ConfigTimeouts{}
	}
	return c.Options.Timeouts
}
