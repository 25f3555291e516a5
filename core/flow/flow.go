// Package flow has the options that control how the runs of a function are
// retried, limited and delayed. They are given to inngestkit.OnEvent and
// inngestkit.OnCron:
//
//	inngestkit.OnEvent("export", exportRequested, export,
//		flow.Retries(2),
//		flow.Concurrency(1, flow.Key("event.data.accountId")),
//	)
//
// Each option may be given once. Values the Inngest server would refuse or
// silently change are errors of App.Register, with the limit in the message; the
// limits are those of the server's source, packages pkg/inngest and pkg/consts.
package flow

import (
	"time"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// Key is an expression in the Common Expression Language over the triggering
// event. A limit with a key applies to each value of the expression by itself:
// Key("event.data.userId").
type Key string

// option makes an option that may be given once.
func option(field string, value any, apply func(c *fnconfig.Config)) fnconfig.Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if c.Once(field, value) {
			apply(c)
		}
	})
}

// checkKey refuses an empty expression and returns the key in the SDK's form.
func checkKey(c *fnconfig.Config, field string, key *Key) *string {
	if key == nil {
		return nil
	}
	if *key == "" {
		c.Refuse(field+".Key", "", "is empty; leave Key out to limit all runs together")
	}
	expression := string(*key)
	return &expression
}

// checkPeriod refuses periods the server refuses.
func checkPeriod(c *fnconfig.Config, field string, period, atMost time.Duration) {
	if period < time.Second || period > atMost {
		c.Refuse(field, period.String(), "is out of range; it is at least 1s and at most %s", atMost)
	}
}

// checkLimit refuses limits below 1, which the server takes for no limit or for 1.
func checkLimit(c *fnconfig.Config, field string, limit int) {
	if limit < 1 {
		c.Refuse(field, limit, "is out of range; it is at least 1")
	}
}
