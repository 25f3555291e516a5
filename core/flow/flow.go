// Package flow provides the options that control when the runs of a function start, how
// many run at the same time, and when they are cancelled. Pass them to inngestkit.OnEvent and
// inngestkit.OnCron:
//
//	inngestkit.OnEvent("export", exportRequested, export,
//		flow.Retries(2),
//		flow.Concurrency(1, flow.Key("event.data.accountId")),
//		flow.CancelOn(accountClosed, flow.Match("data.accountId")),
//	)
//
// or all in one struct, as a [Config].
//
// Each option may be given once, but [Concurrency] twice and [CancelOn] five times.
// App.Register returns an error, which names the limit, for values that the Inngest server
// would refuse or silently change, and for options that exclude each other. The limits are
// those in the server's source, packages pkg/inngest, pkg/consts and pkg/sdk.
//
// # Expressions
//
// Keys, conditions and priorities are expressions in the Common Expression Language over
// the triggering event, such as "event.data.userId".
//
// To the server, a path that the event does not have is null, and null equals null. A
// limit with such a key applies to all runs together or not at all, and a [Match] on it
// holds for all events. App.Register therefore looks up each path in the Go types of the
// events, by the rules of encoding/json. It does not check what is inside a map, an interface
// or a type that encodes itself. If events have more fields than the type declares, see
// inngestkit.AdditionalProperties.
//
// The server compiles the expressions. A mistake that App.Register does not find fails the
// sync of the whole app, except in a key of [Throttle] or [Singleton]: there the server
// reports nothing, and the limit does not apply. Module contrib/cel finds such mistakes in
// a test.
//
// Text in expressions must not contain backslashes, because the server does not interpret
// them. For the same reason, if a value of the triggering event contains a double quote, a
// backslash or an invisible character, no comparison with it holds in [CancelOn] and
// step.WaitForEvent, including Match.
package flow

import (
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// option returns an option that may be given once.
func option(field string, value any, apply func(c *fnconfig.Config)) inngestkit.Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if c.SetOnce(field, value) {
			apply(c)
		}
	})
}

// checkExpression records an expression over the triggering event, which App.Register
// checks.
func checkExpression(c *fnconfig.Config, field, expression string) {
	c.Express(field, eventpath.Expression{Text: expression}, "give an expression, or leave it out")
}

// checkKey records a key, which App.Register checks, and returns it in the SDK's form.
func checkKey(c *fnconfig.Config, field string, s settings) *string {
	if s.key != nil {
		c.Express(field+".Key", eventpath.Expression{Text: *s.key}, "leave Key out to apply one limit to all runs")
	}
	return s.key
}

// checkPeriod refuses periods that the server refuses.
func checkPeriod(c *fnconfig.Config, field string, period, atMost time.Duration) {
	if period < time.Second || period > atMost {
		c.Refuse(field, period.String(), "is out of range; it must be at least 1s and at most %s", atMost)
	}
}

// checkWholeSeconds refuses durations with a fraction of a second.
func checkWholeSeconds(c *fnconfig.Config, field string, d time.Duration) {
	if d%time.Second != 0 {
		c.Refuse(field, d.String(), "is not in whole seconds; the server would drop the fraction")
	}
}

// checkPositive refuses durations that the server treats as unset.
func checkPositive(c *fnconfig.Config, field string, d time.Duration) {
	if d <= 0 {
		c.Refuse(field, d.String(), "is out of range; it must be more than 0")
	}
}

// checkLimit refuses limits below 1, which the server treats as no limit or as 1.
func checkLimit(c *fnconfig.Config, field string, limit int) {
	if limit < 1 {
		c.Refuse(field, limit, "is out of range; it must be at least 1")
	}
}
