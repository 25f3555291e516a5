package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// Send sends events to Inngest and returns their IDs, in the same order. Events that are too
// many or too large for one request, 5,000 or 3 MiB, are sent in several requests, one after
// another.
//
// Send retries each request after network errors, 429 and 5xx responses, for about 30
// seconds or until ctx is done. If the server's Retry-After exceeds the rest of that time,
// Send gives up at once. The server recognizes a repeated request by its seed and does not
// accept its events twice.
//
// A failure is a [*SendError], which reports which of the events were sent. If the server
// would refuse an event, for example one above 3 MiB, the error names it and none is sent.
//
// The app's middleware sees the events first. With the context of a function, the middleware
// of its groups and its own middleware see them too.
func (a *App) Send(ctx context.Context, events ...AnyEvent) ([]string, error) {
	// Shutdown waits for sends in progress. Later sends still work, but nothing waits for them.
	if a.gate.Enter() {
		defer a.gate.Leave()
	}
	if a.config.Dev && !a.warned.Load() {
		a.warnUnstarted()
	}
	raw, err := a.rawEvents(events)
	if err != nil {
		return nil, err
	}
	a.noteSent(ctx, raw)
	send := a.sendChain(ctx)
	if send == nil {
		return a.sendEvents(ctx, raw)
	}
	if FromContext(ctx) != a {
		ctx = NewContext(ctx, a) // for the Logger of the middleware
	}
	return a.sendGuarded(ctx, send, raw)
}

// Send calls [App.Send] of the app that ctx carries: the context of a function, or of a
// request that passed the Middleware of an adapter.
func Send(ctx context.Context, events ...AnyEvent) ([]string, error) {
	app := FromContext(ctx)
	if app == nil {
		return nil, errors.New("inngestkit: send: the context has no app; install the Middleware of the adapter " +
			"in front of the handler, or use App.Send")
	}
	return app.Send(ctx, events...)
}

// warnUnstarted logs once that Start was forgotten: the app has functions that the dev server
// does not know, and now it sends events. A dev server that found the app by itself has
// synced it.
func (a *App) warnUnstarted() {
	if _, synced := a.LastSync(); synced || a.started.Load() || a.connecting.Load() ||
		a.mount.Load() == nil || len(a.registry.Load().order) == 0 || !a.warned.CompareAndSwap(false, true) {
		return
	}
	a.config.Logger.Warn("inngest: events are sent, but the dev server does not know this app's functions, so none of them "+
		"will run; call App.Start after mounting the app", "functions", len(a.registry.Load().order))
}

// sendChain returns the middleware around what is sent with ctx, nil for none.
func (a *App) sendChain(ctx context.Context) SendHandler {
	if c := callOf(ctx); c != nil && FromContext(ctx) == a {
		return c.chain.send
	}
	return a.chain.Load().send
}

// sendGuarded sends through the middleware and turns its panics into errors.
func (a *App) sendGuarded(ctx context.Context, send SendHandler, events []RawEvent) (ids []string, err error) {
	const where = "the middleware around App.Send"
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if call.IsYield(r) {
			panic(r) // a step in the middleware
		}
		panicked := newPanicError(where, r)
		a.config.Logger.ErrorContext(ctx, "inngest: "+where+" panicked",
			"panic", safe.Sprint(panicked.Value), "stack", string(panicked.Stack))
		ids, err = nil, fmt.Errorf("inngestkit: send: %w", panicked)
	}()
	ids, err = send(ctx, events)
	return ids, safe.Sound(where, err)
}

// sendRaw sends the events that the middleware passed on.
func (a *App) sendRaw(ctx context.Context, events []RawEvent) ([]string, error) {
	for i, event := range events {
		if len(event.Data) > 0 && !envelope.Valid(event.Data) {
			return nil, NoRetry(fmt.Errorf("inngestkit: send: event %d: the middleware passed on data that is not JSON", i))
		}
	}
	return a.sendEvents(ctx, events)
}

// sendEvents sends events without middleware.
func (a *App) sendEvents(ctx context.Context, events []RawEvent) ([]string, error) {
	if len(events) == 0 {
		return nil, nil
	}
	if a.config.eventKey() == "" {
		return nil, errors.New("inngestkit: send: EventKey (INNGEST_EVENT_KEY) is missing; sending to Inngest Cloud needs it")
	}
	encoded, err := a.encodeEvents(ctx, events)
	if err != nil {
		return nil, err
	}
	ids, uncertain, failure := a.api.SendEvents(ctx, encoded)
	if failure == nil {
		return ids, nil
	}
	return ids, &SendError{
		Status: failure.Status, Message: failure.Message, RetryAfter: failure.RetryAfter, Err: failure.Err,
		IDs: slices.Clone(ids), Uncertain: uncertain, total: len(events), cure: failure.Cure,
	}
}
