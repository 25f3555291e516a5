package inngestkit

import (
	"context"
	"net/http"

	"github.com/tidwall/gjson"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// noteSent notes, in dev mode, that a function sends events outside of its steps. An
// event with an ID of its own is taken once, however often it is sent.
func (a *App) noteSent(ctx context.Context, events []AnyEvent) {
	c := call.From(ctx)
	if !a.config.Dev || c == nil || c.InStep(ctx) {
		return
	}
	for _, event := range events {
		raw, err := marshalEvent(event)
		if err == nil && gjson.GetBytes(raw, "id").Str == "" {
			c.SentOutside.Store(true)
		}
	}
}

// warnResent logs, once for each function and in dev mode, that a function has sent events
// outside of its steps in a call that is not its last one: the next sends them again.
func (f *function) warnResent(c *call.Call, resp *adapter.Response) {
	if !c.SentOutside.Load() || resp == nil || resp.Status != http.StatusPartialContent || f.warnedResent.Swap(true) {
		return
	}
	f.app.config.Logger.WarnContext(c.Inner, "inngest: the function sends events outside of its steps, so each of its calls "+
		"sends them again: use step.SendEvent, or send them in step.Run, or give them an ID",
		"function", c.FunctionID, "run_id", c.RunID)
}
