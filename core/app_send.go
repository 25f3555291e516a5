package inngestkit

import (
	"context"
	"errors"
	"fmt"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// Send sends events to Inngest and returns their IDs, in the same order. Events
// that are too many or too large for one request, 5,000 or 3 MiB, go out in
// several, one after the other.
//
// Send tries each request again after network errors, 429 and 5xx answers, for
// about half a minute or until ctx is done; if the server asks in Retry-After for
// more than the rest of that time, it gives up at once. The server knows a
// repeated request by its seed and does not take the events twice.
//
// A failure is a [*SendError], which says which of the events were sent. An event
// that the server would refuse, one above 3 MiB for example, is an error that
// names it, and none is sent.
//
// The app's middleware sees the events first; with the context of a function, that
// of its groups and its own too.
func (a *App) Send(ctx context.Context, events ...AnyEvent) ([]string, error) {
	// A shutdown waits for what is being sent; what comes later still goes out.
	if a.gate.Enter() {
		defer a.gate.Leave()
	}
	if a.config.Dev && !a.warned.Load() {
		a.warnUnstarted()
	}
	a.noteSent(ctx, events)
	send := a.sendChain(ctx)
	if send == nil {
		return a.sender.send(ctx, events)
	}
	raw, err := rawEvents(events)
	if err != nil {
		return nil, err
	}
	if FromContext(ctx) != a {
		ctx = NewContext(ctx, a) // for the Logger of the middleware
	}
	return a.sendGuarded(ctx, send, raw)
}

// sendGuarded sends by way of the middleware, whose panics are errors.
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

// warnUnstarted logs once that Start was forgotten: the app serves functions, the dev
// server has not heard of them, and now events go out to it. A dev server that has found
// the app by itself has synced it.
func (a *App) warnUnstarted() {
	if _, synced := a.LastSync(); synced || a.started.Load() || a.connected.Load() ||
		a.mount.Load() == nil || len(a.registry.Load().order) == 0 || !a.warned.CompareAndSwap(false, true) {
		return
	}
	a.config.Logger.Warn("inngest: events are sent, but nobody has told the dev server of this app's functions, so none of them "+
		"will run; call App.Start after mounting the app", "functions", len(a.registry.Load().order))
}

// Send is [App.Send] with the app that ctx carries: the context of a function, or
// of a request that the Middleware of an adapter has seen.
func Send(ctx context.Context, events ...AnyEvent) ([]string, error) {
	app := FromContext(ctx)
	if app == nil {
		return nil, errors.New("inngestkit: send: the context has no app; install the Middleware of the adapter " +
			"in front of the handler, or use App.Send")
	}
	return app.Send(ctx, events...)
}

// sendChain is the middleware around what is sent with ctx, nil for none.
func (a *App) sendChain(ctx context.Context) SendHandler {
	if c := call.From(ctx); c != nil && FromContext(ctx) == a {
		send, _ := c.Send.(SendHandler)
		return send
	}
	return a.chain.Load().send
}

// sendRaw sends what the middleware has made of the events.
func (a *App) sendRaw(ctx context.Context, events []RawEvent) ([]string, error) {
	all := make([]AnyEvent, len(events))
	for i, event := range events {
		all[i] = event
	}
	return a.sender.send(ctx, all)
}

// rawEvents encodes events and decodes all of them but their data.
func rawEvents(events []AnyEvent) ([]RawEvent, error) {
	raw := make([]RawEvent, len(events))
	for i, event := range events {
		encoded, err := marshalEvent(event)
		if err == nil {
			raw[i], err = decodeRawEvent(encoded)
		}
		if err != nil {
			return nil, fmt.Errorf("inngestkit: send: event %d: it cannot be encoded: %w", i, err)
		}
	}
	return raw, nil
}
