package inngestkit

import "github.com/inngestkit/inngestkit/core/internal/fnconfig"

// Option configures one function. Options are made by this package ([Name],
// [TimeZone], [Jitter]) and by package flow (flow.Retries, flow.Concurrency, …).
// An option given twice, options that exclude each other, or a value the Inngest
// server would refuse or silently change, are errors of [App.Register].
type Option = fnconfig.Option

// Name sets the name that the Inngest UI shows. The default is the function's ID.
func Name(name string) Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if !c.Once("Name", name) {
			return
		}
		if name == "" {
			c.Refuse("Name", name, "is empty; leave the option out to use the ID")
		}
		c.Options.Name = name
	})
}
