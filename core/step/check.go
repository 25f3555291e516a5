package step

import (
	"fmt"
	"net/url"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// maxPause is the longest that servers from 1.38 on let a run sleep or wait for an
// event: MaxSleepDuration and MaxWaitForEventTimeout of their pkg/consts. They let it
// wait longer for a signal or a function, but a year is the default there.
const maxPause = 366 * 24 * time.Hour

// abort ends the call with err, for good. Outside of a call it returns err.
func abort(c *call.Call, err error) error {
	if c != nil {
		c.Abort(sdkerrors.NoRetryError(err))
	}
	return err
}

// checkTimeout aborts if a step cannot wait for as long as it wants to.
func checkTimeout(c *call.Call, id, what string, d time.Duration) error {
	if d > 0 && d <= maxPause {
		return nil
	}
	return abort(c, fmt.Errorf(
		"step %q waits %s for %s: give step.Timeout more than 0 and at most 366 days", id, d, what))
}

// checkURL aborts if the server could not make a request to target, which it would
// try again and again. The message does not have the URL: there may be a key in it.
func checkURL(c *call.Call, id, target string) error {
	u, err := url.Parse(target)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return abort(c, fmt.Errorf("step %q: the URL is not one the server can ask: give a full one, with http:// or https://", id))
}
