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
// Language over the triggering event, such as "event.data.userId". They are
// compiled by the server: a mistake in one is an error of the sync.
package flow

import (
	"time"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// option makes an option that may be given once.
func option(field string, value any, apply func(c *fnconfig.Config)) fnconfig.Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if c.Once(field, value) {
			apply(c)
		}
	})
}

// checkExpression refuses an empty expression.
func checkExpression(c *fnconfig.Config, field, expression string) {
	if expression == "" {
		c.Refuse(field, "", "is empty; give an expression, or leave it out")
	}
}

// checkKey refuses an empty key and returns the key in the SDK's form.
func checkKey(c *fnconfig.Config, field string, s settings) *string {
	if s.key != nil && *s.key == "" {
		c.Refuse(field+".Key", "", "is empty; leave Key out for one limit for all runs together")
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
