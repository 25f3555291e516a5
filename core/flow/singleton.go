package flow

import (
	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// SingletonMode says what becomes of an event that comes while the one run of a
// [Singleton] function is not at its end.
type SingletonMode int

const (
	// SingletonSkip drops the event; the run goes on. Servers from 1.13 on do not
	// drop a scheduled run: they try to start it again, with growing pauses, for
	// about a day, and so it may start late.
	SingletonSkip SingletonMode = iota + 1
	// SingletonCancel cancels the run and starts another with the event.
	SingletonCancel
)

// SingletonOption is an option of [Singleton]: a [Key].
type SingletonOption interface {
	part
	ofSingleton()
}

// Singleton allows one run of the function at a time, or with a [Key] one for each
// value of it, from the event to the end of the run. It cannot be combined with
// [BatchEvents].
func Singleton(mode SingletonMode, options ...SingletonOption) inngestkit.Option {
	return option("Singleton", int(mode), func(c *fnconfig.Config) {
		s := read(c, "Singleton", options)
		config := &inngestgo.ConfigSingleton{Key: checkKey(c, "Singleton", s)}
		switch mode {
		case SingletonSkip: // SingletonModeSkip of the server's pkg/enums is 0
		case SingletonCancel:
			config.Mode = 1 // SingletonModeCancel
		default:
			c.Refuse("Singleton.Mode", int(mode), "is not a mode; give SingletonSkip or SingletonCancel")
		}
		c.Options.Singleton = config
	})
}
