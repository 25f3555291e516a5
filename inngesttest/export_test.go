package inngesttest

// MaxStarts lowers the limit on the runs that a function starts while time advances once.
func MaxStarts(n int) Option { return virtualOption(func(c *virtualConfig) { c.maxStarts = n }) }
