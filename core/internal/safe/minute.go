package safe

import (
	"sync/atomic"
	"time"
)

// OnceAMinute limits reports of panics, which may repeat. The zero value is ready to use.
type OnceAMinute struct {
	last atomic.Int64 // in Unix nanoseconds
}

// Allows reports whether the last time it returned true is at least a minute ago.
func (o *OnceAMinute) Allows() bool {
	now, last := time.Now().UnixNano(), o.last.Load()
	return now-last >= int64(time.Minute) && o.last.CompareAndSwap(last, now)
}
