package engine

import "time"

// A clock has the virtual time. In a bubble of testing/synctest it is the bubble's.
type clock struct {
	bubble bool
	time   time.Time // outside a bubble
}

func (c *clock) now() time.Time {
	if c.bubble {
		return time.Now()
	}
	return c.time
}
