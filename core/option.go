package inngestkit

import "github.com/inngestkit/inngestkit/core/internal/fnconfig"

// Option configures one function. The options are [Name], [TimeZone], [Jitter],
// [OnFailure], [Use] and those of package flow (flow.Retries, flow.Concurrency, …).
// [App.Register] refuses an option given twice, options that exclude each other, and
// values that the Inngest server would refuse or silently change.
type Option interface {
	// FunctionOption returns the option in a form that only this module knows:
	// App.Register refuses implementations from elsewhere.
	FunctionOption() any
}

// Name sets the name that the Inngest UI shows. The default is the function's ID.
func Name(name string) Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if !c.SetOnce("Name", name) {
			return
		}
		if name == "" {
			c.Refuse("Name", name, "is empty; leave the option out to use the ID")
		}
		c.Options.Name = name
	})
}
