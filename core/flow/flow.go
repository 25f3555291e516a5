// Package flow has the options that control when the runs of a function start,
// how many of them at once, and when they end early. They are given to
// inngestkit.OnEvent and inngestkit.OnCron:
//
//	inngestkit.OnEvent("export", exportRequested, export,
//		flow.Retries(2),
//		flow.Concurrency(1, flow.Key("event.data.accountId")),
//		flow.CancelOn(accountClosed, flow.Match("data.accountId")),
//	)
//
// or, for those who prefer a struct, all in one as a [Config].
//
// Each option may be given once, [Concurrency] twice and [CancelOn] five times.
// Values the Inngest server would refuse or silently change, and options that
// exclude each other, are errors of App.Register that name the limit. The limits
// are those of the server's source, packages pkg/inngest, pkg/consts and pkg/sdk.
//
// # Expressions
//
// Keys, conditions and priorities are expressions in the Common Expression
// Language over the triggering event, such as "event.data.userId". The server takes a
// path that the event does not have for null, and null equals null: a limit by such a key
// is one for all, or none, and a [Match] on it holds for all events. So App.Register looks
// each path up in the Go types of the events, by the rules of encoding/json; what a map,
// an interface or a type that encodes itself has below it, it does not know. If events
// have more fields than the type declares, see inngestkit.AdditionalProperties.
//
// What App.Register cannot see, the server compiles: a mistake in an expression is an
// error of the sync of the whole app, and one in the key of [Throttle] or [Singleton] is
// no error at all, and does not hold. Module contrib/cel finds them in a test.
//
// Text in expressions has no backslashes: the server compares it as it is written. For
// the same reason, no comparison of [CancelOn] or step.WaitForEvent with a value of the
// triggering event that has a double quote, a backslash or an invisible character in it
// holds, those of Match neither.
package flow

import (
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// option makes an option that may be given once.
func option(field string, value any, apply func(c *fnconfig.Config)) inngestkit.Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if c.SetOnce(field, value) {
			apply(c)
		}
	})
}

// checkExpression notes an expression over the triggering event for the checks of
// App.Register.
func checkExpression(c *fnconfig.Config, field, expression string) {
	c.Express(field, eventpath.Expression{Text: expression}, "give an expression, or leave it out")
}

// checkKey notes a key for the checks of App.Register, and returns it in the SDK's form.
func checkKey(c *fnconfig.Config, field string, s settings) *string {
	if s.key != nil {
		c.Express(field+".Key", eventpath.Expression{Text: *s.key}, "leave Key out for one limit for all runs together")
	}
	return s.key
}

// checkPeriod refuses periods the server refuses.
func checkPeriod(c *fnconfig.Config, field string, period, atMost time.Duration) {
	if period < time.Second || period > atMost {
		c.Refuse(field, period.String(), "is out of range; it is at least 1s and at most %s", atMost)
	}
}

// checkWholeSeconds refuses durations of which the server cuts off the rest.
func checkWholeSeconds(c *fnconfig.Config, field string, d time.Duration) {
	if d%time.Second != 0 {
		c.Refuse(field, d.String(), "is not in whole seconds; the server cuts off the rest")
	}
}

// checkPositive refuses durations that the server takes for none.
func checkPositive(c *fnconfig.Config, field string, d time.Duration) {
	if d <= 0 {
		c.Refuse(field, d.String(), "is out of range; it is more than 0")
	}
}

// checkLimit refuses limits below 1, which the server takes for no limit or for 1.
func checkLimit(c *fnconfig.Config, field string, limit int) {
	if limit < 1 {
		c.Refuse(field, limit, "is out of range; it is at least 1")
	}
}
