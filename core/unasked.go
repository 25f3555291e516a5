package inngestkit

import (
	"net/http"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// manyUnasked is how many kept results a function has to leave aside before it is warned:
// some are left aside when a function is changed while a run is under way.
const manyUnasked = 3

// warnUnasked logs, once for each function and in dev mode, that a function comes to new
// steps and does not ask for what it has done already. An ID with the time in it does that,
// and nothing else stops such a run before the server's limit of steps.
func (f *function) warnUnasked(c *call.Call, resp *adapter.Response) {
	if !f.app.config.Dev || resp == nil || resp.Status != http.StatusPartialContent || f.warnedUnasked.Load() {
		return
	}
	n := c.Unasked()
	if n < manyUnasked || f.warnedUnasked.Swap(true) {
		return
	}
	f.app.config.Logger.WarnContext(c.Inner, "inngest: the function runs new steps and does not ask for the results of "+
		"earlier ones: the ID of a step must be the same in every call, without a time, a random number or a pointer in it "+
		"(or the function was changed while the run was under way)",
		"function", c.FunctionID, "run_id", c.RunID, "results_not_asked_for", n)
}
