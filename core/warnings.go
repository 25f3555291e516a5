package inngestkit

import (
	"context"
	"net/http"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// minUnclaimed is how many memoized results a function has to leave unclaimed before the app
// warns: some are left when a function is changed while a run is under way.
const minUnclaimed = 3

// warnUnclaimed logs, once per function and in dev mode, that a function reaches new steps
// and does not claim the results it has. An ID that contains the time has this effect, and
// only the server's limit of steps ends such a run. In an adopted function the SDK's own steps
// claim results unseen, so there it says nothing.
func (c *FunctionCall) warnUnclaimed(resp *adapter.Response) {
	if c.function.adopted != nil || !c.function.app.config.Dev || resp == nil || resp.Status != http.StatusPartialContent ||
		c.function.warnedUnclaimed.Load() {
		return
	}
	n := c.call.Unclaimed()
	if n < minUnclaimed || c.function.warnedUnclaimed.Swap(true) {
		return
	}
	c.call.Logger.WarnContext(c.call.Inner, "inngest: the function runs new steps and does not use the results of "+
		"earlier ones: the ID of a step must be the same in every call, without a time, a random number or a pointer in it "+
		"(or the function was changed while the run was under way)",
		"function", c.FunctionID, "run_id", c.RunID, "unused_results", n)
}

// noteSent records, in dev mode, that a function sends events outside its steps. Events with
// an ID do not count: the server takes them once, however often they are sent.
func (a *App) noteSent(ctx context.Context, events []RawEvent) {
	c := callOf(ctx)
	if !a.config.Dev || c == nil || c.call.InStep(ctx) {
		return
	}
	for _, event := range events {
		if event.ID == nil || *event.ID == "" {
			c.sentOutside.Store(true)
		}
	}
}

// warnResent logs, once per function and in dev mode, that a function has sent events
// outside its steps in a call that is not the last one of its run: the next call sends them
// again.
func (c *FunctionCall) warnResent(resp *adapter.Response) {
	if !c.sentOutside.Load() || resp == nil || resp.Status != http.StatusPartialContent ||
		c.function.warnedResent.Swap(true) {
		return
	}
	c.call.Logger.WarnContext(c.call.Inner, "inngest: the function sends events outside of its steps, so each of its calls "+
		"sends them again: use step.SendEvent, or send them in step.Run, or give them an ID",
		"function", c.FunctionID, "run_id", c.RunID)
}
