package step

import (
	"fmt"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// maxPause is the longest the server lets a run sleep or wait, by its
// documentation of usage limits.
const maxPause = 366 * 24 * time.Hour

// TimeoutOption is an option of every step that waits: [WaitForEvent],
// [WaitForSignal] and [Invoke].
type TimeoutOption interface {
	WaitOption
	SignalOption
	InvokeOption
}

// Timeout is how long to wait, at most 366 days.
func Timeout(d time.Duration) TimeoutOption { return timeout(d) }

type timeout time.Duration

func (t timeout) applyWait(w *wait)     { w.timeout = time.Duration(t) }
func (t timeout) applySignal(s *signal) { s.timeout = time.Duration(t) }
func (t timeout) applyInvoke(i *invoke) { i.timeout = new(time.Duration(t)) }

// checkTimeout ends the call if a step cannot wait for as long as it wants to.
func checkTimeout(c *call.Call, id, what string, d time.Duration) {
	if c != nil && (d <= 0 || d > maxPause) {
		c.Abort(sdkerrors.NoRetryError(fmt.Errorf(
			"step %q waits %s for %s: give step.Timeout more than 0 and at most 366 days", id, d, what)))
	}
}
