package step

import "time"

// TimeoutOption is an option of every step that waits: [WaitForEvent],
// [WaitForSignal] and [Invoke].
type TimeoutOption interface {
	WaitOption
	SignalOption
	InvokeOption
}

// Timeout is how long to wait: more than 0 and at most 366 days.
func Timeout(d time.Duration) TimeoutOption { return timeout(d) }

type timeout time.Duration

func (t timeout) applyWait(w *wait)     { w.timeout = time.Duration(t) }
func (t timeout) applySignal(s *signal) { s.timeout = time.Duration(t) }
func (t timeout) applyInvoke(i *invoke) { i.timeout = new(time.Duration(t)) }
